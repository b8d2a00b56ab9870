"""The real Claude Code, ended while it waits for a person, and taken up by the answer behind a restart of the agent."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.backends.claude.headless import HeadlessBackend
from agent.domain.command import Command, Input, Lane, Order, PermissionDecision
from agent.domain.frames import Item, Notify, PermissionAsked
from agent.domain.permission import Question
from agent.domain.session import Session, SessionState
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.rigs.agent_rig import Rig, Rigs, eventually

LONG = 60.0  # seconds; other programs share the cores
NOBODY = "127.0.0.1:1"


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, api: ModelApi) -> ClaudeHome:
    return ClaudeHome(tmp_path, api)


async def _at_once() -> None:
    """It has waited for long."""


@asynccontextmanager
async def life(rigs: Rigs, home: ClaudeHome) -> AsyncIterator[Rig]:
    async with rigs.running(NOBODY, headless=HeadlessBackend(home.environ)) as rig:
        rig.agent.parking.long_enough = _at_once
        yield rig


async def items(rig: Rig) -> list[Item]:
    return [row.item for row in await rig.agent.outbox.after(0, 200)]


async def asked(rig: Rig) -> list[Question]:
    return [each.question for each in await items(rig) if isinstance(each, PermissionAsked)]


async def said(rig: Rig) -> list[str]:
    return [each.text for each in await items(rig) if isinstance(each, Notify)]


async def order(rig: Rig, name: str, wanted: Order, lane: Lane = Lane.NORMAL) -> None:
    await rig.agent.link_handler.store((Command(name, "s1", 1, 1, lane, wanted),))


async def test_nothing_runs_while_it_waits_and_the_answer_goes_on_with_the_very_call(
    rigs: Rigs, home: ClaudeHome, api: ModelApi
) -> None:
    async with life(rigs, home) as rig:
        target = {"program": str(home.program)}
        await rig.agent.sessions.register(Session("s1", "headless", cwd=str(home.project), target=target))
        await order(rig, "c1", Input("%bash touch made"))
        backend = rig.agent.headless
        assert isinstance(backend, HeadlessBackend)
        await eventually(lambda: rig.agent.parking.is_waiting("s1") and not backend.pids, LONG)
        parked, talk = rig.agent.sessions.known("s1"), rig.agent.sessions.known("s1").conversation
        prompts, records = list(api.prompts), home.records()
        words = await said(rig)
    async with life(rigs, home) as rig:
        [question] = await asked(rig)
        yes = PermissionDecision(question.permission_id, question.input_digest, "allow")
        await order(rig, "yes", yes, Lane.URGENT)
        await eventually((home.project / "made").exists, LONG)
        await eventually(lambda: rig.agent.sessions.known("s1").state is SessionState.IDLE, LONG)
        taken_up = rig.agent.sessions.known("s1").conversation
        questions, after = await asked(rig), await said(rig)

    assert (parked.state, prompts, records, words) == (SessionState.WAITING, ["%bash touch made"], [], [])
    assert talk is not None
    assert taken_up is not None
    assert taken_up.conversation_id == talk.conversation_id
    assert len(api.prompts) == 2
    assert len(questions) == 1  # it was not asked again
    assert [text.partition(":")[0] for text in after] == ["tool said"]

"""Sessions with a model alone in a whole agent: begun without a folder, told of, cut off by an end, and over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.backends.backend import Entry
from agent.backends.registry import backends
from agent.domain.command import (
    Command,
    Ending,
    Input,
    KeyPress,
    Lane,
    Order,
    Outcome,
    Reason,
    StartSession,
    StopSession,
)
from agent.domain.frames import CommandResult, Notify
from agent.domain.session import SessionState
from tests.integration.agent.backends.model_scene import ModelScene
from tests.rigs.agent_rig import Rig, Rigs, eventually

NOBODY = "127.0.0.1:1"


@asynccontextmanager
async def running(rigs: Rigs, scene: ModelScene) -> AsyncIterator[Rig]:
    """An agent with that model, and no folder in which anything could be started."""
    more = {"model": Entry(scene.another(), backends().table["model"].traits)}
    async with rigs.running(NOBODY, more=more) as rig:
        yield rig


async def order(rig: Rig, name: str, wanted: Order, lane: Lane = Lane.NORMAL, session: str = "s1") -> Outcome:
    """How it ended."""
    await rig.agent.link_handler.store((Command(name, session, 1, 1, lane, wanted),))

    async def found() -> Outcome | None:
        results = [row.item for row in await rig.agent.outbox.after(0, 200) if isinstance(row.item, CommandResult)]
        return next((one.outcome for one in results if one.command_id == name), None)

    outcome: Outcome = await eventually(found)
    return outcome


async def told(rig: Rig) -> list[str]:
    return [row.item.text for row in await rig.agent.outbox.after(0, 200) if isinstance(row.item, Notify)]


async def rests(rig: Rig) -> None:
    await eventually(lambda: (one := rig.agent.sessions.find("s1")) is not None and one.state is SessionState.IDLE)


@pytest.mark.parametrize(("platform", "known"), [("telegram", "telegram"), ("../../etc", None), ("", None)])
async def test_it_knows_the_platform_in_which_it_was_begun(
    rigs: Rigs, data_dir: Path, platform: str, known: str | None
) -> None:
    with ModelScene(data_dir) as scene:
        scene.told_first = lambda session: f"You are read in {session.target.get('platform')}."
        async with running(rigs, scene) as rig:
            await order(rig, "c1", StartSession("hello", agent="model", platform=platform))
            await rests(rig)

    assert scene.endpoint.bodies[-1]["system"] == f"You are read in {known}."


async def test_it_is_begun_without_a_folder_and_its_answer_is_told(rigs: Rigs, data_dir: Path) -> None:
    with ModelScene(data_dir) as scene:
        async with running(rigs, scene) as rig:
            begun = await order(rig, "c1", StartSession("hello", "/etc", agent="model"))
            await rests(rig)
            await order(rig, "c2", Input("again"))
            await rests(rig)
            session = rig.agent.sessions.find("s1")
            hello = await rig.agent.link_handler.greeting()
            words = await told(rig)

    assert begun == Outcome.done()
    assert session is not None
    assert (session.cwd, session.ends_at, session.process) == ("", None, None)
    assert words == ["echo: hello", "echo: again"]
    assert {"quick", "start"} < set(hello.capabilities)
    assert [program.name for program in hello.condition.programs] == ["model"]


async def test_texts_wait_for_the_answer_before_and_a_stop_does_not(rigs: Rigs, data_dir: Path) -> None:
    with ModelScene(data_dir) as scene:
        async with running(rigs, scene) as rig:
            await order(rig, "c1", StartSession("%slow 60 " + "on " * 60, agent="model"))
            waiting = asyncio.create_task(order(rig, "c2", Input("next")))
            stopped = await order(rig, "c3", KeyPress("esc"), Lane.URGENT)
            after = await waiting
            await eventually(lambda: told(rig))
            words = await told(rig)

    assert (stopped, after) == (Outcome.done(), Outcome.done())
    assert words == ["echo: next"]


async def test_an_end_of_the_agent_in_the_middle_is_told_and_the_talk_goes_on(rigs: Rigs, data_dir: Path) -> None:
    with ModelScene(data_dir) as scene:
        async with running(rigs, scene) as rig:
            await order(rig, "c1", StartSession("%slow 60 " + "on " * 60, agent="model"))
        async with running(rigs, scene) as rig:
            cut = await told(rig)
            await order(rig, "c2", Input("%cut 1 and now"))
            await rests(rig)

    assert "was stopped in the middle" in cut[0]
    assert "m-1" in cut[0] or "the model" in cut[0]
    assert scene.shown()[-1][1].startswith("%slow 60 on")
    assert scene.shown()[-1][1].endswith("%cut 1 and now")


async def test_a_start_that_is_refused_leaves_no_session_and_an_end_no_file(rigs: Rigs, data_dir: Path) -> None:
    with ModelScene(data_dir) as scene:
        async with running(rigs, scene) as rig:
            refused = await order(rig, "c1", StartSession("%fail 429 30", agent="model"))
            left = rig.agent.sessions.live()
            await order(rig, "c2", StartSession("hello", agent="model"), session="s2")
            await eventually(lambda: list((data_dir / "histories").glob("*.json")))
            over = await order(rig, "c3", StopSession(), session="s2")

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
    assert "come again in 30 s" in refused.detail
    assert left == ()
    assert over == Outcome.done()
    assert list((data_dir / "histories").glob("*.json")) == []

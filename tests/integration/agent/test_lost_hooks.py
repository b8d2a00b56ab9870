"""A usage limit whose hook nobody heard: the record tells it once, and what stands on a screen never does."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.hook_caller import Program, program
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.integration.agent.test_states import NOBODY, Registry, limited_record, only
from tests.rigs.agent_rig import Rig, Rigs, eventually

UNTIL = 1_900_000_000.0
WORDS = "You've hit your session limit · resets 7:01pm (UTC)"
SCREEN = f"● Reading the code.\\n  ⎿  {WORDS}\\n{'─' * 40}\\n> \\n{'─' * 40}\\n"


def holds(record: Path, *rows: str) -> None:
    record.write_text("".join(rows))


def said(kind: str, text: str) -> str:
    return json.dumps({"type": kind, "message": {"role": kind, "model": "m", "content": text}}) + "\n"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record.jsonl"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TmuxServerFixture]:
    """Claude Code's screen at a limit."""
    fixture = TmuxServerFixture(tmp_path, ["sh", "-c", f'printf "{SCREEN}"; exec sleep 1000'])
    yield fixture
    fixture.close()


async def seated(rig: Rig, server: TmuxServerFixture, record: Path) -> None:
    """Claude Code in that pane, in a talk with that record."""
    process = server.session().process
    assert process is not None
    place = {"TMUX": f"{server.socket},{server.pid},0", "TMUX_PANE": server.pane}
    claude = Program(rig.data_dir, process.pid, environ=place)
    await claude.says("SessionStart", source="startup", transcript_path=str(record))
    assert only(rig).backend == "tmux"


async def looked(rig: Rig, times: int = 3) -> None:
    for _ in range(times):
        await rig.agent.states.look()


async def test_one_that_came_while_the_agent_was_away_is_told_once(
    rigs: Rigs, server: TmuxServerFixture, record: Path
) -> None:
    async with rigs.running(NOBODY) as rig:
        await seated(rig, server, record)
    holds(record, said("user", "hello"), limited_record(UNTIL))
    async with rigs.running(NOBODY) as rig:
        await eventually(lambda: only(rig).limited_until == UNTIL)
        told = await rig.outbox()
        await looked(rig)

        assert only(rig).limited_until == UNTIL
        assert await rig.outbox() == told


async def test_the_same_words_on_a_screen_and_in_an_answer_are_nobodys_limit(
    rigs: Rigs, server: TmuxServerFixture, record: Path
) -> None:
    async with rigs.running(NOBODY) as rig:
        await seated(rig, server, record)
    holds(record, said("user", "what does it say?"), said("assistant", f"Done.\n⎿  {WORDS}"))
    await asyncio.to_thread(server.shows, WORDS)
    async with rigs.running(NOBODY) as rig:
        await looked(rig)
        await rig.agent.screen_states.look()

        assert only(rig).limited_until == 0.0


async def test_one_that_is_over_by_the_record_is_over(rigs: Rigs, server: TmuxServerFixture, record: Path) -> None:
    async with rigs.running(NOBODY) as rig:
        await seated(rig, server, record)
        await rig.agent.sessions.limit(only(rig).session_id, UNTIL)
    holds(record, limited_record(UNTIL), said("user", "go on"), said("assistant", "Done."))
    async with rigs.running(NOBODY) as rig:
        await eventually(lambda: only(rig).limited_until == 0.0)


async def test_a_turn_that_ends_at_a_limit_without_a_hook_tells_it(rigs: Rigs, record: Path, tmp_path: Path) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            registry = Registry(claude, tmp_path / "claude")
            registry.says("busy")
            await claude.says("SessionStart", source="startup", transcript_path=str(record))
            await looked(rig)
            before = only(rig).limited_until
            holds(record, said("user", "hello"), limited_record(UNTIL))
            registry.says("idle")
            await looked(rig)
            await eventually(lambda: only(rig).limited_until == UNTIL)

    assert before == 0.0


async def test_what_a_hook_told_to_be_over_is_not_brought_back_by_a_record_that_is_late(
    rigs: Rigs, record: Path, tmp_path: Path
) -> None:
    holds(record, limited_record(UNTIL))
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            Registry(claude, tmp_path / "claude").says("idle")
            await claude.says("SessionStart", source="startup", transcript_path=str(record))
            await eventually(lambda: only(rig).limited_until == UNTIL)
            await claude.says("UserPromptSubmit", prompt="go on", transcript_path=str(record))
            await looked(rig)
            over = only(rig).limited_until
            await claude.says("StopFailure", error="rate_limit", transcript_path=str(record))
            await eventually(lambda: only(rig).limited_until == UNTIL)

    assert over == 0.0

"""Sessions without a terminal in a whole agent: what reaches the outbox, and what an agent that ended left behind."""

import asyncio
import os
from pathlib import Path

import pytest

from agent.backends.claude.headless import HeadlessBackend
from agent.domain.command import MAX_TEXT_BYTES, Command, Input, Lane, Outcome
from agent.domain.frames import CommandMark, CommandResult, Item, Mark, Notify, SessionChanged
from agent.domain.session import Conversation, Process, Session, SessionState
from agent.processes import identify
from agent.services.headless import HeadlessListener
from tests.integration.agent.backends.program_stages import stream_recorder
from tests.rigs.agent_rig import Rig, Rigs, eventually

NOBODY = "127.0.0.1:1"
BUSY, IDLE, WAITING = SessionState.BUSY, SessionState.IDLE, SessionState.WAITING


async def words(rig: Rig) -> list[Item]:
    return [row.item for row in await rig.agent.outbox.after(0, 100)]


async def notifications(rig: Rig) -> list[str]:
    return [item.text for item in await words(rig) if isinstance(item, Notify)]


async def marks(rig: Rig) -> list[Mark]:
    """What is told of texts behind their end."""
    items = [item for item in await words(rig) if isinstance(item, CommandResult | CommandMark)]
    return [item.mark for item in items[1:] if isinstance(item, CommandMark)]


def headless_listener(rig: Rig) -> HeadlessListener:
    return rig.agent.headless_listener


async def headless(rig: Rig, folder: Path) -> Session:
    program, _ = stream_recorder(folder)
    return await rig.agent.sessions.register(
        Session("s1", "headless", cwd=str(folder), target={"program": str(program)})
    )


@pytest.mark.parametrize(("state", "told"), [(BUSY, 1), (WAITING, 1), (IDLE, 0)])
async def test_what_a_stopped_agent_cut_off_is_told_at_the_next_start(
    rigs: Rigs, state: SessionState, told: int
) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        await headless_listener(rig).became("s1", state)
    async with rigs.running(NOBODY) as rig:
        session = rig.agent.sessions.known("s1")
        found = await notifications(rig)

    assert session.state is IDLE
    assert ["stopped in the middle" in text for text in found] == [True] * told


async def test_what_is_said_while_the_disk_is_full_is_kept_until_it_is_not(
    rigs: Rigs, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        await rig.fill_disk()
        task = asyncio.create_task(headless_listener(rig).said("s1", "x" * 60000))
        await eventually(lambda: "store unavailable" in caplog.text)
        waited = not task.done()
        await rig.free_disk()
        await eventually(task.done)

        assert waited
        assert await notifications(rig) == ["x" * 60000]


async def test_of_words_that_are_too_many_the_end_is_kept(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        await headless_listener(rig).said("s1", "é" * MAX_TEXT_BYTES + "\x1b[31mthe end")

        (text,) = await notifications(rig)

    assert text.startswith("…é")
    assert text.endswith("é[31mthe end")
    assert len(text.encode()) <= MAX_TEXT_BYTES


async def test_last_words_of_a_session_that_is_over_change_nothing(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        await rig.agent.sessions.close("s1", "unregistered")
        before = await words(rig)
        await headless_listener(rig).became("s1", BUSY)

        assert await words(rig) == before


async def test_a_session_that_is_unregistered_has_no_program_any_more(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        session = await headless(rig, rigs.data_dir)
        backend = rig.agent.headless
        assert isinstance(backend, HeadlessBackend)
        assert await backend.deliver(session, Input("text")) == Outcome.done()
        (pid,) = backend.pids

        await rig.ask(op="unregister", session_id="s1")

        assert identify(pid) is None


async def test_hooks_of_a_program_that_we_run_say_nothing_twice(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        process = identify(os.getpid())
        assert process is not None
        await headless_listener(rig).talks("s1", Conversation("talk", process, ""))
        before = await words(rig)

        payload = {"hook_event_name": "Stop", "session_id": "talk", "last_assistant_message": "done"}
        environ = {"CLAUDE_PID": str(process.pid), "CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}
        answer = await rig.ask(op="hook", event="Stop", payload=payload, environ=environ)

        assert answer == {"ok": True}
        assert await words(rig) == before
        assert isinstance(before[-1], SessionChanged)


async def test_a_text_is_taken_when_it_is_done_and_finished_when_its_program_is_at_rest(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        rig.agent.prompts.patience = 0.0  # a terminal would be said not to have taken it
        command = Command("c1", "s1", 0, 1, Lane.NORMAL, Input("go"))
        await rig.agent.link_handler.store((command,))
        await eventually(lambda: marks(rig))
        before = await marks(rig)
        await headless_listener(rig).became("s1", BUSY)
        await headless_listener(rig).became("s1", IDLE)

        assert before == [Mark.TAKEN]
        assert await marks(rig) == [Mark.TAKEN, Mark.FINISHED]


async def test_a_conversation_outlives_its_program(rigs: Rigs) -> None:
    gone = Conversation("talk", Process(2**22 - 1, 1.0), "")
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        await headless_listener(rig).talks("s1", gone)
        await rig.agent.states.look()

        assert rig.agent.sessions.known("s1").conversation == gone

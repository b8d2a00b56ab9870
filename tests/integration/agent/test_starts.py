"""Sessions started and ended from afar, on their machine: where, once, for how long."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.clock import SteadyClock
from agent.domain.command import Command, Ending, Input, Lane, Order, Outcome, Reason, StartSession, StopSession
from agent.domain.frames import CommandResult, Notify, SessionChanged, SessionGone
from agent.domain.session import Conversation, Session, SessionState
from agent.processes import identify
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.recording_backend import RecordingBackend, typed
from tests.rigs.scripted_link import running_router

NOBODY = "127.0.0.1:1"
TALK = "11111111-2222-3333-4444-555555555555"
DAY = 24 * 3600.0
URGENT = (StopSession,)


class Clock(SteadyClock):
    """A steady clock that the test moves forward."""

    skipped = 0.0

    def uptime(self) -> float:
        return super().uptime() + self.skipped


@pytest.fixture
def headless(data_dir: Path) -> RecordingBackend:
    return RecordingBackend(data_dir / "prompts")


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """The folder in which sessions may be started."""
    (data_dir / "src" / "api").mkdir(parents=True)
    return data_dir / "src"


def command(name: str, order: Order, session_id: str = "s1", generation: int = 1) -> Command:
    lane = Lane.URGENT if isinstance(order, URGENT) else Lane.NORMAL
    return Command(name, session_id, generation, 1, lane, order)


async def words(rig: Rig) -> list[object]:
    return [row.item for row in await rig.agent.outbox.after(0, 100)]


async def outcome(rig: Rig, name: str) -> Outcome:
    """How a command ended."""

    async def ended() -> Outcome | None:
        found = [one for one in await words(rig) if isinstance(one, CommandResult) and one.command_id == name]
        return found[0].outcome if found else None

    result: Outcome = await eventually(ended)
    return result


async def carried_out(rig: Rig, name: str, order: Order, session_id: str = "s1") -> Outcome:
    await rig.agent.link_handler.store((command(name, order, session_id),))
    return await outcome(rig, name)


async def test_a_start_makes_a_session_and_gives_it_the_prompt(
    rigs: Rigs, headless: RecordingBackend, folder: Path
) -> None:
    async with rigs.running(NOBODY, headless=headless, start_folders=(folder,)) as rig:
        ended = await carried_out(rig, "c1", StartSession("fix it", "api/", TALK))
        told = await words(rig)
        session = rig.agent.sessions.known("s1")

    assert ended == Outcome.done()
    assert headless.typed("s1") == ["fix it"]
    assert [type(one) for one in told] == [SessionChanged, CommandResult]
    assert (session.label, session.cwd, session.target) == ("api", str(folder / "api"), {"resume": TALK})


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (StartSession("go", "/etc"), Reason.FOLDER_NOT_ALLOWED),
        (StartSession("go", "none/"), Reason.FOLDER_NOT_ALLOWED),
        (StartSession("go", "", "--dangerously-skip-permissions"), Reason.INVALID_ARGUMENT),
        (StartSession("go", "", "open"), Reason.INVALID_ARGUMENT),
    ],
)
async def test_what_may_not_be_started_leaves_nothing(
    rigs: Rigs, headless: RecordingBackend, folder: Path, order: StartSession, reason: Reason
) -> None:
    async with rigs.running(NOBODY, headless=headless, start_folders=(folder,)) as rig:
        ended = await carried_out(rig, "c1", order)

        assert (ended.ending, ended.reason) == (Ending.FAILED, reason)
        assert rig.agent.sessions.find("s1") is None
        assert headless.typed() == []


async def test_the_router_is_told_where_sessions_may_start(
    rigs: Rigs, headless: RecordingBackend, folder: Path
) -> None:
    async with rigs.running(NOBODY, headless=headless, start_folders=(folder,)) as rig:
        told = await rig.agent.link_handler.greeting()
    async with rigs.running(NOBODY, headless=headless) as rig:
        nowhere = await rig.agent.link_handler.greeting()

    assert [Path(name).name for name in told.start_folders] == [folder.name]
    assert nowhere.start_folders == ()


async def test_nothing_is_started_unless_a_setting_allows_it(rigs: Rigs, headless: RecordingBackend) -> None:
    async with rigs.running(NOBODY, headless=headless) as rig:
        ended = await carried_out(rig, "c1", StartSession("go", "/"))

    assert (ended.reason, "POINTSMAN_START_FOLDERS" in ended.detail) == (Reason.FOLDER_NOT_ALLOWED, True)


async def test_a_program_that_does_not_take_the_prompt_ends_its_session(
    rigs: Rigs, headless: RecordingBackend, folder: Path
) -> None:
    headless.outcomes["go"] = Outcome.failed(Reason.BACKEND_ERROR, "not installed")
    async with rigs.running(NOBODY, headless=headless, start_folders=(folder,)) as rig:
        ended = await carried_out(rig, "c1", StartSession("go"))
        told = await words(rig)

    assert ended == headless.outcomes["go"]
    assert told[1] == SessionGone("s1", 1, "not started: not installed")


async def test_a_conversation_that_a_session_has_is_not_started_in_another(
    rigs: Rigs, headless: RecordingBackend, folder: Path
) -> None:
    async with rigs.running(NOBODY, headless=headless, start_folders=(folder,)) as rig:
        first = await carried_out(rig, "c1", StartSession("go", "", TALK))
        second = await carried_out(rig, "c2", StartSession("go on", "", TALK), "s2")
        await carried_out(rig, "c3", StopSession())
        third = await carried_out(rig, "c4", StartSession("go on", "", TALK), "s3")

    assert [one.reason for one in (first, second, third)] == [Reason.NONE, Reason.CONVERSATION_OPEN, Reason.NONE]
    assert "src" in second.detail


async def test_a_stop_ends_the_session_at_once_and_what_waits_behind_fails(
    rigs: Rigs, headless: RecordingBackend, folder: Path
) -> None:
    async with rigs.running(NOBODY, headless=headless, start_folders=(folder,)) as rig:
        await carried_out(rig, "c1", StartSession("go"))
        gate = headless.block("long")
        await rig.agent.link_handler.store((command("c2", Input("long")), command("c3", Input("after"))))
        stopped = await carried_out(rig, "c4", StopSession())
        gate.set()
        behind = await outcome(rig, "c3")
        told = await words(rig)

    assert stopped == Outcome.done()
    assert headless.released == ["s1", "s1"]  # and again what was being begun
    assert (behind.ending, behind.reason) == (Ending.FAILED, Reason.SESSION_ENDED)
    assert told[2:4] == [SessionGone("s1", 1, "ended"), CommandResult("c4", Outcome.done())]


@pytest.mark.parametrize(
    ("session_id", "generation", "reason"),
    [
        ("terminal", 1, Reason.UNSUPPORTED),
        ("terminal", 2, Reason.SESSION_RESTARTED),
        ("nobody", 1, Reason.SESSION_UNKNOWN),
        ("over", 1, Reason.SESSION_ENDED),
    ],
)
async def test_what_cannot_be_ended_is_said_to_be(
    rigs: Rigs, headless: RecordingBackend, session_id: str, generation: int, reason: Reason
) -> None:
    async with rigs.running(NOBODY, headless=headless) as rig:
        await rig.session("terminal")
        await rig.agent.sessions.register(Session("over", "headless"))
        await rig.agent.sessions.close("over", "unregistered")
        await rig.agent.link_handler.store((command("c1", StopSession(), session_id, generation),))

        assert (await outcome(rig, "c1")).reason is reason


async def test_after_a_day_a_started_session_is_ended_and_people_are_told(
    rigs: Rigs, headless: RecordingBackend, folder: Path
) -> None:
    clock = Clock()
    async with rigs.running(NOBODY, headless=headless, clock=clock, start_folders=(folder,)) as rig:
        await rig.agent.sessions.register(Session("mine", "headless"))
        await carried_out(rig, "c1", StartSession("go"))
        process = identify(os.getpid())
        assert process is not None
        await rig.agent.sessions.converse("s1", Conversation(TALK, process, ""))
        clock.skipped = DAY - 60
        await rig.agent.starts.look()
        early = rig.agent.sessions.known("s1").state
    async with rigs.running(NOBODY, headless=headless, clock=clock, start_folders=(folder,)) as rig:
        clock.skipped = DAY
        await rig.agent.starts.look()
        await rig.agent.starts.look()
        *_, notification, gone = await words(rig)
        left = [one.session_id for one in rig.agent.sessions.live()]

    assert early is not SessionState.ENDED
    assert isinstance(notification, Notify)
    assert f"pointsman start --resume {TALK} --folder {folder}" in notification.text
    assert gone == SessionGone("s1", 1, "its 24 hours are over")
    assert left == ["mine"]


def edit(data_dir: Path, statement: str, *values: object) -> None:
    """Change the file of an agent that is dead."""
    connection = sqlite3.connect(data_dir / "agent" / "agent.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    ("taken_at", "endings"),
    [(None, [pb.RESULT_OUTCOME_UNCERTAIN]), (7.0, [pb.RESULT_OUTCOME_DONE, pb.RESULT_OUTCOME_TAKEN])],
    ids=["nobody knows", "its program had taken the prompt"],
)
async def test_an_agent_killed_right_after_a_start_does_not_start_it_again(
    rigs: Rigs, taken_at: float | None, endings: "list[pb.ResultOutcome.ValueType]"
) -> None:
    start = types.Action(start_session=types.StartSession(prompt="go"))
    frame = pb.CommandFrame(command_id="c1", session_id="s1", generation=1, sequence=1, attempt=1, action=start)
    async with running_router() as router:
        async with rigs.child(router.address, hangs_on="go") as agent:
            link = await router.welcomed()
            await link.commands([frame])
            await eventually(lambda: typed(rigs.typed_into) == ["go"])
            await agent.kill()
        edit(rigs.data_dir, "UPDATE prompts SET taken_at = ?", taken_at)
        async with rigs.child(router.address):
            link = await router.welcomed()
            await link.commands([frame])
            [receipt] = await link.receipts(1)
            results = await link.results(len(endings))

    assert [one.session_id for one in link.hello.sessions] == ["s1"]
    assert receipt.outcome == pb.RECEIPT_OUTCOME_DUPLICATE
    assert [one.outcome for one in results] == endings
    assert typed(rigs.typed_into) == ["go"]


@pytest.fixture
def left() -> Iterator["subprocess.Popen[bytes]"]:
    """A program that somebody has left running."""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as program:
        yield program
        program.kill()


async def test_a_program_that_outlived_its_ended_session_is_ended_at_the_next_start(
    rigs: Rigs, left: "subprocess.Popen[bytes]"
) -> None:
    process = identify(left.pid)
    assert process is not None
    async with rigs.running(NOBODY) as rig:
        await rig.agent.sessions.register(Session("s1", "headless", conversation=Conversation(TALK, process, "")))
        await rig.agent.sessions.register(Session("s2", "headless"))
    edit(rigs.data_dir, "UPDATE sessions SET state = 'ended' WHERE bare_id = 's1'")
    async with rigs.running(NOBODY):
        ended = identify(left.pid) is None

    assert ended

"""The end of sessions that were started from afar: told before, later for one that waits, and never for one kept."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.backends.backend import Backend
from agent.backends.claude.headless import HeadlessBackend
from agent.clock import SteadyClock
from agent.domain.command import Command, Ending, Input, KeepSession, Lane, Order, Outcome, Reason, StartSession
from agent.domain.frames import Button, CommandResult, Notify
from agent.domain.session import Session, SessionState
from agent.processes import identify
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.recording_backend import RecordingBackend
from tests.rigs.scripted_link import running_router

NOBODY = "127.0.0.1:1"
TALK = "11111111-2222-3333-4444-555555555555"
HOUR = 3600.0
DAY = 24 * HOUR
BUSY, IDLE, WAITING = SessionState.BUSY, SessionState.IDLE, SessionState.WAITING
# Claude Code, as far as taking a text and being at rest goes.
PROGRAM = """
import json, sys
def say(**words):
    print(json.dumps(words), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "user":
        say(type="system", subtype="init", session_id="TALK")
        say(type="command_lifecycle", command_uuid=message["uuid"], state="queued")
        say(type="system", subtype="session_state_changed", state="idle")
""".replace("TALK", TALK)


class Clock(SteadyClock):
    """A steady clock that the test moves forward."""

    skipped = 0.0

    def uptime(self) -> float:
        return super().uptime() + self.skipped


class Scene:
    """One machine, its agents one after the other, and its clock."""

    def __init__(self, rigs: Rigs, headless: Backend) -> None:
        self.clock = Clock()
        self.folder = rigs.data_dir / "src"
        self.folder.mkdir()
        self._rigs = rigs
        self._headless = headless

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[Rig]:
        settings: dict[str, Any] = {"headless": self._headless, "clock": self.clock, "start_folders": (self.folder,)}
        async with self._rigs.running(NOBODY, **settings) as rig:
            yield rig


@pytest.fixture
def scene(rigs: Rigs) -> Scene:
    return Scene(rigs, RecordingBackend(rigs.data_dir / "prompts"))


async def words(rig: Rig) -> list[object]:
    return [row.item for row in await rig.agent.outbox.after(0, 100)]


async def notifications(rig: Rig) -> list[Notify]:
    return [one for one in await words(rig) if isinstance(one, Notify)]


async def carried_out(rig: Rig, name: str, order: Order, session_id: str = "s1", generation: int = 1) -> Outcome:
    """How a command ends."""
    await rig.agent.link_handler.store((Command(name, session_id, generation, 1, Lane.NORMAL, order),))

    async def ended() -> Outcome | None:
        found = [one for one in await words(rig) if isinstance(one, CommandResult) and one.command_id == name]
        return found[0].outcome if found else None

    outcome: Outcome = await eventually(ended)
    return outcome


async def became(rig: Rig, state: SessionState) -> None:
    await rig.agent.headless_listener.became("s1", state)


async def looked(rig: Rig) -> Session:
    """The session after the agent has looked whose time is over."""
    await rig.agent.starts.look()
    return rig.agent.sessions.known("s1")


async def test_an_hour_before_its_end_people_are_told_once_with_a_way_to_keep_it(scene: Scene) -> None:
    async with scene.agent() as rig:
        await carried_out(rig, "c1", StartSession("go"))
        scene.clock.skipped = DAY - HOUR - 60
        await looked(rig)
        early = await notifications(rig)
        scene.clock.skipped = DAY - HOUR
        await looked(rig)
        await looked(rig)
        [told] = await notifications(rig)
    async with scene.agent() as rig:
        await looked(rig)
        again = {one.notification_id for one in await notifications(rig)}

    assert early == []
    assert told.session_id == "s1"
    assert "ends in an hour" in told.text
    assert told.buttons == (Button("Keep it", "/keep"),)
    assert again == {told.notification_id}  # which the router has once


async def test_time_in_which_it_waits_for_an_answer_does_not_count(scene: Scene) -> None:
    async with scene.agent() as rig:
        await carried_out(rig, "c1", StartSession("go"))
        scene.clock.skipped = HOUR
        await became(rig, WAITING)
        scene.clock.skipped = 50 * HOUR
        waiting = await looked(rig)
        told = await notifications(rig)
        await became(rig, BUSY)
        scene.clock.skipped = 71 * HOUR
        later = await looked(rig)
        before_the_end = await notifications(rig)
        scene.clock.skipped = 73 * HOUR
        ended = await looked(rig)

    assert (waiting.state, told) == (WAITING, [])
    assert (later.state, before_the_end) == (BUSY, [])
    assert ended.state is SessionState.ENDED


async def test_it_has_waited_also_while_no_agent_was_there(scene: Scene) -> None:
    async with scene.agent() as rig:
        await carried_out(rig, "c1", StartSession("go"))
        await became(rig, WAITING)
    scene.clock.skipped = 3 * DAY
    async with scene.agent() as rig:
        session = await looked(rig)

    assert session.state is IDLE  # its question ended with the agent; its time begins to count again


@pytest.mark.parametrize(
    "orders",
    [(StartSession("go", keep=True),), (StartSession("go"), KeepSession()), (StartSession("go"), *[KeepSession()] * 2)],
    ids=["from its start", "later", "twice"],
)
async def test_one_that_is_kept_gets_another_day_each_time(scene: Scene, orders: tuple[Order, ...]) -> None:
    async with scene.agent() as rig:
        kept = [await carried_out(rig, f"c{number}", order) for number, order in enumerate(orders)]
        scene.clock.skipped = DAY - 60
        before = await looked(rig)
        scene.clock.skipped = DAY
        renewed = await looked(rig)
        told = await notifications(rig)
    scene.clock.skipped = 5 * DAY
    async with scene.agent() as rig:
        await eventually(lambda: (rig.agent.sessions.known("s1").ends_at or 0) > scene.clock.now() + DAY - 60)
        again = rig.agent.sessions.known("s1")

    assert set(kept) == {Outcome.done()}
    assert told == []
    assert before.ends_at is not None
    assert renewed.ends_at is not None
    assert renewed.ends_at - before.ends_at == pytest.approx(DAY, abs=60)
    assert again.state is not SessionState.ENDED
    assert again.generation == renewed.generation  # what is written for it still is


async def test_one_that_is_kept_is_not_cut_off_in_its_work(scene: Scene) -> None:
    async with scene.agent() as rig:
        await carried_out(rig, "c1", StartSession("go", keep=True))
        await became(rig, BUSY)
        scene.clock.skipped = DAY
        busy = await looked(rig)
        await became(rig, IDLE)
        at_rest = await looked(rig)

    assert busy.ends_at is not None
    assert at_rest.ends_at is not None
    assert busy.ends_at <= scene.clock.now() < at_rest.ends_at


async def test_a_kept_one_goes_on_in_a_fresh_program_with_its_conversation(rigs: Rigs) -> None:
    (rigs.data_dir / "claude").write_text(f"#!/bin/sh\necho \"$@\" >> $0.argv\nexec {sys.executable} -c '{PROGRAM}'\n")
    (rigs.data_dir / "claude").chmod(0o700)
    backend = HeadlessBackend({"PATH": f"{rigs.data_dir}:{os.environ['PATH']}", "HOME": str(rigs.data_dir)})
    scene = Scene(rigs, backend)
    async with scene.agent() as rig:
        await carried_out(rig, "c1", StartSession("go", keep=True))
        [first] = backend.pids
        await eventually(lambda: rig.agent.sessions.known("s1").state is IDLE)
        scene.clock.skipped = DAY
        await eventually(lambda: _renewed(rig, scene.clock))
        ended = identify(first) is None
        text = await carried_out(rig, "c2", Input("go on"))
        [second] = backend.pids
        said = [one.text for one in await notifications(rig)]
    argv = await asyncio.to_thread((rigs.data_dir / "claude.argv").read_text)

    assert ended
    assert text == Outcome.done()
    assert second != first
    runs = [line for line in argv.splitlines() if line != "--version"]  # which the agent asks for, too
    assert [f"--resume {TALK}" in line for line in runs] == [False, True]
    assert said == []


async def _renewed(rig: Rig, clock: Clock) -> bool:
    return ((await looked(rig)).ends_at or 0) > clock.now()


@pytest.mark.parametrize(
    ("session_id", "generation", "reason", "words"),
    [
        ("mine", 1, Reason.UNSUPPORTED, "no time limit"),
        ("terminal", 1, Reason.UNSUPPORTED, "no time limit"),
        ("terminal", 2, Reason.SESSION_RESTARTED, ""),
        ("nobody", 1, Reason.SESSION_UNKNOWN, ""),
        ("over", 1, Reason.SESSION_ENDED, ""),
    ],
)
async def test_what_cannot_be_kept_is_said_to_be(
    scene: Scene, session_id: str, generation: int, reason: Reason, words: str
) -> None:
    async with scene.agent() as rig:
        await rig.session("terminal")
        await rig.agent.sessions.register(Session("mine", "headless"))
        await rig.agent.sessions.register(Session("over", "headless"))
        await rig.agent.sessions.close("over", "unregistered")
        outcome = await carried_out(rig, "c1", KeepSession(), session_id, generation)

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, reason)
    assert words in outcome.detail


async def test_what_was_kept_is_on_disk_before_it_is_said(rigs: Rigs) -> None:
    async with running_router() as router, rigs.child(router.address) as agent:
        link = await router.welcomed()
        start = types.Action(start_session=types.StartSession(prompt="go"))
        keep = types.Action(keep_session=types.KeepSession())
        frames = [
            pb.CommandFrame(command_id=f"c{n}", session_id="s1", generation=1, sequence=n, attempt=1, action=action)
            for n, action in enumerate((start, keep), 1)
        ]
        await link.commands(frames)
        results = await link.results(2)
        await agent.kill()
    with closing(sqlite3.connect(rigs.data_dir / "agent" / "agent.db")) as connection:
        rows = connection.execute("SELECT keep FROM sessions").fetchall()

    assert [one.outcome for one in results] == [pb.RESULT_OUTCOME_DONE] * 2
    assert rows == [(1,)]


def test_a_wait_that_is_told_twice_is_one_wait() -> None:
    session = Session("s1", "headless", ends_at=100.0)

    waiting = session.become(WAITING, "permission prompt", 10.0).become(WAITING, "input needed", 20.0)
    over = waiting.become(BUSY, "", 40.0)

    assert (waiting.waits_since, waiting.waiting_for, waiting.ends_at) == (10.0, "input needed", 100.0)
    assert (over.waits_since, over.ends_at) == (None, 130.0)
    assert over.become(IDLE, "", 50.0).ends_at == 130.0


def test_one_without_an_end_gets_none_by_waiting() -> None:
    over = Session("s1", "headless").become(WAITING, "", 10.0).become(IDLE, "", 20.0)

    assert over.ends_at is None

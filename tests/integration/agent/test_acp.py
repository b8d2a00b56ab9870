"""Coding agents over ACP in a whole agent: started by a command, asked about, held back, and taken up after a kill."""

import os
import shlex
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as pb

from agent.backends.acp.backend import AcpBackend
from agent.backends.backend import Entry, Traits
from agent.backends.registry import backends
from agent.domain.command import (
    Command,
    Ending,
    Input,
    KeyPress,
    Lane,
    Order,
    Outcome,
    PermissionDecision,
    Reason,
    StartSession,
    StopSession,
)
from agent.domain.control import ControlKind
from agent.domain.frames import CommandResult, Item, Notify, PermissionAsked, PermissionOver
from agent.domain.permission import Over
from agent.domain.session import SessionState
from tests.integration.agent.backends.acp_scene import StandIn
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, running_router, text_command
from tests.rigs.snapshots import Snapshots

NOBODY = "127.0.0.1:1"
IDLE, BUSY, WAITING = SessionState.IDLE, SessionState.BUSY, SessionState.WAITING


@pytest.fixture
def stand_in(data_dir: Path) -> StandIn:
    return StandIn(data_dir)


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """The folder in which sessions may be started."""
    (data_dir / "src" / "api").mkdir(parents=True)
    return data_dir / "src"


def entry(stand_in: StandIn) -> dict[str, Entry]:
    """The backend, with the stand-in as one of the agents that it knows."""
    kinds = {"stand-in": stand_in.kind()}
    environ = {"HOME": str(stand_in.folder), "PATH": os.environ["PATH"]}
    backend = AcpBackend(environ, records=stand_in.folder / "records", kinds=kinds)
    traits = backends().table["acp"].traits
    return {
        "acp": Entry(
            backend,
            Traits(
                traits.target_key,
                hosted=True,
                tells_states=True,
                agents=tuple(kinds),
                modes=traits.modes,
                controls=traits.controls,
            ),
        )
    }


async def words(rig: Rig) -> list[Item]:
    return [row.item for row in await rig.agent.outbox.after(0, 200)]


async def said(rig: Rig) -> list[str]:
    return [item.text for item in await words(rig) if isinstance(item, Notify)]


async def order(rig: Rig, name: str, wanted: Order, lane: Lane = Lane.NORMAL) -> None:
    await rig.agent.link_handler.store((Command(name, "s1", 1, 1, lane, wanted),))


async def ended(rig: Rig, name: str) -> Outcome:
    async def found() -> Outcome | None:
        results = [one for one in await words(rig) if isinstance(one, CommandResult) and one.command_id == name]
        return results[0].outcome if results else None

    outcome: Outcome = await eventually(found)
    return outcome


async def becomes(rig: Rig, state: SessionState) -> None:
    await eventually(lambda: (one := rig.agent.sessions.find("s1")) is not None and one.state is state)


async def result_of(link: Link, name: str) -> pb.Result:
    """How a command ended; what is told of others, and behind its end, is passed over."""
    while True:
        for one in await link.results(1):
            if one.command_id == name:
                return one


async def test_a_start_begins_it_and_its_question_is_answered(rigs: Rigs, stand_in: StandIn, folder: Path) -> None:
    async with rigs.running(NOBODY, more=entry(stand_in), start_folders=(folder,)) as rig:
        await order(rig, "c1", StartSession("%ask make it", "api/", agent="stand-in"))
        outcome = await ended(rig, "c1")
        await becomes(rig, WAITING)
        [asked] = [item.question for item in await words(rig) if isinstance(item, PermissionAsked)]
        await order(rig, "c2", PermissionDecision(asked.permission_id, asked.input_digest, "option-2"), Lane.URGENT)
        await eventually(lambda: rig.agent.sessions.known("s1").state is IDLE)
        told = await said(rig)
        session = rig.agent.sessions.known("s1")
        await order(rig, "c3", StopSession(), Lane.URGENT)
        stopped = await ended(rig, "c3")
        await eventually(lambda: rig.agent.acp and not rig.agent.acp.pids)  # ending a program takes a moment

    assert (outcome, stopped) == (Outcome.done(), Outcome.done())
    assert (session.modes, session.controls) == ((), (ControlKind.INTERRUPT, ControlKind.MODEL))
    assert (session.backend, session.label, session.target) == ("acp", "api", {"agent": "stand-in"})
    assert told == ["told: yes_once"]
    assert [option.label for option in asked.options] == ["Allow for this session", "Allow", "Reject"]


async def test_a_text_in_a_turn_waits_where_it_can_be_taken_back(rigs: Rigs, stand_in: StandIn, folder: Path) -> None:
    async with rigs.running(NOBODY, more=entry(stand_in), start_folders=(folder,)) as rig:
        await order(rig, "c1", StartSession("%wait", agent="stand-in"))
        await ended(rig, "c1")
        await order(rig, "c2", Input("second"))
        await order(rig, "c3", Input("third"))
        taken = await rig.agent.inbox.cancel("c2", 0.0)
        await order(rig, "c4", KeyPress("esc"), Lane.URGENT)
        stopped = await ended(rig, "c4")
        third = await ended(rig, "c3")

    assert taken
    assert (stopped, third) == (Outcome.done(), Outcome.done())
    assert stand_in.prompts == ["%wait", "third"]
    assert not stand_in.collided


async def test_what_a_killed_agent_left_is_ended_told_and_taken_up(rigs: Rigs, stand_in: StandIn) -> None:
    """Also: a person adds a coding agent by its command and the mode in which it asks."""
    home = str(rigs.data_dir)
    added = f"rude:ask = {shlex.join(stand_in.kind().argv)}"
    settings = {"POINTSMAN_AGENTS": added, "POINTSMAN_TRUSTED_FOLDERS": home, "HOME": home}
    session = {"session_id": "s1", "backend": "acp", "target": {"agent": "rude"}, "cwd": home}
    async with running_router() as router:
        async with rigs.child(router.address, **settings) as agent:
            link = await router.welcomed()
            await agent.ask(op="register", **session)
            await link.commands([text_command("c1", "s1", "%wait")])
            first = await result_of(link, "c1")
            await link.commands([text_command("c2", "s1", "held", sequence=2)])
            await link.receipts(2)
            await agent.kill()
        async with rigs.child(router.address, **settings):
            link = await router.welcomed()
            told = await link.next("notify")
            held = await result_of(link, "c2")

    assert (first.outcome, held.outcome) == (pb.RESULT_OUTCOME_DONE, pb.RESULT_OUTCOME_DONE)
    assert "stopped in the middle of this; so was rude" in told.text
    assert stand_in.prompts == ["%wait", "held"]
    assert [one for one in stand_in.points if one.startswith("session/") and one != "session/prompt"] == [
        *("session/new", "session/set_mode", "session/resume", "session/set_mode")
    ]


def is_started(data_dir: Path, name: str) -> bool:
    with closing(sqlite3.connect(data_dir / "agent" / "agent.db")) as database:
        found = database.execute("SELECT state FROM inbox WHERE command_id = ?", (name,)).fetchone()
    return found == ("started",)


async def test_whenever_the_agent_is_killed_a_text_that_was_given_is_in_doubt_or_its_turn_is_told_as_cut(
    rigs: Rigs, stand_in: StandIn, folder: Path, tmp_path: Path
) -> None:
    databases: list[Snapshots] = []

    def database(where: Path) -> Snapshots:
        databases.append(Snapshots(where, tmp_path))
        return databases[0]

    async with rigs.running(NOBODY, more=entry(stand_in), start_folders=(folder,), database=database) as rig:
        await order(rig, "c1", StartSession("first", agent="stand-in"))
        await ended(rig, "c1")
        await becomes(rig, IDLE)
        first = len(databases[0].kept)
        await order(rig, "c2", Input("%wait"))
        await ended(rig, "c2")
        await becomes(rig, BUSY)
        kept = [one for one in databases[0].kept[first:] if is_started(one, "c2")]
    silent = []
    for one in kept:
        async with Rigs(one).running(NOBODY, more=entry(stand_in)) as rig:
            outcome = await ended(rig, "c2")
            cut = [text for text in await said(rig) if "stopped in the middle of this" in text]
        if outcome.ending is not Ending.UNCERTAIN and not cut:
            silent.append((one.name, outcome))

    assert len(kept) > 1
    assert silent == []


async def test_a_question_dies_with_its_program(rigs: Rigs, stand_in: StandIn, folder: Path) -> None:
    async with rigs.running(NOBODY, more=entry(stand_in), start_folders=(folder,)) as rig:
        await order(rig, "c1", StartSession("%ask it", agent="stand-in"))
        await ended(rig, "c1")
        await becomes(rig, WAITING)
        assert rig.agent.acp
        [pid] = rig.agent.acp.pids
        os.killpg(pid, signal.SIGKILL)
        await becomes(rig, IDLE)

        async def over() -> list[PermissionOver]:
            return [item for item in await words(rig) if isinstance(item, PermissionOver)]

        [one] = await eventually(over)

    assert one.over in (Over.WITHDRAWN, Over.ANSWERED_ELSEWHERE)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (StartSession("go", agent="goose"), Reason.UNSUPPORTED),
        (StartSession("go", "", "--help", agent="stand-in"), Reason.INVALID_ARGUMENT),
        (StartSession("go", "", "a/../b", agent="stand-in"), Reason.INVALID_ARGUMENT),
    ],
)
async def test_what_cannot_be_started_leaves_nothing(
    rigs: Rigs, stand_in: StandIn, folder: Path, wanted: StartSession, reason: Reason
) -> None:
    async with rigs.running(NOBODY, more=entry(stand_in), start_folders=(folder,)) as rig:
        await order(rig, "c1", wanted)
        outcome = await ended(rig, "c1")

        assert (outcome.ending, outcome.reason) == (Ending.FAILED, reason)
        assert rig.agent.sessions.find("s1") is None
    assert stand_in.prompts == []

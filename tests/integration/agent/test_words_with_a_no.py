"""What a person writes with a no, when the agent is killed: the program has it, or people are told that nobody knows.

Of each life the disk is kept as it was after each commit, with whether the program had the words by then. An agent that
begins on such a disk is the next life of one that was killed there.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from agent.backends.backend import Entry
from agent.backends.claude.headless import HeadlessBackend
from agent.backends.joined.backend import JoinedBackend
from agent.backends.joined.programs import Found
from agent.backends.joined.talk import Dialog, Ears, Place
from agent.backends.record import Records
from agent.domain.acp_question import Json, Permission, Way
from agent.domain.command import Command, Input, KeyPress, Lane, Order, PermissionDecision, StartSession
from agent.domain.frames import CommandResult, Item, Notify, PermissionAsked
from agent.domain.permission import Question
from agent.domain.session import Session
from agent.processes import identify
from tests.integration.agent.backends.acp_scene import StandIn
from tests.integration.agent.test_acp import entry
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.snapshots import Snapshots

NOBODY = "127.0.0.1:1"
WORDS = "use pnpm instead"
ASKER = Path(__file__).parent / "backends" / "stream_asker.py"


async def items(rig: Rig) -> list[Item]:
    return [row.item for row in await rig.agent.outbox.after(0, 200)]


async def told(rig: Rig) -> list[str]:
    """The messages that have the words, but for the answer of a program that says after one what it is told."""
    texts = [item.text for item in await items(rig) if isinstance(item, Notify)]
    return [text for text in texts if WORDS in text and not text.startswith("echo: ")]


async def order(rig: Rig, name: str, wanted: Order, lane: Lane = Lane.NORMAL) -> None:
    await rig.agent.link_handler.store((Command(name, "s1", 1, 1, lane, wanted),))


async def refuses(rig: Rig) -> None:
    """A person answers what is asked with a no, and says what to do instead."""

    async def asked() -> list[Question]:
        return [item.question for item in await items(rig) if isinstance(item, PermissionAsked)]

    [question] = await eventually(asked)
    no = PermissionDecision(question.permission_id, question.input_digest, "deny", WORDS)
    await order(rig, "no", no, Lane.URGENT)


async def kept(rig: Rig) -> list[str]:
    rows = await rig.agent.database.read(lambda tx: tx.execute("SELECT permission_id FROM questions").fetchall())
    return [name for (name,) in rows]


async def is_over(rig: Rig) -> bool:
    """The no was taken, and nobody keeps its words any more."""
    ended = any(isinstance(one, CommandResult) and one.command_id == "no" for one in await items(rig))
    return ended and not await kept(rig)


class Lives:
    """One life that is kept at each commit, and what the next one tells wherever it ended."""

    def __init__(self, rigs: Rigs, into: Path, had: Callable[[], bool]) -> None:
        self.rigs = rigs
        self._into = into
        self._had = had
        self._snapshots: list[Snapshots] = []

    def first(self, **how: Any) -> AbstractAsyncContextManager[Rig]:
        def database(folder: Path) -> Snapshots:
            self._snapshots.append(Snapshots(folder, self._into, self._had))
            return self._snapshots[0]

        return self.rigs.running(NOBODY, database=database, **how)

    async def silent(self, more: Callable[[], Mapping[str, Entry]] = dict) -> tuple[int, list[str]]:
        """How many lives had the no; and of those that ended before the program had the words, where nobody told."""
        [snapshots] = self._snapshots
        tried, silent = 0, list[str]()
        for folder in list(snapshots.kept):
            async with Rigs(folder).running(NOBODY, more=more()) as rig:
                if not any(isinstance(one, CommandResult) and one.command_id == "no" for one in await items(rig)):
                    continue
                tried += 1
                await rig.agent.permissions.close_left(0)
                if not snapshots.noted[folder] and not await told(rig):
                    silent.append(folder.name)
        return tried, silent


async def test_words_for_a_program_over_acp_are_never_lost(rigs: Rigs, tmp_path: Path) -> None:
    stand_in = StandIn(rigs.data_dir)
    (rigs.data_dir / "src").mkdir()
    lives = Lives(rigs, tmp_path, lambda: WORDS in stand_in.prompts)
    async with lives.first(more=entry(stand_in), start_folders=(rigs.data_dir / "src",)) as rig:
        await order(rig, "c1", StartSession("%ask npm install", agent="stand-in"))
        await refuses(rig)
        await eventually(lambda: is_over(rig))
        here = await told(rig)
    tried, silent = await lives.silent(lambda: entry(stand_in))

    assert stand_in.prompts == ["%ask npm install", WORDS]
    assert tried > 2
    assert (here, silent) == ([], [])


async def test_words_for_claude_code_without_a_terminal_are_never_lost(rigs: Rigs, tmp_path: Path) -> None:
    program, record = rigs.data_dir / "asker", rigs.data_dir / "record"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S {ASKER} {record}\n")
    program.chmod(0o700)
    record.touch()
    lives = Lives(rigs, tmp_path, lambda: WORDS in record.read_text())
    session = Session("s1", "headless", cwd=str(rigs.data_dir), target={"program": str(program)})
    backend = HeadlessBackend({"PATH": os.environ["PATH"], "HOME": str(rigs.data_dir)})
    async with lives.first(headless=backend) as rig:
        await rig.agent.sessions.register(session)
        await order(rig, "c1", Input("install it"))
        await refuses(rig)
        await eventually(lambda: is_over(rig))
        here = await told(rig)
    tried, silent = await lives.silent()

    assert record.read_text() == WORDS
    assert tried > 1
    assert (here, silent) == ([], [])


class Joined:
    """A program in a terminal, and its conversation, as far as being told no goes."""

    title = "Joined"
    names = frozenset({"no-such-program"})
    conversation_id, how, is_busy, is_asking = "talk", "", False, False

    def __init__(self, *, goes_along: bool) -> None:
        self.goes_along = goes_along
        self.had: list[str] = []
        self.ears: Ears | None = None

    async def places(self, found: Sequence[Found]) -> Sequence[Place]:  # noqa: ARG002
        return ()

    async def join(self, place: Place, ears: Ears) -> "Joined":  # noqa: ARG002
        self.ears = ears
        return self

    async def asks(self) -> None:
        assert self.ears
        about = Permission("execute", {"command": "npm install"}, "npm install", (Way("no", "No", "reject_once"),))
        await self.ears.asked(Dialog("d1", about, self.answer))

    async def answer(self, chosen: Json, words: str) -> bool:  # noqa: ARG002
        assert self.ears
        if self.goes_along:
            self.had.append(words)
        await self.ears.answered("d1")  # as the real ones tell, before their answer to the answer
        await asyncio.sleep(0)
        return self.goes_along

    async def say(self, content: str) -> None:
        self.had.append(content)

    async def interrupt(self) -> bool:
        return False

    async def leave(self) -> None:
        """It goes on."""

    async def close(self) -> None:
        """It goes on."""


def joined(program: Joined) -> dict[str, Entry]:
    return {"joined": Entry(JoinedBackend(program, Records(None), lambda _: None))}


@pytest.mark.parametrize("goes_along", [True, False], ids=["in the answer", "behind it"])
async def test_words_for_a_program_in_a_terminal_are_never_lost(rigs: Rigs, tmp_path: Path, goes_along: bool) -> None:
    program = Joined(goes_along=goes_along)
    lives, process = Lives(rigs, tmp_path, lambda: program.had == [WORDS]), identify(os.getpid())
    assert process
    async with lives.first(more=joined(program)) as rig:
        backend = rig.agent.sessions.backends.get("joined")
        assert isinstance(backend, JoinedBackend)
        await rig.agent.sessions.register(Session("s1", "joined", process=process))
        found = Found("joined", process, "/", (), {})
        await backend.join("s1", Place(found, "talk"))
        await program.asks()
        await refuses(rig)
        await eventually(lambda: is_over(rig))
        here = await told(rig)
    tried, silent = await lives.silent(lambda: joined(Joined(goes_along=goes_along)))

    assert program.had == [WORDS]
    assert tried > 1
    assert (here, silent) == ([], [])


async def test_words_that_a_stopped_turn_never_had_are_told(rigs: Rigs) -> None:
    stand_in = StandIn(rigs.data_dir)
    (rigs.data_dir / "src").mkdir()
    gate = rigs.data_dir / "gate"
    stand_in.behaves(waits=["told", str(gate)])
    async with rigs.running(NOBODY, more=entry(stand_in), start_folders=(rigs.data_dir / "src",)) as rig:
        await order(rig, "c1", StartSession("%ask npm install", agent="stand-in"))
        await refuses(rig)
        await eventually(lambda: "told" in stand_in.points)
        assert rig.agent.acp
        session = rig.agent.sessions.known("s1")
        ended = asyncio.create_task(rig.agent.acp.deliver(session, KeyPress("esc")))
        await eventually(lambda: "session/cancel" in stand_in.points)
        gate.touch()
        await ended
        here = await told(rig)
        left = await kept(rig)

    assert here == [f"Stand-in was stopped before it had what you wrote with your no: {WORDS}"]
    assert left == []

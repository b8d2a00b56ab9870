"""An agent that is killed while a session waits for a person without a program: the answer counts once, or people hear.

Of one life the disk is kept as it was after each commit, with how often the program had the yes by then. An agent that
begins on such a disk is the next life of one that was killed there.
"""

import os
import sys
from pathlib import Path

from agent.backends.claude.headless import HeadlessBackend
from agent.domain.command import Command, Input, Lane, Order, PermissionDecision
from agent.domain.frames import CommandResult, Item, Notify, PermissionAsked, PermissionOver
from agent.domain.session import Session
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.snapshots import Snapshots

NOBODY = "127.0.0.1:1"
ASKER = Path(__file__).parent / "backends" / "stream_asker.py"


class Record:
    """What the stand-in for the program heard, in all of its lives."""

    def __init__(self, folder: Path) -> None:
        self.program, self._file, self._prompts = folder / "asker", folder / "record", folder / "prompts"
        self.program.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S {ASKER} {self._file} {self._prompts}\n")
        self.program.chmod(0o700)
        self.forget()

    def yeses(self) -> int:
        return self._file.read_text().count("[allow]")

    def tellings(self) -> int:
        """How often it was told that a person has allowed something."""
        return self._prompts.read_text().count("a person has allowed")

    def forget(self) -> None:
        self._file.write_text("")
        self._prompts.write_text("")


async def items(rig: Rig) -> list[Item]:
    return [row.item for row in await rig.agent.outbox.after(0, 200)]


async def asked(rig: Rig) -> list[PermissionAsked]:
    return [item for item in await items(rig) if isinstance(item, PermissionAsked)]


async def has_decided(rig: Rig) -> bool:
    return any(isinstance(one, CommandResult) and one.command_id == "yes" for one in await items(rig))


async def is_told(rig: Rig) -> bool:
    """That it was stopped in the middle, or that the question is over."""
    found = await items(rig)
    cut_off = any(isinstance(one, Notify) and "stopped in the middle" in one.text for one in found)
    return cut_off or any(isinstance(one, PermissionOver) for one in found)


async def order(rig: Rig, name: str, wanted: Order, lane: Lane) -> None:
    await rig.agent.link_handler.store((Command(name, "s1", 1, 1, lane, wanted),))


async def answers(rig: Rig) -> None:
    [one] = await eventually(lambda: asked(rig))
    yes = PermissionDecision(one.question.permission_id, one.question.input_digest, "allow")
    await order(rig, "yes", yes, Lane.URGENT)


def backend(folder: Path) -> HeadlessBackend:
    return HeadlessBackend({"PATH": os.environ["PATH"], "HOME": str(folder)})


async def is_parked(rig: Rig) -> bool:
    return rig.agent.parking.is_waiting("s1") and not rig.agent.headless.pids  # type: ignore[union-attr]


async def whole_life(rigs: Rigs, record: Record, into: Path) -> list[tuple[Path, int, int]]:
    """It is asked, parked, answered, taken up and done with; each disk with how many tellings and yeses it had."""
    lives, had = list[Snapshots](), list[tuple[int, int]]()

    def noted() -> bool:
        had.append((record.tellings(), record.yeses()))
        return True

    def database(folder: Path) -> Snapshots:
        lives.append(Snapshots(folder, into, noted))
        return lives[0]

    session = Session("s1", "headless", cwd=str(rigs.data_dir), target={"program": str(record.program)})
    async with rigs.running(NOBODY, headless=backend(rigs.data_dir), database=database) as rig:
        rig.agent.parking.long_enough = _at_once
        await rig.agent.sessions.register(session)
        await order(rig, "c1", Input("install it"), Lane.NORMAL)
        await eventually(lambda: is_parked(rig))
        await answers(rig)
        await eventually(lambda: record.yeses())
        await eventually(lambda: _is_over(rig))
    return [(folder, *each) for folder, each in zip(lives[0].kept, had, strict=True)]


async def _at_once() -> None:
    """It has waited for long."""


async def _is_over(rig: Rig) -> bool:
    rows = await rig.agent.database.read(lambda tx: tx.execute("SELECT permission_id FROM questions").fetchall())
    return not rows


async def test_wherever_it_is_killed_the_yes_comes_once_or_people_hear(rigs: Rigs, tmp_path: Path) -> None:
    record = Record(rigs.data_dir)
    parked = resumed = told = 0
    for folder, tellings, had in await whole_life(rigs, record, tmp_path):
        record.forget()
        async with Rigs(folder).running(NOBODY, headless=backend(folder)) as rig:
            rig.agent.parking.long_enough = _at_once
            await rig.agent.permissions.close_left(0)
            if not await asked(rig):
                continue
            if had:
                pass
            elif await is_parked(rig) and not await has_decided(rig):
                parked += 1
                await answers(rig)
                await eventually(record.yeses)
            elif await is_told(rig):
                told += 1
            else:  # it was decided, and nobody had been told
                await eventually(record.yeses)
                resumed += 1
            await eventually(lambda: _is_over(rig))
        assert had + record.yeses() <= 1, folder.name
        assert tellings + record.tellings() <= 1, folder.name

    assert min(parked, resumed, told) > 0, (parked, resumed, told)

"""A step of the wall clock while no agent runs: limits and processes are judged as if there had been none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from peewee import FloatField

from agent.domain.clock_steps import Moment
from agent.domain.command import Command, Input, Lane
from agent.domain.frames import SessionChanged
from agent.domain.session import Conversation, Process, Session
from agent.store import clock_steps
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.inbox import Inbox
from agent.store.outbox import Outbox
from agent.store.sessions import SessionStore
from agent.store.tables import TABLES

DAY = 86_400.0
BEFORE = Moment(1_000_000.0, 5_000.0, "boot")
STEPS = pytest.mark.parametrize("step", [25 * 3600.0, -25 * 3600.0, 0.05, 0.0], ids=["+25h", "-25h", "+50ms", "none"])
PROGRAM = Session("s1", "command", target={"command": "cat"}, process=Process(77, 900_000.0))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    database = Database(folder)
    try:
        yield database
    finally:
        await database.close()


async def kept(folder: Path) -> None:
    """What an agent leaves: a command received at the moment BEFORE, and a session with its process."""
    async with opened(folder) as database:
        await clock_steps.resume(database, BEFORE)
        command = Command("c1", "s1", 0, 1, Lane.NORMAL, Input("hello"), ttl=3600.0)
        await Inbox(database, Outbox(database)).store([command], BEFORE.now)
        await SessionStore(database, Outbox(database)).save(PROGRAM, SessionChanged(PROGRAM))


async def found(folder: Path, moment: Moment) -> tuple[float, float, float]:
    """What the next agent makes of it: the step, the command's age, and when the process began."""
    async with opened(folder) as database:
        step = await clock_steps.resume(database, moment)
        (waiting,) = await Inbox(database, Outbox(database)).recover()
        (session,) = await SessionStore(database, Outbox(database)).load()
    assert session.process is not None
    return step, moment.now - waiting.received_at, session.process.started


@STEPS
async def test_after_a_restart_only_the_time_that_passed_counts(data_dir: Path, step: float) -> None:
    await kept(data_dir)

    moved, age, _ = await found(data_dir, Moment(BEFORE.now + 60 + step, BEFORE.uptime + 60, "boot"))

    assert moved == pytest.approx(step)
    assert age == pytest.approx(60)


MOVES = {
    "inbox.received_at": "how long a command has waited",
    "sessions.ends_at": "when a session's time is over",
    "sessions.waits_since": "how much of it does not count",
    "workspaces.archived_at": "how long an archive is kept",
    "parked.asked_at": "how long a question waits for which no program does",
    "sessions.pid_started": "which process it is, as the kernel tells it",
}
STAYS = {
    "prompts.taken_at": "history",
    "inbox.ttl": "a duration",
    "sessions.limited_until": "by the clock of whoever limits it",
}


def test_no_time_is_left_to_chance() -> None:
    fields = [(model._meta.table_name, field) for model in TABLES for field in model._meta.sorted_fields]  # type: ignore[attr-defined]
    times = {
        f"{table}.{field.column_name}"
        for table, field in fields
        if isinstance(field, FloatField) or field.column_name.endswith("_at")
    }

    assert times == {*MOVES, *STAYS}


@pytest.mark.parametrize("column", [*MOVES, *STAYS])
async def test_each_time_moves_or_stays(data_dir: Path, column: str) -> None:
    table, name = column.split(".")
    await kept(data_dir)

    async with opened(data_dir) as database:
        await database.write(lambda tx: filled(tx, table, name))
        await clock_steps.resume(database, Moment(BEFORE.now + 60 + DAY, BEFORE.uptime + 60, "boot"))
        sql = f"SELECT {name} FROM {table}"
        values = await database.write(lambda tx: tx.execute(sql).fetchall())

    assert values == [(BEFORE.now + DAY,) if column in MOVES else (BEFORE.now,)]


def filled(tx: Transaction, table: str, name: str) -> None:
    """One row with this time in it."""
    if table == "prompts":
        columns = "command_id, bare_id, text, typed, turn, joined, finished"
        tx.execute(f"INSERT INTO prompts ({columns}) VALUES ('', '', '', 1, '', 0, 0)")
    if table == "workspaces":
        tx.execute("INSERT INTO workspaces VALUES ('', '', '', '', 0, 'archived', '', 0, 0, 1, 0, '', '', '', 0, '')")
    if table == "parked":
        tx.execute("INSERT INTO parked VALUES ('', '', '', '', 0)")
    tx.execute(f"UPDATE {table} SET {name} = ?", (BEFORE.now,))


@STEPS
async def test_a_process_is_known_again_where_the_kernel_tells_its_start_anew(data_dir: Path, step: float) -> None:
    await kept(data_dir)

    _, _, started = await found(data_dir, Moment(BEFORE.now + 60 + step, BEFORE.uptime + 60, "boot"))

    assert started == pytest.approx(900_000.0 + step)


@STEPS
async def test_so_is_the_program_that_talks_in_it(data_dir: Path, step: float) -> None:
    talk = Conversation("talk", Process(7, 900_000.0), "/folder", "/record")
    async with opened(data_dir) as database:
        await clock_steps.resume(database, BEFORE)
        session = replace(PROGRAM, conversation=talk)
        await SessionStore(database, Outbox(database)).save(session, SessionChanged(session))
        await clock_steps.resume(database, Moment(BEFORE.now + 60 + step, BEFORE.uptime + 60, "boot"))
        (found,) = await SessionStore(database, Outbox(database)).load()

    assert found.conversation is not None
    assert found.conversation.process.started == pytest.approx(900_000.0 + step)
    assert found.conversation == replace(talk, process=found.conversation.process)


@STEPS
async def test_after_a_reboot_only_the_time_since_counts(data_dir: Path, step: float) -> None:
    await kept(data_dir)

    _, age, started = await found(data_dir, Moment(BEFORE.now + DAY + step, 30.0, "another boot"))

    assert age == pytest.approx(30)
    assert started == 900_000.0


async def test_a_mark_is_what_a_reboot_counts_from(data_dir: Path) -> None:
    await kept(data_dir)
    async with opened(data_dir) as database:
        await clock_steps.mark(database, Moment(BEFORE.now + 600, BEFORE.uptime + 600, "boot"))

    _, age, _ = await found(data_dir, Moment(BEFORE.now + DAY, 30.0, "another boot"))

    assert age == pytest.approx(630)

"""What the router keeps in memory of its sessions' counts is what stands in their rows, whatever happened to them."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from router.domain.action import Input, Lane
from router.domain.command import Command, Origin
from router.domain.errors import Refusal
from router.domain.session import Session, SessionState
from router.store import sessions
from router.store.group_commit import Memory, Operation, Transaction, commit
from router.store.migrations import migrate
from router.store.sessions import Slot


class _Undone(Exception):
    """What an operation raises that has changed its mind."""


SESSIONS, MACHINES = ("s-1", "s-2", "s-3"), ("m-1", "m-2")


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "router.db", isolation_level=None)
    migrate(connection)
    return connection


def command(session_id: str, sequence: int) -> Command:
    return Command("c", session_id, "m-1", 0, sequence, Lane.NORMAL, Input("x"), Origin("test"), 0.0, 1.0)


def session(session_id: str, machine_id: str, state: SessionState = SessionState.IDLE, generation: int = 0) -> Session:
    return Session(session_id, machine_id, "", "tmux", "", state, generation, 0.0, 0.0)


def step(tx: Transaction, chance: random.Random) -> None:
    """Something that happens to a session."""
    session_id, machine_id = chance.choice(SESSIONS), chance.choice(MACHINES)
    match chance.randrange(7):
        case 0:
            state = chance.choice([SessionState.IDLE, SessionState.BUSY, SessionState.ENDED])
            sessions.write(tx, session(session_id, machine_id, state, chance.randrange(9)))
        case 1:
            sessions.forget_generations(tx, machine_id)
        case 2:
            sessions.start_ended(tx, session_id, began=False, now=1.0)
        case 3:
            if any(found.session_id == session_id and found.live for found in seen(tx) if isinstance(found, Slot)):
                sessions.discount(tx, command(session_id, 1))
        case _:
            sessions.count(tx, command(session_id, chance.randrange(100)))


def seen(tx: Transaction) -> list[Any]:
    """All that can be asked about them."""
    found: list[Any] = [sessions.live_of_machine(tx, machine_id) for machine_id in MACHINES]
    for session_id in SESSIONS:
        try:
            found.append(sessions.slot(tx, session_id))
        except Refusal as refusal:
            found.append(refusal.reason)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_memory_and_rows_agree(connection: sqlite3.Connection, seed: int) -> None:
    chance, memory = random.Random(seed), Memory()

    def operation(tx: Transaction) -> list[Any]:
        for _ in range(chance.randrange(1, 6)):
            step(tx, chance)
        if chance.random() < 0.3:
            raise _Undone
        return seen(tx)

    for _ in range(60):
        group: list[Operation[Any]] = [Operation(operation, None) for _ in range(3)]  # type: ignore[arg-type]
        commit(connection, group, memory)

        assert not [each.error for each in group if each.error and not isinstance(each.error, _Undone)]
        assert seen(Transaction(connection, memory)) == seen(Transaction(connection))


def test_an_operation_reads_what_it_counted(connection: sqlite3.Connection) -> None:
    tx = Transaction(connection)
    for session_id in SESSIONS:
        sessions.write(tx, session(session_id, "m-1"))
        sessions.count(tx, command(session_id, 1))
    sessions.write(tx, session("s-1", "m-2"))

    assert [sessions.live_of_machine(tx, machine_id) for machine_id in MACHINES] == [2, 1]
    assert (sessions.slot(tx, "s-1").live, sessions.slot(tx, "s-1").next_sequence) == (1, 2)

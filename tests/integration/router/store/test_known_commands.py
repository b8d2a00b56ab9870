"""What the router knows in memory of commands, and writes for a group at once, is what operations alone would write."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from router.domain.action import Input, KeyPress, Lane
from router.domain.command import (
    LIVE,
    ChatRef,
    Command,
    CommandState,
    Ended,
    Event,
    GivenUp,
    Hold,
    LateResult,
    Origin,
    Returned,
    Sent,
    Taken,
    TakenBack,
    apply,
)
from router.domain.errors import Reason
from router.domain.session import Session, SessionState
from router.store import command_groups, command_record, commands, sessions
from router.store.group_commit import Memory, Operation, Transaction, commit
from router.store.migrations import migrate

SESSIONS, MACHINES, IDS = ("s-1", "s-2"), ("m-1", "m-2"), [f"c-{number}" for number in range(6)]
TABLES = ("commands", "sessions")
STEPS = "at, session_id, event, from_state, to_state, actor, detail, identity"


class _Undone(Exception):
    """What an operation raises that has changed its mind."""


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection)
    tx = Transaction(connection)
    for name in SESSIONS:
        sessions.write(tx, Session(name, "m-1", "", "tmux", "", SessionState.IDLE, 0, 0.0, 0.0))
    yield connection
    connection.close()


def accept(tx: Transaction, command_id: str, chance: random.Random, now: float) -> None:
    text, origin = (
        chance.choice(["x", "x", "y" * 3000]),
        Origin("test", "a", chance.choice([None, ChatRef("web", "7")])),
    )
    typed = Input(text, submit=chance.random() < 0.5)
    action = chance.choice([typed, typed, typed, KeyPress("esc")])
    slot = sessions.slot(tx, chance.choice(SESSIONS))
    fresh = Command(
        command_id,
        slot.session_id,
        "m-1",
        0,
        slot.next_sequence,
        chance.choice([*Lane]),
        action,
        origin,
        now,
        now + 9.0,
    )
    sent = apply(fresh, Sent(1, "inbox"), now)
    commands.insert(tx, [chance.choice([fresh, sent, sent])])


def event_of(command: Command, chance: random.Random) -> Event:
    match command.state:
        case CommandState.QUEUED:
            return chance.choice([TakenBack(CommandState.CANCELLED, Reason.CANCELLED), GivenUp(Reason.TOO_OLD, "old")])
        case CommandState.SENT:
            return chance.choice([Returned(charged=True), Ended(CommandState.UNCERTAIN, Reason.INBOX_LOST, "lost")])
        case CommandState.RECEIVED:
            return Ended(CommandState.DONE, typed_at=7.0)
        case CommandState.DONE:
            return chance.choice([Taken(), LateResult("late")])
    return LateResult("later")


def step(tx: Transaction, chance: random.Random, now: float) -> object:
    """Something that happens to commands."""
    command = commands.find(tx, command_id := chance.choice(IDS))
    if command is None:
        return accept(tx, command_id, chance, now)
    match chance.randrange(10):
        case 0:
            commands.set_hold(tx, command, chance.choice([*Hold]), "a", now)
        case 1:
            commands.move_queued(tx, command.session_id, chance.choice(MACHINES))
        case 2 if command.state not in LIVE:
            commands.drop(tx, command, "a", now)
        case 3 | 7 | 8 if command.state not in LIVE:
            commands.purge(tx, now - 1.0, 9)
        case 4:
            return commands.live_of_machine(tx, "m-1"), commands.queued(tx, "m-1", 9), commands.confirmed(tx, "m-1")
        case 5 | 6:
            commands.mark_received(tx, chance.sample(IDS, 3), chance.choice([1, 2]), now, "m-1")
        case 7 | 8 if command.state is CommandState.QUEUED:
            commands.mark_sent(tx, [command], [apply(command, Sent(2, "inbox"), now)], now)
        case _:
            return commands.change(tx, command, event_of(command, chance), now)
    return commands.find(tx, command_id)


def operation(seed: int) -> Operation[Any]:
    """What it does depends on the seed and on what it finds, and on nothing else."""

    def steps(tx: Transaction) -> list[object]:
        chance = random.Random(seed)
        found = [step(tx, chance, float(seed % 1000 + number)) for number in range(chance.randrange(1, 8))]
        if chance.random() < 0.2:
            raise _Undone
        return found

    return Operation(steps, None)  # type: ignore[arg-type]


def play(
    connection: sqlite3.Connection, seeds: list[int], size: int, memory: Memory | None
) -> tuple[list[object], int]:
    """What its operations were told, with so many in a group, and how often a command was known; without a memory each
    begins with none.
    """
    told, times = list[object](), 0
    for start in range(0, len(seeds), size):
        group = [operation(seed) for seed in seeds[start : start + size]]
        commit(connection, group, Memory() if memory is None else memory)
        assert not [each.error for each in group if each.error and not isinstance(each.error, _Undone)]
        told += [each.value for each in group if each.error is None]
        for command_id, command in (memory or {}).get(("commands",), {}).items():
            assert commands.find(Transaction(connection), command_id) == command
            times += 1
    return told, times


def left(on: sqlite3.Connection) -> list[object]:
    """What lies in the tables. Of the steps those of each command are in order: what happens to many is told of all."""
    steps = f"SELECT subject_id, {STEPS} FROM steps ORDER BY subject_id, step_id"
    return [on.execute(query).fetchall() for query in (steps, *(f"SELECT * FROM {name}" for name in TABLES))]


@pytest.mark.parametrize(
    ("seed", "many"), [*((seed, command_groups.MANY) for seed in range(5)), (5, 0), (6, 0), (7, 1)]
)
def test_groups_with_a_memory_leave_what_operations_alone_leave(
    tmp_path: Path, seed: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_record, "MOST", 4)
    seeds, memory = [1000 * seed + number for number in range(120)], Memory()

    with database(tmp_path / "alone.db") as alone, database(tmp_path / "together.db") as together:
        expected, _ = play(alone, seeds, 1, None)
        monkeypatch.setattr(commands, "MANY", many)
        told, times = play(together, seeds, 5, memory)
        rows = [left(on) for on in (alone, together)]

    assert told == expected
    assert rows[0] == rows[1]
    assert times > 10


def sent_again(tx: Transaction) -> None:
    back = commands.change(tx, commands.get(tx, "c"), Returned(charged=True), 2.0)
    commands.mark_sent(tx, [back], [apply(back, Sent(2, "other"), 3.0)], 3.0)


def received(tx: Transaction) -> None:
    commands.mark_received(tx, ["c"], commands.get(tx, "c").epoch, 4.0, "m-1")


def done(tx: Transaction) -> None:
    commands.change(tx, commands.get(tx, "c"), Ended(CommandState.DONE, typed_at=4.5), 5.0)


@pytest.mark.parametrize(
    "life", [[done], [received, done], [sent_again, received], [sent_again, received, done]], ids=len
)
def test_what_becomes_of_a_command_in_one_group_is_one_statement(tmp_path: Path, life: list[Any]) -> None:
    fresh = Command("c", "s-1", "m-1", 0, 1, Lane.NORMAL, Input("x"), Origin("test"), 0.0, 9.0)
    statements: list[str] = []
    with database(tmp_path / "router.db") as connection:
        memory = Memory()
        first: Operation[Any] = Operation(
            lambda tx: commands.insert(tx, [apply(fresh, Sent(1, "inbox"), 1.0)]),
            None,  # type: ignore[arg-type]
        )
        commit(connection, [first], memory)
        connection.set_trace_callback(statements.append)
        group = [Operation(each, None) for each in [*life, lambda tx: commands.find(tx, "c")]]
        commit(connection, group, memory)

        row = commands.find(connection, "c")
    told = group[-1].value or row
    assert row is not None
    assert row == told
    assert row.received_at == (4.0 if received in life else None)
    assert (row.attempt, row.charged, row.epoch) == ((2, 1, 2) if sent_again in life else (1, 0, 1))
    assert len([each for each in statements if each.startswith('UPDATE "commands"')]) == 1

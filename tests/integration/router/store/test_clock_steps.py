"""Every time on disk: either it moves along with a step of the wall clock, or it is a wall time kept for people."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from peewee import Field, FloatField

from router.store import clock_steps
from router.store.columns import TimeField
from router.store.migrations import migrate
from router.store.registry import STORES
from tests.integration.router.store.rows import THEN, fill

STEP = 25 * 3600.0

# What a time decides, and the rows of which that is true.
MOVES = {
    "commands.expires_at": ("given up, or over its time limit", "state IN ('queued', 'sent', 'received')"),
    "notifications.created_at": ("given up when it is a day old", "state IN ('queued', 'sent')"),
    "permissions.expires_at": ("a question that nobody answered", "state = 'open'"),
    "requests.created_at": ("the same request or update is known again", ""),
    "join_tokens.expires_at": ("a machine may enrol", ""),
    "api_keys.expires_at": ("a key opens something", ""),
    "api_keys.taken_at": ("the secret before it opens something", ""),
    "sessions.seen_at": ("a session that nobody has seen for a month ends", "state != 'ended'"),
    "file_parts.created_at": ("what is to be typed or shown has its file", ""),
    "pairing_codes.expires_at": ("a code lets somebody in", ""),
    "browsers.expires_at": ("a browser is let in, and its link stays used", ""),
    "voices.created_at": ("a recording can still be sent", ""),
    "subscriptions.expires_at": ("words of sessions are pushed to a browser", ""),
    "deferred.next_at": ("what is done in a while", "state IN ('waiting', 'paused') AND is_steady"),
    "batches.created_at": ("what a message offers can be done", ""),
    "callbacks.expires_at": ("a program elsewhere may report to a session", ""),
    "consents.created_at": ("one session may send to another", ""),
    "escalations.asked_at": ("how long a question waits, and so where it goes next", ""),
    "escalations.told_at": ("how long a platform takes nothing", ""),
    "escalations.next_at": ("when somebody is asked again", ""),
    "workspace_moves.left_at": ("what was left on a machine was kept for a month", ""),
    "workspaces.closing_at": ("what it is for is over for its days of grace", ""),
    "workspaces.archived_at": ("an archive was kept for a month", ""),
    "proposals.created_at": ("what a model would hand over can still be started", ""),
    "places.muted_until": ("a session makes no sound", ""),
    "held.created_at": ("what was written for no session can still be sent to one", ""),
}
STAYS = {
    "machines.created_at": "when it was enrolled",
    "machines.key_made_at": "how old its key is, in days",
    "join_tokens.created_at": "when it was made",
    "join_tokens.used_at": "history",
    "machines.last_seen_at": "when it was there",
    "bindings.created_at": "for people",
    "browsers.created_at": "when it was let in",
    "subscriptions.created_at": "when it was made; the oldest goes for a new one",
    "people.created_at": "when they were let in",
    "passkeys.created_at": "when it was added",
    "paired_chats.paired_at": "when it was let in",
    "api_keys.created_at": "when it was made",
    "api_keys.used_at": "when it was shown",
    "sessions.created_at": "when it began; the order of lists",
    "sessions.updated_at": "when it last changed; an ended one is history",
    "commands.created_at": "when a person wrote it, who is asked later whether it is still meant",
    "commands.sent_at": "history",
    "commands.received_at": "history",
    "commands.typed_at": "history, by its machine's clock",
    "commands.taken_at": "history",
    "commands.finished_at": "history",
    "commands.ended_at": "history",
    "notifications.delivered_at": "history",
    "tellings.at": "history",
    "permissions.created_at": "when it was asked",
    "permissions.decided_at": "history",
    "messages.created_at": "history",
    "steps.at": "history",
    "callbacks.created_at": "when it was made",
    "consents.decided_at": "history",
    "workspace_moves.created_at": "when it was asked for",
    "workspace_moves.changed_at": "history",
    "workspaces.created_at": "when it was asked for",
    "workspaces.changed_at": "history",
    "workspaces.looked_at": "when its machine spoke of it",
    "answer_rules.created_at": "when it was made",
    "answer_rules.expires_at": "for people; what ends it is of no clock that could be set",
    "answer_rules.ended_at": "history",
    "answer_rules.until": "of no clock that could be set: how long the machine has been up",
    "session_messages.created_at": "history; an hour more or less to answer one changes nothing",
    "notes.created_at": "when it was said",
    "notes.forgotten_at": "history",
    "deferred.created_at": "when it was asked for",
    "deferred.fired_for": "a moment of its own clock, behind which the next is",
    "deferred.limited_until": "as a program says it",
    "deferred.ended_at": "history",
    "sessions.limited_until": "as its program says it, which our clock does not move",
    "audit_entries.at": "history, and part of what is hashed",
    "strangers.last_seen_at": "when they were there",
}


@dataclass
class StoppedClock:
    """A clock that shows one moment."""

    wall: float
    up: float

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.up

    def uptime(self) -> float:
        return self.up

    def boot_id(self) -> str:
        return "boot"


def is_time(field: Field) -> bool:
    """Seconds since the epoch are floats; whatever is named like a time is one."""
    return isinstance(field, FloatField) or field.column_name.endswith("_at")


def times() -> dict[str, Field]:
    """Every time column of every table."""
    found = [field for store in STORES for field in store.model._meta.sorted_fields if is_time(field)]
    return {f"{field.model._meta.table_name}.{field.column_name}": field for field in found}


@pytest.fixture
def connection(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """A database as a router left it at the moment THEN."""
    with closing(sqlite3.connect(data_dir / "router.db", isolation_level=None)) as connection:
        migrate(connection)
        clock_steps.resume(connection, StoppedClock(THEN, 500.0))
        yield connection


def stepped(connection: sqlite3.Connection, step: float = STEP) -> None:
    """A router that starts an hour later by the kernel's clock, and by the wall's an hour and a step."""
    clock_steps.resume(connection, StoppedClock(THEN + 3600.0 + step, 500.0 + 3600.0))


def seen(connection: sqlite3.Connection, column: str, where: str = "") -> set[float]:
    table, name = column.split(".")
    sql = f"SELECT {name} FROM {table}" + (f" WHERE {where}" if where else "")
    return {value for (value,) in connection.execute(sql).fetchall()}


def test_no_time_is_left_to_chance() -> None:
    assert sorted(times()) == sorted([*MOVES, *STAYS])


def test_the_models_call_every_time_one() -> None:
    assert {name: type(field) for name, field in times().items()} == dict.fromkeys(times(), TimeField)


@pytest.mark.parametrize("column", MOVES)
def test_what_decides_something_moves_along_while_it_does(connection: sqlite3.Connection, column: str) -> None:
    fill(connection, column.split(".")[0])
    stepped(connection)
    _, where = MOVES[column]

    assert seen(connection, column, where) == {THEN + STEP}
    assert seen(connection, column, f"NOT ({where})" if where else "FALSE") <= {THEN}


@pytest.mark.parametrize("column", STAYS)
def test_what_is_kept_for_people_stays(connection: sqlite3.Connection, column: str) -> None:
    fill(connection, column.split(".")[0])
    stepped(connection)

    assert seen(connection, column) - {None} == {THEN}


def test_small_steps_move_large_tables_once_there_is_a_minute_of_them(connection: sqlite3.Connection) -> None:
    fill(connection, "requests")
    fill(connection, "commands")
    for number in range(1, 4):
        clock_steps.resume(connection, StoppedClock(THEN + number * 25.0, 500.0))
    moved = seen(connection, "requests.created_at")

    assert moved == {THEN + 75.0}
    assert seen(connection, "commands.expires_at", "state = 'queued'") == {THEN + 75.0}


def test_a_small_step_leaves_large_tables_as_they_are(connection: sqlite3.Connection) -> None:
    for table in ("requests", "file_parts", "sessions"):
        fill(connection, table)
    stepped(connection, 59.0)

    assert seen(connection, "requests.created_at") == seen(connection, "file_parts.created_at") == {THEN}
    assert seen(connection, "sessions.seen_at") == {THEN}


def test_nothing_that_waits_was_accepted_later_than_now(connection: sqlite3.Connection) -> None:
    fill(connection, "commands")
    stepped(connection, -STEP)

    assert seen(connection, "commands.created_at", "state = 'queued'") == {THEN + 3600.0 - STEP}
    assert seen(connection, "commands.created_at", "state = 'done'") == {THEN}

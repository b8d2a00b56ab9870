"""The audit: one row for every step of every command and notification. `Trace` and `WatchEvents` read it."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from peewee import Select

from router.store.database import Transaction
from router.store.statements import given
from router.store.tables import TraceStep as Row
from router.store.upkeep import removing

_COLUMNS = "at, subject_id, session_id, event, from_state, to_state, actor, detail"

_OLDEST = Row.select(Row.step_id, Row.at).order_by(Row.step_id).limit(given.limit).alias("oldest")
# The oldest come first, so no index on the time is needed: on the largest table of all.
purge = removing(
    Row.delete().where(Row.step_id.in_(Select([_OLDEST], [_OLDEST.c.step_id]).where(_OLDEST.c.at < given.before)))
)


class TraceStep(NamedTuple):
    """What happened to one thing. A tuple, as rows of it are written by the thousand."""

    at: float
    subject_id: str
    session_id: str
    event: str
    from_state: str
    to_state: str
    actor: str
    detail: str


def record(tx: Transaction, steps: Sequence[TraceStep]) -> None:
    """Write steps, in order."""
    tx.executemany(f"INSERT INTO steps ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", steps)


def of(connection: sqlite3.Connection, subject_ids: Sequence[str]) -> list[TraceStep]:
    """The steps of some things, oldest first."""
    marks = ",".join("?" * len(subject_ids))
    sql = f"SELECT {_COLUMNS} FROM steps WHERE subject_id IN ({marks}) ORDER BY step_id"
    return [TraceStep(*row) for row in connection.execute(sql, subject_ids).fetchall()]


def after(connection: sqlite3.Connection, step_id: int, session_id: str, limit: int) -> list[tuple[int, TraceStep]]:
    """Steps behind a cursor, oldest first."""
    sql = (
        f"SELECT step_id, {_COLUMNS} FROM steps WHERE step_id > ? AND (? = '' OR session_id = ?)"
        " ORDER BY step_id LIMIT ?"
    )
    rows = connection.execute(sql, (step_id, session_id, session_id, limit)).fetchall()
    return [(row[0], TraceStep(*row[1:])) for row in rows]


def newest(connection: sqlite3.Connection) -> int:
    """The cursor behind everything there is."""
    number: int = connection.execute("SELECT COALESCE(MAX(step_id), 0) FROM steps").fetchone()[0]
    return number


def story(connection: sqlite3.Connection, subject_id: str) -> list[TraceStep]:
    """The steps of a command, its receipts and those made from it, or of one other thing; oldest first."""
    subjects = [subject_id]
    for each in subjects:  # grows: what was made from it may have been repeated in turn
        sql = "SELECT command_id FROM commands WHERE redrive_of != '' AND redrive_of = ?"
        subjects += [row[0] for row in connection.execute(sql, (each,)).fetchall()]
    marks = ",".join("?" * len(subjects))
    sql = f"SELECT notification_id FROM notifications WHERE command_id != '' AND command_id IN ({marks})"
    receipts = [row[0] for row in connection.execute(sql, subjects).fetchall()]
    return of(connection, [*subjects, *receipts])

"""The trace: one row for every step of every command and notification. `Trace` and `WatchEvents` read it."""

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from peewee import fn

from router.domain.identity import Identity, IdentityKind
from router.store.database import Transaction
from router.store.group_writes import Inserts
from router.store.statements import Statement, given, insert, listed
from router.store.tables import Command, Notification
from router.store.tables import TraceStep as Row
from router.store.upkeep import BATCH, purging_oldest


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
    identity: str = ""  # whom we authenticated, where a key brought it; the actor may be a claim


COLUMNS = [getattr(Row, name) for name in TraceStep._fields]
_INSERT = Inserts(insert(Row, *COLUMNS))  # a step is its values, in the order of the columns
_OF = Statement(Row.select(*COLUMNS).where(Row.subject_id.in_(listed(given.subject_ids))).order_by(Row.step_id))
_AFTER = Statement(
    Row.select(Row.step_id, *COLUMNS)
    .where(
        (Row.step_id > given.step_id)
        & (Row.step_id <= given.last)
        & ((given.session_id == "") | (Row.session_id == given.session_id))
    )
    .order_by(Row.step_id)
    .limit(given.limit)
)
_NEWEST = Statement(Row.select(fn.MAX(Row.step_id)))
_MADE_FROM = Statement(
    Command.select(Command.command_id).where((Command.redrive_of != "") & (Command.redrive_of == given.command_id))
)
# That it is not empty stands here for the partial index.
_TOLD_OF = Statement(
    Notification.select(Notification.notification_id).where(
        (Notification.command_id != "") & Notification.command_id.in_(listed(given.command_ids))
    )
)

_ALL, _OLDEST = Row.alias(), Row.alias("oldest")
_OLDEST_NUMBERS = Statement(_OLDEST.select(_OLDEST.step_id).order_by(_OLDEST.step_id).limit(BATCH))
# The newest stays, however old it is: of an empty table the numbers would begin anew, and cursors mean other steps.
purge = purging_oldest(Row.step_id, Row.at, Row.step_id < _ALL.select(fn.MAX(_ALL.step_id)))


def record(tx: Transaction, steps: Sequence[TraceStep]) -> None:
    """Write steps, in order, with whoever the transaction acts for."""
    acting = who(tx)
    for step in steps:
        tx.append(_INSERT, (*step[:-1], acting))


def who(tx: Transaction) -> str:
    """For whom a transaction acts, as its steps have it."""
    return _named(tx.caller.identity)


@lru_cache(1024)  # each step asks, and they are few
def _named(identity: Identity) -> str:
    return "" if identity.kind is IdentityKind.ROUTER else str(identity)


def of(connection: sqlite3.Connection, subject_ids: Sequence[str]) -> list[TraceStep]:
    """The steps of some things, oldest first."""
    return [TraceStep(*row) for row in _OF.run(connection, subject_ids=json.dumps(subject_ids)).fetchall()]


def after(
    connection: sqlite3.Connection, step_id: int, session_id: str, limit: int
) -> tuple[list[tuple[int, TraceStep]], int]:
    """Steps behind a cursor, oldest first, and the cursor behind all that was looked at: also what is of others."""
    last = newest(connection)
    rows = _AFTER.run(connection, step_id=step_id, last=last, session_id=session_id, limit=limit).fetchall()
    found = [(number, TraceStep(*step)) for number, *step in rows]
    return found, found[-1][0] if len(found) == limit else max(last, step_id)


def newest(connection: sqlite3.Connection) -> int:
    """The cursor behind everything there is."""
    return _NEWEST.value(connection) or 0


def whole_from(connection: sqlite3.Connection) -> int:
    """The step from which on none is missing: numbers have no gaps but for what was removed."""
    numbers = _OLDEST_NUMBERS.values(connection)  # so many are looked at when some are removed: no others went
    gaps = [later for number, later in pairwise(numbers) if later != number + 1]
    return gaps[-1] if gaps else next(iter(numbers), 1)


def story(connection: sqlite3.Connection, subject_id: str) -> list[TraceStep]:
    """The steps of a command, its status messages and those made from it, or of one other thing; oldest first."""
    subjects = [subject_id]
    for each in subjects:  # grows: what was made from it may have been repeated in turn
        subjects += _MADE_FROM.values(connection, command_id=each)
    return of(connection, [*subjects, *_TOLD_OF.values(connection, command_ids=json.dumps(subjects))])

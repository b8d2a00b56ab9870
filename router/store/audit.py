"""The audit on disk: written in the transaction that makes the change, read, verified, and cut at its oldest end.

audit.record(tx, clock.now(), AuditEvent.KEY_REVOKED, caller, subject=key_id)
"""

import logging
import sqlite3

from router.domain.audit import START, AuditEntry, AuditEvent, Head, Verification, following, verified
from router.domain.identity import Caller
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given

logger = logging.getLogger(__name__)
Row, Anchor = tables.AuditEntry, tables.AuditAnchor
_ENTRIES = Mapper(Row, AuditEntry)
_INSERT = _ENTRIES.writes(_ENTRIES.insert())
_ALL = _ENTRIES.select().order_by(Row.number)
_WALK = Statement(_ALL)
_AFTER = _ENTRIES.reads(_ALL.where((Row.number > given.number) & (Row.at >= given.since)).limit(given.limit))


_HEAD = Statement(Row.select(Row.number, Row.digest).order_by(Row.number.desc()).limit(1))
_ANCHOR = Statement(Anchor.select(Anchor.number, Anchor.digest).order_by(Anchor.number.desc()).limit(1))
_FIRST_KEPT = Statement(Row.select(Row.number).where(Row.at >= given.before).order_by(Row.number).limit(1))
_LAST_TAKEN = Row.select(Row.digest).where(Row.number == given.number)
_MOVE_ANCHOR = Statement(Anchor.update({Anchor.number: given.number, Anchor.digest: _LAST_TAKEN}))
_TAKE = Statement(Row.delete().where(Row.number <= given.number))


def record(
    tx: Transaction, now: float, event: AuditEvent, caller: Caller, *, subject: str = "", detail: str = ""
) -> None:
    """Write an entry. `detail` says with what, for people: never a secret, and nothing that is or was typed."""
    _INSERT.one(tx, following(head(tx), now, event, caller, subject, detail))


def head(on: Connection) -> Head:
    """The newest end: whoever has it noted elsewhere can see later whether what led to it is still there."""
    row = _HEAD.run(on).fetchone()
    return Head(*row) if row else anchor(on)


def tell(on: Connection) -> None:
    """Put the newest end into the log, which is kept elsewhere."""
    logger.info("the audit ends with %s", head(on))


def anchor(on: Connection) -> Head:
    """The oldest end: the last entry that is gone."""
    row = _ANCHOR.run(on).fetchone()
    return Head(*row) if row else START


def after(connection: sqlite3.Connection, number: int, since: float, limit: int) -> list[AuditEntry]:
    """Entries behind a number and not from before a time, oldest first."""
    return _AFTER.all(connection, number=number, since=since, limit=limit)


def verify(connection: sqlite3.Connection, noted: Head | None = None) -> Verification:
    """Compute the chain of this database anew; a head that was noted earlier must be part of it. For a reader."""
    # Row by row: a year of it need not fit into memory.
    return verified(anchor(connection), map(_ENTRIES.read, _WALK.run(connection)), noted)


def purge(tx: Connection, before: float, limit: int) -> int:
    """Take away the oldest from before a time, and leave the anchor; how many went."""
    oldest = anchor(tx).number
    first_kept = _FIRST_KEPT.value(tx, before=before)
    number = min(head(tx).number if first_kept is None else first_kept - 1, oldest + limit)
    if number <= oldest:
        return 0
    _MOVE_ANCHOR.run(tx, number=number)  # first: the triggers let nothing go that is not behind it
    return _TAKE.run(tx, number=number).rowcount

"""Idempotency: answers already given. An update or a request that comes again (deduplication) gets the same one."""

import hashlib
import sqlite3

from router.domain.errors import Reason, Refusal
from router.store.database import Transaction
from router.store.group_writes import KeyedInserts
from router.store.statements import Statement, given, insert
from router.store.tables import IdempotencyRecord as Row
from router.store.upkeep import purging, shifting

KEPT = 96 * 3600.0  # seconds; GitHub delivers again for 3 days, Telegram for one

_FIND = Statement(Row.select(Row.digest, Row.response).where(Row.key == given.key))
_INSERT = KeyedInserts(insert(Row))

shift = shifting(Row.created_at)
purge = purging(Row, Row.created_at < given.before)


def digest(request: bytes) -> bytes:
    """What is kept of a request to tell it from another one."""
    return hashlib.sha256(request).digest()


def answered(tx: Transaction | sqlite3.Connection, key: str, request: bytes | None) -> bytes | None:
    """The answer given before, or None. Raises Refusal(REQUEST_ID_REUSED) when it was to another request.

    With `request` None the key alone identifies it, as an update id does.
    """
    if isinstance(tx, Transaction):  # each command asks: what waits is looked through here, and need not be written
        waits = tx.waiting(_INSERT, key)
        row = waits[1:] if waits else tx.on_disk(_FIND.text, (key,)).fetchone()
    else:
        row = _FIND.run(tx, key=key).fetchone()
    if row is None:
        return None
    # Else the answer to one request would pass for the answer to another.
    if request is not None and row[0] != digest(request):
        raise Refusal(Reason.REQUEST_ID_REUSED, "This request id was used for another request. Use a new one.")
    response: bytes = row[1]
    return response


def remember(tx: Transaction, key: str, request: bytes | None, response: bytes, now: float) -> None:
    """Keep an answer, in the transaction of its effect."""
    kept = digest(request) if request is not None else b""
    tx.replace(_INSERT, key, (key, kept, response, now))

"""Files on their way between chats and machines, in parts: small enough that nobody waits behind one."""

import sqlite3

from peewee import fn

from router.store.database import Transaction
from router.store.statements import Connection, Statement, given, upsert
from router.store.tables import FilePart
from router.store.tables.notifications import UNNAMED
from router.store.upkeep import purging, shifting

KEPT = 7 * 24 * 3600.0  # seconds: a command is given up after a day; a person may send it again some days later
GOOD_FOR = 5 * 24 * 3600.0  # seconds in which parts can be given to people: delivering them may take a day more
UNNAMED_FOR = 6 * 3600.0  # seconds until a part goes that nothing names: an upload over a slow line takes some
LEAST_COST = 4096  # bytes that a part counts at least: many small ones fill a database, too
BATCH = 50  # parts that go in a transaction; each may have half a megabyte

# An older part might be removed before somebody has fetched the last of its file.
_FRESH = (FilePart.file_id == given.file_id) & (FilePart.created_at >= given.since)
_KEY = FilePart.file_id, FilePart.number
# Whose it is, is settled once: one that is named stays so.
_PUT = Statement(upsert(FilePart, _KEY, FilePart.data, FilePart.created_at, FilePart.cost, new=[FilePart.owner]))
_COST = fn.COALESCE(fn.SUM(FilePart.cost), 0)
_HELD = Statement(FilePart.select(_COST).where((FilePart.owner == given.owner) & UNNAMED))
_ALL_HELD = Statement(FilePart.select(_COST).where(UNNAMED))
_HELD_OF_EACH = Statement(FilePart.select(FilePart.owner, _COST).where(UNNAMED).group_by(FilePart.owner))
_REPLACED = Statement(
    FilePart.select(FilePart.cost).where((FilePart.file_id == given.file_id) & (FilePart.number == given.number))
)
_NAME = Statement(FilePart.update({FilePart.owner: ""}).where(FilePart.file_id == given.file_id))
_REMOVE = Statement(FilePart.delete().where(FilePart.file_id == given.file_id))
_SIZE = Statement(FilePart.select(fn.COALESCE(fn.SUM(fn.LENGTH(FilePart.data)), 0)).where(_FRESH))
_NUMBERS = Statement(FilePart.select(FilePart.number).where(_FRESH).order_by(FilePart.number))
_PART = Statement(
    FilePart.select(FilePart.data).where((FilePart.file_id == given.file_id) & (FilePart.number == given.number))
)

shift = shifting(FilePart.created_at)
# By an index each: whose a part is stands behind its bytes, which would all be read for it.
_purge_old = purging(FilePart, FilePart.created_at < given.before)
_purge_unnamed = purging(FilePart, UNNAMED & (FilePart.created_at < given.before + (KEPT - UNNAMED_FOR)))


def purge(on: Connection, before: float, limit: int) -> int:
    """Remove the parts that are old, and those that nothing has named in time."""
    gone = _purge_old(on, before, limit)
    return gone + _purge_unnamed(on, before, limit - gone)


def put(tx: Transaction, file_id: str, number: int, data: bytes, now: float, owner: str) -> None:
    """Keep a part; the same one again replaces it, and is good for as long as a new one."""
    _PUT.run(tx, file_id=file_id, number=number, data=data, created_at=now, cost=_cost(data), owner=owner)


def held_with(tx: Transaction, owner: str, file_id: str, number: int, data: bytes) -> tuple[int, int]:
    """Bytes of parts that nothing names, once this one were put: somebody's, and everybody's."""
    more = _cost(data) - int(_REPLACED.value(tx, file_id=file_id, number=number) or 0)
    return int(_HELD.value(tx, owner=owner)) + more, int(_ALL_HELD.value(tx)) + more


def held_of_each(connection: sqlite3.Connection) -> dict[str, int]:
    """Bytes of parts that nothing names, by owner."""
    return dict(_HELD_OF_EACH.run(connection).fetchall())


def name(tx: Transaction, file_id: str) -> None:
    """Something names the file from now on: it counts against nobody's quota."""
    _NAME.run(tx, file_id=file_id)


def remove(tx: Transaction, file_id: str) -> None:
    """Nobody wants it any more: its parts go before they are old."""
    _REMOVE.run(tx, file_id=file_id)


def size(tx: Transaction, file_id: str, since: float = 0.0) -> int:
    """Bytes of all parts that came since a time and are here."""
    return int(_SIZE.value(tx, file_id=file_id, since=since))


def next_number(tx: Transaction, file_id: str, since: float) -> int:
    """The number of the first part that did not come since a time, or is not here any more."""
    numbers = _NUMBERS.values(tx, file_id=file_id, since=since)
    return next((at for at, number in enumerate(numbers) if number != at), len(numbers))


def part(connection: sqlite3.Connection | Transaction, file_id: str, number: int) -> bytes:
    """One part; empty where there is none."""
    return bytes(_PART.value(connection, file_id=file_id, number=number) or b"")


def _cost(data: bytes) -> int:
    return max(len(data), LEAST_COST)

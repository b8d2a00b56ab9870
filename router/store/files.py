"""Files on their way between chats and machines, in parts: small enough that nobody waits behind one."""

import sqlite3

from peewee import fn

from router.store.database import Transaction
from router.store.statements import Statement, given, upsert
from router.store.tables import FilePart
from router.store.upkeep import purging, shifting

KEPT = 7 * 24 * 3600.0  # seconds: a command is given up after a day; a person may send it again some days later
GOOD_FOR = 5 * 24 * 3600.0  # seconds in which parts can be given to people: delivering them may take a day more
BATCH = 50  # parts that go in a transaction; each may have half a megabyte

# An older part might be removed before somebody has fetched the last of its file.
_FRESH = (FilePart.file_id == given.file_id) & (FilePart.created_at >= given.since)
_PUT = Statement(upsert(FilePart, (FilePart.file_id, FilePart.number), FilePart.data, FilePart.created_at))
_SIZE = Statement(FilePart.select(fn.COALESCE(fn.SUM(fn.LENGTH(FilePart.data)), 0)).where(_FRESH))
_NUMBERS = Statement(FilePart.select(FilePart.number).where(_FRESH).order_by(FilePart.number))
_PART = Statement(
    FilePart.select(FilePart.data).where((FilePart.file_id == given.file_id) & (FilePart.number == given.number))
)

shift = shifting(FilePart.created_at)
purge = purging(FilePart, FilePart.created_at < given.before)


def put(tx: Transaction, file_id: str, number: int, data: bytes, now: float) -> None:
    """Keep a part; the same one again replaces it, and is good for as long as a new one."""
    _PUT.run(tx, file_id=file_id, number=number, data=data, created_at=now)


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

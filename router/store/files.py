"""Files on their way between chats and machines, in parts: small enough that nobody waits behind one."""

import sqlite3

from router.store.database import Transaction
from router.store.statements import given
from router.store.tables import FilePart
from router.store.upkeep import purging, shifting

KEPT = 7 * 24 * 3600.0  # seconds: a command is given up after a day; a person may send it again some days later
GOOD_FOR = 5 * 24 * 3600.0  # seconds in which parts can be given to people: delivering them may take a day more
BATCH = 50  # parts that go in a transaction; each may have half a megabyte

shift = shifting(FilePart.created_at)
purge = purging(FilePart, FilePart.created_at < given.before)


def put(tx: Transaction, file_id: str, number: int, data: bytes, now: float) -> None:
    """Keep a part; the same one again replaces it."""
    tx.execute(
        "INSERT OR REPLACE INTO file_parts (file_id, number, data, created_at) VALUES (?, ?, ?, ?)",
        (file_id, number, data, now),
    )


def size(tx: Transaction, file_id: str, since: float = 0.0) -> int:
    """Bytes of all parts that came since a time and are here."""
    sql = "SELECT coalesce(sum(length(data)), 0) FROM file_parts WHERE file_id = ? AND created_at >= ?"
    return int(tx.execute(sql, (file_id, since)).fetchone()[0])


def next_number(tx: Transaction, file_id: str, since: float) -> int:
    """The number of the first part that did not come since a time, or is not here any more."""
    sql = "SELECT number FROM file_parts WHERE file_id = ? AND created_at >= ? ORDER BY number"
    numbers = [row[0] for row in tx.execute(sql, (file_id, since)).fetchall()]
    return next((at for at, number in enumerate(numbers) if number != at), len(numbers))


def part(connection: sqlite3.Connection | Transaction, file_id: str, number: int) -> bytes:
    """One part; empty where there is none."""
    sql = "SELECT data FROM file_parts WHERE file_id = ? AND number = ?"
    row = connection.execute(sql, (file_id, number)).fetchone()
    return bytes(row[0]) if row else b""

"""Who wrote and is not allowed: the newest few, so that an operator can let them in, and no crowd fills the disk."""

import sqlite3

from router.domain.command import ChatRef
from router.domain.stranger import Stranger
from router.store.database import Transaction
from router.store.statements import given
from router.store.tables import Stranger as Row
from router.store.upkeep import purging

KEPT = 20

purge = purging(Row, Row.last_seen_at < given.before)


def note(tx: Transaction, stranger: Stranger, now: float) -> bool:
    """Keep a stranger, in place of the one seen longest ago where there are too many. Whether they are new."""
    chat = stranger.chat
    row = tx.execute(
        "INSERT INTO strangers (transport, chat_id, user_id, name, times, last_seen_at) VALUES (?, ?, ?, ?, 1, ?)"
        " ON CONFLICT (transport, chat_id, user_id) DO UPDATE SET name = excluded.name, times = times + 1,"
        " last_seen_at = excluded.last_seen_at RETURNING times",
        (chat.transport, chat.chat_id, stranger.user_id, stranger.name, now),
    ).fetchone()
    tx.execute(
        "DELETE FROM strangers WHERE (transport, chat_id, user_id) IN (SELECT transport, chat_id, user_id"
        " FROM strangers ORDER BY last_seen_at DESC LIMIT -1 OFFSET ?)",
        (KEPT,),
    )
    return bool(row[0] == 1)


def page(connection: sqlite3.Connection) -> list[Stranger]:
    """All of them, newest first."""
    rows = connection.execute(
        "SELECT transport, chat_id, user_id, name, times, last_seen_at FROM strangers ORDER BY last_seen_at DESC"
    )
    return [Stranger(ChatRef(row[0], row[1]), *row[2:]) for row in rows.fetchall()]

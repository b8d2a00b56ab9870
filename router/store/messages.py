"""Which session a message speaks of."""

from router.domain.command import ChatRef
from router.store import sessions
from router.store.database import Transaction
from router.store.tables import Message, Session
from router.store.upkeep import purging

purge = purging(Message, Message.session_id.in_(Session.select(Session.session_id).where(sessions.OVER)))


def session_of(tx: Transaction, chat: ChatRef, message_id: str) -> str | None:
    """The session a message of a chat speaks of; empty for none, None for a message that is not known."""
    row = tx.execute(
        "SELECT session_id FROM messages WHERE transport = ? AND chat_id = ? AND message_id = ?",
        (chat.transport, chat.chat_id, message_id),
    ).fetchone()
    return str(row[0]) if row else None


def notification_of(tx: Transaction, chat: ChatRef, message_id: str) -> str:
    """The notification that a message of a chat shows; empty for none."""
    row = tx.execute(
        "SELECT notification_id FROM messages WHERE transport = ? AND chat_id = ? AND message_id = ?",
        (chat.transport, chat.chat_id, message_id),
    ).fetchone()
    return row[0] if row else ""


def remember(tx: Transaction, chat: ChatRef, ids: tuple[str, ...], session_id: str, about: str, now: float) -> None:
    """Keep what messages speak of; an edited message keeps its newest meaning."""
    tx.executemany(
        "INSERT OR REPLACE INTO messages (transport, chat_id, message_id, session_id, notification_id, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(chat.transport, chat.chat_id, message_id, session_id, about, now) for message_id in ids],
    )

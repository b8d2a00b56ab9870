"""Which session a message speaks of, and what a chat has chosen."""

from router.domain.command import ChatRef
from router.store import moved_chats, sessions
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


def chosen_session(tx: Transaction, chat: ChatRef) -> str:
    """The session a chat has chosen; empty for none."""
    row = tx.execute(
        "SELECT chosen_session FROM chats WHERE transport = ? AND chat_id = ?", (chat.transport, chat.chat_id)
    ).fetchone()
    return row[0] if row else ""


def choose_session(tx: Transaction, chat: ChatRef, session_id: str) -> None:
    """Let plain text of a chat go to a session."""
    tx.execute(
        "INSERT INTO chats (transport, chat_id, is_default, chosen_session) VALUES (?, ?, 0, ?)"
        " ON CONFLICT (transport, chat_id) DO UPDATE SET chosen_session = excluded.chosen_session",
        (chat.transport, chat.chat_id, session_id),
    )


def default_chats(tx: Transaction) -> list[ChatRef]:
    """The chats that want every notification that names no target."""
    rows = tx.execute("SELECT transport, chat_id FROM chats WHERE is_default ORDER BY transport, chat_id")
    return [ChatRef(*row) for row in rows.fetchall()]


def set_default_chats(tx: Transaction, transport: str, chats: list[ChatRef]) -> None:
    """Replace the default chats of one platform by those its courier names, under the ids they have now."""
    tx.execute("UPDATE chats SET is_default = 0 WHERE transport = ?", (transport,))
    tx.executemany(
        "INSERT INTO chats (transport, chat_id, is_default, chosen_session) VALUES (?, ?, 1, '')"
        " ON CONFLICT (transport, chat_id) DO UPDATE SET is_default = 1",
        [(chat.transport, moved_chats.current(tx, chat).chat_id) for chat in chats],
    )

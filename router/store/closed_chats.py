"""Chats that take no messages, and of which people were told: kept, so that a restart does not tell them again."""

from router.domain.command import ChatRef
from router.store.database import Transaction


def known(tx: Transaction) -> set[ChatRef]:
    """Those chats."""
    rows = tx.execute("SELECT transport, chat_id FROM chats WHERE is_closed")
    return {ChatRef(*row) for row in rows.fetchall()}


def write(tx: Transaction, chat: ChatRef, *, closed: bool) -> None:
    """Keep that a chat takes none from now on, or takes them again."""
    tx.execute(
        "INSERT INTO chats (transport, chat_id, is_default, chosen_session, is_closed) VALUES (?, ?, 0, '', ?)"
        " ON CONFLICT (transport, chat_id) DO UPDATE SET is_closed = excluded.is_closed",
        (chat.transport, chat.chat_id, closed),
    )

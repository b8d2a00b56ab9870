"""Chats that the platform gave another id.

Message ids stay with the old id: the new chat numbers its messages anew, so that an old number names somebody else's
message there, and a reply to that must not be typed into a session.
"""

from dataclasses import replace

from router.domain.command import ChatRef
from router.store import chats
from router.store.database import Transaction


def current(tx: Transaction, chat: ChatRef) -> ChatRef:
    """The chat under the id it has now."""
    row = tx.execute(
        "SELECT moved_to FROM chats WHERE transport = ? AND chat_id = ? AND moved_to != ''",
        (chat.transport, chat.chat_id),
    ).fetchone()
    return replace(chat, chat_id=row[0]) if row else chat


def move(tx: Transaction, transport: str, old: str, new: str) -> bool:
    """What a chat has chosen, what waits for it and what its tokens name goes to its new id. False: it had gone before.

    Whatever is written for the old id from now on is brought to the new one.
    """
    if current(tx, ChatRef(transport, old)).chat_id == new:
        return False
    values = {"transport": transport, "old": old, "new": new}
    tx.execute(
        "INSERT INTO chats (transport, chat_id, is_default, chosen_session, moved_to)"
        " SELECT :transport, :new, max(is_default), max(chosen_session), '' FROM"
        " (SELECT is_default, chosen_session FROM chats WHERE transport = :transport AND chat_id = :old"
        "  UNION ALL SELECT 0, '')"
        " WHERE true ON CONFLICT (transport, chat_id) DO UPDATE SET moved_to = '',"
        "  is_default = max(is_default, excluded.is_default),"
        "  chosen_session = CASE chosen_session WHEN '' THEN excluded.chosen_session ELSE chosen_session END",
        values,
    )
    tx.execute(
        "INSERT INTO chats (transport, chat_id, is_default, chosen_session, moved_to)"
        " VALUES (:transport, :old, 0, '', :new)"
        " ON CONFLICT (transport, chat_id) DO UPDATE SET is_default = 0, chosen_session = '', moved_to = :new",
        values,
    )
    tx.execute("UPDATE chats SET moved_to = :new WHERE transport = :transport AND moved_to = :old", values)
    tx.execute("UPDATE notifications SET chat_id = :new WHERE transport = :transport AND chat_id = :old", values)
    chats.move(tx, ChatRef(transport, old), ChatRef(transport, new))
    return True

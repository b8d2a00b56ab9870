"""How a chat wants to be treated, and what it has for each session: a topic, and whether it makes a sound."""

from dataclasses import dataclass

from router.domain.command import ChatRef
from router.store import tables
from router.store.database import Transaction
from router.store.upkeep import purging

purge = purging(
    tables.SessionTopic, tables.SessionTopic.session_id.not_in(tables.Session.select(tables.Session.session_id))
)


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a chat asked for."""

    has_topics: bool = False
    asks_first: bool = False
    quiet: str = ""  # "22:00-07:00"; empty for never


@dataclass(frozen=True, slots=True)
class SessionTopic:
    """What a chat has for one session."""

    thread_id: str = ""  # of its topic; empty for none
    muted: bool = False


def settings(tx: Transaction, chat: ChatRef) -> ChatSettings:
    """What a chat asked for; nothing, where it never did."""
    row = tx.execute(
        "SELECT has_topics, asks_first, quiet FROM chats WHERE transport = ? AND chat_id = ?",
        (chat.transport, chat.chat_id),
    ).fetchone()
    return ChatSettings(bool(row[0]), bool(row[1]), row[2]) if row else ChatSettings()


def set_settings(tx: Transaction, chat: ChatRef, new: ChatSettings) -> None:
    """Keep what a chat asks for from now on."""
    tx.execute(
        "INSERT INTO chats (transport, chat_id, is_default, chosen_session, has_topics, asks_first, quiet)"
        " VALUES (?, ?, 0, '', ?, ?, ?) ON CONFLICT (transport, chat_id) DO UPDATE SET"
        " has_topics = excluded.has_topics, asks_first = excluded.asks_first, quiet = excluded.quiet",
        (chat.transport, chat.chat_id, new.has_topics, new.asks_first, new.quiet),
    )


def session_topic(tx: Transaction, chat: ChatRef, session_id: str) -> SessionTopic:
    """What a chat has for a session."""
    row = tx.execute(
        "SELECT thread_id, muted FROM places WHERE transport = ? AND chat_id = ? AND session_id = ?",
        (chat.transport, chat.chat_id, session_id),
    ).fetchone()
    return SessionTopic(row[0], bool(row[1])) if row else SessionTopic()


def set_session_topic(tx: Transaction, chat: ChatRef, session_id: str, new: SessionTopic) -> None:
    """Keep what a chat has for a session from now on."""
    tx.execute(
        "INSERT OR REPLACE INTO places (transport, chat_id, session_id, thread_id, muted) VALUES (?, ?, ?, ?, ?)",
        (chat.transport, chat.chat_id, session_id, new.thread_id, new.muted),
    )


def session_of_topic(tx: Transaction, chat: ChatRef) -> str:
    """The session whose topic a message was written in; empty for none."""
    row = tx.execute(
        "SELECT session_id FROM places WHERE transport = ? AND chat_id = ? AND thread_id = ? AND thread_id != ''",
        (chat.transport, chat.chat_id, chat.thread_id),
    ).fetchone()
    return row[0] if row else ""


def topics_of(tx: Transaction, session_id: str) -> list[ChatRef]:
    """The topics a session has, in chats that want topics."""
    rows = tx.execute(
        "SELECT transport, chat_id, thread_id FROM places JOIN chats USING (transport, chat_id)"
        " WHERE session_id = ? AND thread_id != '' AND has_topics ORDER BY transport, chat_id",
        (session_id,),
    )
    return [ChatRef(*row) for row in rows.fetchall()]


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> None:
    """A chat has another id: what it asked for holds there. Topics stay behind, their numbers mean nothing there."""
    if settings(tx, new) == ChatSettings():
        set_settings(tx, new, settings(tx, old))
    tx.execute(
        "INSERT OR IGNORE INTO places (transport, chat_id, session_id, thread_id, muted)"
        " SELECT transport, ?, session_id, '', muted FROM places WHERE transport = ? AND chat_id = ?",
        (new.chat_id, old.transport, old.chat_id),
    )
    tx.execute("DELETE FROM places WHERE transport = ? AND chat_id = ?", (old.transport, old.chat_id))

"""What was written for no session: kept for a day, until a person presses the session it is for."""

import json
from dataclasses import astuple

from router.domain.command import ChatRef, FileInput
from router.domain.routing import Inbound
from router.store.database import Transaction
from router.store.statements import given
from router.store.tables import HeldMessage
from router.store.upkeep import purging, shifting

KEPT = 24 * 3600.0  # seconds; as long as a command waits for its machine
MOST = 20  # messages of a chat; the oldest go

shift = shifting(HeldMessage.created_at)
purge = purging(HeldMessage, HeldMessage.created_at < given.before)


def keep(tx: Transaction, question: str, inbound: Inbound, now: float) -> None:
    """Keep a message beside the question (a notification) which session it is for."""
    chat, file = inbound.chat, json.dumps(astuple(inbound.file)) if inbound.file else ""
    tx.execute(
        "INSERT INTO held (question, transport, chat_id, message_id, text, file, album, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (question, chat.transport, chat.chat_id, chat.message_id, inbound.text, file, inbound.album, now),
    )
    tx.execute(
        "DELETE FROM held WHERE position IN (SELECT position FROM held WHERE transport = ? AND chat_id = ?"
        " ORDER BY position DESC LIMIT -1 OFFSET ?)",
        (chat.transport, chat.chat_id, MOST),
    )


def take(tx: Transaction, question: str, press: Inbound, now: float) -> list[Inbound]:
    """Take out what waits beside a question, as if whoever pressed had written it now; empty when that is over."""
    rows = tx.execute(
        "DELETE FROM held WHERE question = ? AND created_at > ?"
        " RETURNING position, chat_id, message_id, text, file, album",
        (question, now - KEPT),
    ).fetchall()
    return [_inbound(press, *row[1:]) for row in sorted(rows)]


def question_of_album(tx: Transaction, chat: ChatRef, album: str) -> str:
    """The question that an earlier message of the same album waits beside; empty for none."""
    row = tx.execute(
        "SELECT question FROM held WHERE transport = ? AND chat_id = ? AND album = ? AND album != ''",
        (chat.transport, chat.chat_id, album),
    ).fetchone()
    return row[0] if row else ""


def _inbound(press: Inbound, chat_id: str, message_id: str, text: str, file: str, album: str) -> Inbound:
    """A chat that has another id now numbers its messages anew: there the message has no name any more."""
    here = press.chat
    chat = ChatRef(here.transport, here.chat_id, here.thread_id, message_id if here.chat_id == chat_id else "")
    given = FileInput(*json.loads(file)) if file else None
    return Inbound(press.update_key, chat, press.actor, text, file=given, album=album)

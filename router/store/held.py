"""What was written for no session: kept for a day, until a person presses the session it is for."""

import json

from msgspec.structs import astuple

from router.domain.action import FileInput
from router.domain.command import ChatRef
from router.domain.routing import Inbound
from router.store.database import Transaction
from router.store.statements import Statement, given, insert
from router.store.tables import HeldMessage as Row
from router.store.upkeep import purging, shifting

KEPT = 24 * 3600.0  # seconds; as long as a command waits for its machine
MOST = 20  # messages of a chat; the oldest go

_OF_CHAT = (Row.transport == given.transport) & (Row.chat_id == given.chat_id)
_INSERT = Statement(insert(Row))
_NEWEST = Row.select(Row.position).where(_OF_CHAT).order_by(Row.position.desc()).limit(MOST)
_FORGET_OLDEST = Statement(Row.delete().where(_OF_CHAT & Row.position.not_in(_NEWEST)))
# Taken by deleting it, so that two presses cannot both have it.
_TAKE = Statement(
    Row.delete()
    .where((Row.question == given.question) & (Row.created_at > given.since))
    .returning(Row.position, Row.chat_id, Row.message_id, Row.text, Row.file, Row.album)
)
_QUESTION_OF_ALBUM = Statement(
    Row.select(Row.question).where(_OF_CHAT & (Row.album == given.album) & (Row.album != ""))
)

shift = shifting(Row.created_at)
purge = purging(Row, Row.created_at < given.before)


def keep(tx: Transaction, question: str, inbound: Inbound, now: float) -> None:
    """Keep a message beside the question (a notification) which session it is for."""
    chat, file = inbound.chat, json.dumps(astuple(inbound.file)) if inbound.file else ""
    _INSERT.run(
        tx, question=question, transport=chat.transport, chat_id=chat.chat_id, message_id=chat.message_id,
        text=inbound.text, file=file, album=inbound.album, created_at=now,
    )  # fmt: skip
    _FORGET_OLDEST.run(tx, transport=chat.transport, chat_id=chat.chat_id)


def take(tx: Transaction, question: str, press: Inbound, now: float) -> list[Inbound]:
    """Take out what waits beside a question, as if whoever pressed had written it now; empty when that is over."""
    rows = _TAKE.run(tx, question=question, since=now - KEPT).fetchall()
    return [_inbound(press, *row[1:]) for row in sorted(rows)]


def question_of_album(tx: Transaction, chat: ChatRef, album: str) -> str:
    """The question that an earlier message of the same album waits beside; empty for none."""
    return _QUESTION_OF_ALBUM.value(tx, transport=chat.transport, chat_id=chat.chat_id, album=album) or ""


def _inbound(press: Inbound, chat_id: str, message_id: str, text: str, file: str, album: str) -> Inbound:
    """A chat that has another id now numbers its messages anew: there the message has no name any more."""
    here = press.chat
    chat = ChatRef(here.transport, here.chat_id, here.thread_id, message_id if here.chat_id == chat_id else "")
    given = FileInput(*json.loads(file)) if file else None
    return Inbound(press.update_key, chat, press.actor, text, file=given, album=album)

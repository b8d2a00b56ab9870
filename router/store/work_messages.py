"""The messages that tell in chats what sessions do in their turns."""

from msgspec import Struct

from router.domain.command import ChatRef
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, given
from router.store.upkeep import purging


class WorkMessage(Struct, frozen=True):
    """Of one session in one chat, which also names its topic."""

    chat: ChatRef
    session_id: str
    begun: int  # the number of the turn's first event
    told: int  # up to which events stand in messages of their own
    message_ids: tuple[str, ...] = ()
    is_open: bool = True  # it does not say yet that the turn is over


Row, Session = tables.WorkMessage, tables.Session
_CHAT = Part([Row.transport, Row.chat_id, Row.thread_id], ChatRef, lambda c: (c.transport, c.chat_id, c.thread_id))
_MESSAGES = Mapper(Row, WorkMessage, chat=_CHAT)
_OF_CHAT = (Row.transport == given.transport) & (Row.chat_id == given.chat_id)
_WRITE = _MESSAGES.writes(_MESSAGES.upsert(Row.transport, Row.chat_id, Row.session_id))
_OF_SESSION = _MESSAGES.reads(
    _MESSAGES.select().where(Row.session_id == given.session_id).order_by(Row.transport, Row.chat_id)
)
_OPEN = Statement(Row.select(Row.session_id, Row.begun).where(Row.is_open))
_FORGET = Statement(Row.delete().where(_OF_CHAT))

purge = purging(Row, Row.session_id.not_in(Session.select(Session.session_id)))


def write(tx: Transaction, message: WorkMessage) -> None:
    """Keep it in the place of what a chat had for the session."""
    _WRITE.one(tx, message)


def of_session(tx: Transaction, session_id: str) -> list[WorkMessage]:
    """What chats have for a session."""
    return _OF_SESSION.all(tx, session_id=session_id)


def begun(on: Connection) -> list[tuple[str, int]]:
    """The sessions of which some do not say yet that the turn is over, with where it began."""
    return sorted(_OPEN.run(on).fetchall())


def forget_chat(tx: Transaction, chat: ChatRef) -> None:
    """A chat has another id: its messages cannot be changed any more."""
    _FORGET.run(tx, transport=chat.transport, chat_id=chat.chat_id)

"""Which chats began a session, follow it, or do not want to hear of it."""

from router.domain.audience import Hearer
from router.domain.command import ChatRef
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, given, upsert
from router.store.upkeep import purging

Row, Session = tables.Hearer, tables.Session
_PLACE = Part((Row.transport, Row.chat_id), ChatRef, lambda chat: (chat.transport, chat.chat_id))
_HEARERS = Mapper(Row, Hearer, chat=_PLACE)
_ALL = _HEARERS.select().order_by(Row.session_id, Row.transport, Row.chat_id)
_OF_CHAT = (Row.transport == given.transport) & (Row.chat_id == given.chat_id)
_KEY = (Row.session_id, Row.transport, Row.chat_id)

_EVERYONE = _HEARERS.reads(_ALL)
_OF_SESSION = _HEARERS.reads(_ALL.where(Row.session_id == given.session_id))
_WRITE = Statement(upsert(Row, _KEY, Row.hearing))
_DELETE = Statement(Row.delete().where(_OF_CHAT & (Row.session_id == given.session_id)))
_DELETE_CHAT = Statement(Row.delete().where(_OF_CHAT))

# Not by age: a chat follows a session for as long as that is known.
purge = purging(Row, Row.session_id.not_in(Session.select(Session.session_id)))


def of_session(on: Connection, session_id: str) -> list[Hearer]:
    """Those of one session."""
    return _OF_SESSION.all(on, session_id=session_id)


def everyone(on: Connection) -> list[Hearer]:
    """Those of all sessions."""
    return _EVERYONE.all(on)


def write(tx: Transaction, hearer: Hearer) -> None:
    """Keep what a chat has to do with a session from now on."""
    _WRITE.run(tx, **_key(hearer.chat), session_id=hearer.session_id, hearing=hearer.hearing.value)


def forget(tx: Transaction, session_id: str, chat: ChatRef) -> None:
    """From now on nothing is known of the two."""
    _DELETE.run(tx, **_key(chat), session_id=session_id)


def forget_chat(tx: Transaction, chat: ChatRef) -> None:
    """Nobody is let in there any more."""
    _DELETE_CHAT.run(tx, **_key(chat))


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> None:
    """A chat has another id. What was wanted under the new one already stays."""
    known = {each.session_id for each in everyone(tx) if each.chat == new}
    for each in [each for each in everyone(tx) if each.chat == old and each.session_id not in known]:
        write(tx, Hearer(each.session_id, new, each.hearing))
    forget_chat(tx, old)


def _key(chat: ChatRef) -> dict[str, object]:
    return {Row.transport.name: chat.transport, Row.chat_id.name: chat.chat_id}

"""Sessions with a model alone, and how much chats have asked of them, on disk."""

from peewee import EXCLUDED

from router.domain.command import ChatRef
from router.domain.quick import Use
from router.store import tables
from router.store.database import Transaction
from router.store.statements import Connection, Statement, all_given, given
from router.store.upkeep import purging

Row, Uses, Session = tables.QuickSession, tables.QuickUse, tables.Session
_DAY = 24 * 3600.0
_ADD = Statement(Row.insert(all_given((Row.session_id, Row.transport, Row.chat_id))))
_FORGET = Statement(Row.delete().where(Row.session_id == given.session_id))
_ALL = Statement(Row.select(Row.session_id, Row.transport, Row.chat_id))
_CHAT = (Uses.transport == given.transport) & (Uses.chat_id == given.chat_id)
_USE = Statement(Uses.select(Uses.day, Uses.requests, Uses.output_tokens).where(_CHAT))
_FIGURES = (Uses.day, Uses.requests, Uses.output_tokens)
_NEW = {
    Uses.day: EXCLUDED.day, Uses.requests: EXCLUDED.requests, Uses.output_tokens: EXCLUDED.output_tokens,
}  # fmt: skip
_WRITE = Statement(
    Uses.insert(all_given((Uses.transport, Uses.chat_id, *_FIGURES))).on_conflict(
        conflict_target=(Uses.transport, Uses.chat_id), update=_NEW
    )
)

purge = purging(Row, Row.session_id.not_in(Session.select(Session.session_id)))
purge_uses = purging(Uses, Uses.day * _DAY < given.before)


def add(tx: Transaction, session_id: str, chat: ChatRef) -> None:
    """It is this chat's."""
    _ADD.run(tx, session_id=session_id, transport=chat.transport, chat_id=chat.chat_id)


def forget(tx: Transaction, session_id: str) -> None:
    """There is none after all."""
    _FORGET.run(tx, session_id=session_id)


def everyone(on: Connection) -> dict[str, ChatRef]:
    """Whose each of them is."""
    return {session_id: ChatRef(*chat) for session_id, *chat in _ALL.run(on).fetchall()}


def use(on: Connection, chat: ChatRef) -> Use:
    """What a chat has asked; nothing where it never has."""
    row = _USE.run(on, transport=chat.transport, chat_id=chat.chat_id).fetchone()
    return Use(*row) if row else Use()


def write(tx: Transaction, chat: ChatRef, used: Use) -> None:
    """In the place of what was known."""
    _WRITE.run(
        tx, transport=chat.transport, chat_id=chat.chat_id, day=used.day, requests=used.requests,
        output_tokens=used.output_tokens,
    )  # fmt: skip

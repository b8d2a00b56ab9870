"""Which session a message speaks of."""

from router.domain.command import ChatRef
from router.store import sessions
from router.store.database import Transaction
from router.store.statements import Statement, given, upsert
from router.store.tables import Message as Row
from router.store.tables import Session
from router.store.upkeep import purging

# A platform numbers the messages of each chat by themselves.
_KEY = Row.transport, Row.chat_id, Row.message_id
_ONE = (Row.transport == given.transport) & (Row.chat_id == given.chat_id) & (Row.message_id == given.message_id)
_SESSION_OF = Statement(Row.select(Row.session_id).where(_ONE))
_NOTIFICATION_OF = Statement(Row.select(Row.notification_id).where(_ONE))
_REMEMBER = Statement(upsert(Row, _KEY, Row.session_id, Row.notification_id, Row.created_at))

_OF_SOME_OVER = Row.session_id.in_(Session.select(Session.session_id).where(sessions.OVER))
purge = purging(Row, _OF_SOME_OVER | ((Row.session_id == "") & (Row.created_at < given.before)))


def session_of(tx: Transaction, chat: ChatRef, message_id: str) -> str | None:
    """The session a message of a chat speaks of; empty for none, None for a message that is not known."""
    found: str | None = _SESSION_OF.value(tx, transport=chat.transport, chat_id=chat.chat_id, message_id=message_id)
    return found


def notification_of(tx: Transaction, chat: ChatRef, message_id: str) -> str:
    """The notification that a message of a chat shows; empty for none."""
    return _NOTIFICATION_OF.value(tx, transport=chat.transport, chat_id=chat.chat_id, message_id=message_id) or ""


def remember(tx: Transaction, chat: ChatRef, ids: tuple[str, ...], session_id: str, about: str, now: float) -> None:
    """Keep what messages speak of; an edited message keeps its newest meaning."""
    for message_id in ids:
        _REMEMBER.run(
            tx, transport=chat.transport, chat_id=chat.chat_id, message_id=message_id, session_id=session_id,
            notification_id=about, created_at=now,
        )  # fmt: skip

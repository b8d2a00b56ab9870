"""Commands that wait or have ended, as the chat sees them that they came from."""

from msgspec import Struct

from router.domain.command import ChatRef, CommandState, Hold
from router.store.database import Transaction
from router.store.statements import Statement, given
from router.store.tables import Command as Row
from router.store.tables import Notification
from router.store.tables.commands import LIVE, QUEUED


class Waiting(Struct, frozen=True):
    """One of them, and whether a status message of its own was written."""

    command_id: str
    sequence: int
    is_told: bool


_PLACE = Row.transport, Row.chat_id, Row.thread_id
_IS_TOLD = Row.command_id.in_(
    Notification.select(Notification.command_id).where(
        (Notification.command_id == Row.command_id) & (Notification.command_id != "")
    )
)
_OF_CHAT = (
    # That it lives stands there for the partial index alone.
    (Row.machine_id == given.machine_id) & (Row.session_id == given.session_id) & LIVE & QUEUED
    & (Row.hold != Hold.ASKED) & (Row.transport == given.transport) & (Row.chat_id == given.chat_id)
    & (Row.thread_id == given.thread_id)
)  # fmt: skip
_NEWEST_FIRST = Statement(
    Row.select(Row.command_id, Row.sequence, _IS_TOLD).where(_OF_CHAT).order_by(Row.sequence.desc())
)
_TOLD = Statement(Row.select(Row.command_id).where(LIVE & _IS_TOLD))
_ENDED = Statement(
    Row.select(Row.command_id, Row.ended_at)
    .where(
        (Row.ended_at >= given.since) & (Row.state == CommandState.DONE) & (Row.transport == given.transport)
        & ~_IS_TOLD
    )
    .order_by(Row.ended_at, Row.position)
    .limit(given.limit)
)  # fmt: skip
_PLACES = Statement(
    Row.select(*_PLACE, Row.session_id).where(QUEUED & (Row.attempt == 0) & (Row.transport != "")).distinct()
)


def newest_first(tx: Transaction, machine_id: str, session_id: str, chat: ChatRef) -> list[Waiting]:
    """What waits for a session and came from a chat, but for what its people are asked about."""
    rows = _NEWEST_FIRST.run(tx, **_place(chat), machine_id=machine_id, session_id=session_id).fetchall()
    return [Waiting(*row) for row in rows]


def places(tx: Transaction) -> list[tuple[ChatRef, str]]:
    """From which chats, and for which sessions, something waits that was never sent."""
    return [(ChatRef(*place), session_id) for *place, session_id in _PLACES.run(tx).fetchall()]


def told(tx: Transaction) -> list[str]:
    """The commands that live and have a status message."""
    return _TOLD.values(tx)


def ended(tx: Transaction, transport: str, since: float, limit: int) -> list[tuple[str, float]]:
    """The commands from a platform that went well since a time and have no status message, and when each ended.

    What ended first comes first.
    """
    return _ENDED.run(tx, transport=transport, since=since, limit=limit).fetchall()


def _place(chat: ChatRef) -> dict[str, object]:
    return {Row.transport.name: chat.transport, Row.chat_id.name: chat.chat_id, Row.thread_id.name: chat.thread_id}

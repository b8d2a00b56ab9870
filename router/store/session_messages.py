"""Messages of sessions to each other on disk."""

from msgspec.structs import replace
from peewee import fn

from router.domain.errors import Reason, Refusal
from router.domain.session_message import SessionMessage, SessionMessageState
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, all_given, given
from router.store.tables.session_messages import WAITS
from router.store.trace import TraceStep, record
from router.store.upkeep import purging_oldest

Row = tables.SessionMessage
_MESSAGES = Mapper(Row, SessionMessage)
_ALL = _MESSAGES.select()
_NEWEST = _ALL.order_by(Row.position.desc()).limit(given.limit)
_INSERT = _MESSAGES.writes(_MESSAGES.insert())
_UPDATE = _MESSAGES.writes(
    Row.update(all_given((Row.state, Row.command_id, Row.detail))).where(Row.message_id == given.message_id)
)
_FIND = _MESSAGES.reads(_ALL.where(Row.message_id == given.message_id))
_PAGE = _MESSAGES.reads(_NEWEST)
_FROM = _MESSAGES.reads(_NEWEST.where(Row.from_session_id == given.session_id))
_TO = _MESSAGES.reads(_NEWEST.where(Row.to_session_id == given.session_id))
_LATELY = Statement(
    Row.select(fn.COUNT(Row.position)).where((Row.from_session_id == given.session_id) & (Row.created_at > given.since))
)
_WAITING_FOR = _MESSAGES.reads(_ALL.where((Row.permission_id == given.permission_id) & WAITS).order_by(Row.position))
_WAITING_FROM = Statement(Row.select(fn.COUNT(Row.position)).where((Row.from_session_id == given.session_id) & WAITS))

purge = purging_oldest(Row.position, Row.created_at)


def insert(tx: Transaction, message: SessionMessage) -> None:
    """Write a new one, and its first step."""
    _INSERT.one(tx, message)
    _record(tx, message, "Said", "", message.created_at)


def settle(
    tx: Transaction, message: SessionMessage, state: SessionMessageState, now: float, *, command_id: str = "",
    detail: str = "",
) -> SessionMessage:  # fmt: skip
    """It waits no more."""
    settled = replace(message, state=state, command_id=command_id, detail=detail)
    _UPDATE.one(tx, settled)
    _record(tx, settled, "Settled", message.state.value, now)
    return settled


def find(on: Connection, message_id: str) -> SessionMessage | None:
    """One of them, or None."""
    return _FIND.one(on, message_id=message_id)


def page(on: Connection, session_id: str, limit: int) -> list[SessionMessage]:
    """The newest, from or to that session or all, newest first."""
    if not session_id:
        return _PAGE.all(on, limit=limit)
    # Two looks, each with an index of its own; their ids grow with time.
    both = [*_FROM.all(on, session_id=session_id, limit=limit), *_TO.all(on, session_id=session_id, limit=limit)]
    return sorted(both, key=lambda each: each.created_at, reverse=True)[:limit]


def lately(on: Connection, session_id: str, since: float) -> int:
    """How many a session has sent since then."""
    return int(_LATELY.value(on, session_id=session_id, since=since))


def waiting_for(on: Connection, permission_id: str) -> list[SessionMessage]:
    """Those that wait for the answer to a question, in order."""
    return _WAITING_FOR.all(on, permission_id=permission_id)


def waiting_from(on: Connection, session_id: str) -> int:
    """How many of a session wait for people."""
    return int(_WAITING_FROM.value(on, session_id=session_id))


def unknown(message_id: str) -> Refusal:
    """What is told of one that is not there."""
    return Refusal(Reason.NOT_FOUND, f"There is no message {message_id[:128]}.")


def _record(tx: Transaction, message: SessionMessage, event: str, before: str, now: float) -> None:
    step = TraceStep(
        now, message.message_id, message.to_session_id, event, before, message.state.value, message.from_session_id,
        message.command_id or message.detail,
    )  # fmt: skip
    record(tx, [step])

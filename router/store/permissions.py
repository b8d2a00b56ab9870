"""Permission questions on disk. Every change of state goes through here, with the trace that belongs to it."""

import json
import sqlite3
from functools import cache

from peewee import fn

from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.notification import Notification
from router.domain.permission import NOTICE, SOURCES, Event, Permission, apply
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Reads
from router.store.statements import Statement, all_given, given, listed
from router.store.tables.sessions import OPEN
from router.store.trace import TraceStep, record
from router.store.upkeep import purging_oldest, shifting

Row = tables.Permission
_PERMISSIONS = Mapper(Row, Permission)
_ALL = _PERMISSIONS.select()
_OF_SESSION = Row.session_id == given.session_id

_INSERT = _PERMISSIONS.writes(_PERMISSIONS.insert())
# What was asked never changes: only what became of it is written anew.
_OUTCOME = (
    Row.state,
    Row.decided_by,
    Row.option_id,
    Row.text,
    Row.detail,
    Row.command_id,
    Row.decided_at,
    Row.updated_input,
)
_UPDATE = Row.update(all_given(_OUTCOME))
# The state on disk is asked again in the same statement: two answers to one question must not both count.
_CHANGE = {
    event: _PERMISSIONS.writes(
        _UPDATE.where((Row.permission_id == given.permission_id) & Row.state.in_(list(legal)))
    )
    for event, legal in SOURCES.items()
}  # fmt: skip
_FIND = _PERMISSIONS.reads(_ALL.where(Row.permission_id == given.permission_id))
_OPEN_OF_SESSION = _PERMISSIONS.reads(_ALL.where(_OF_SESSION & OPEN).order_by(Row.position))
_ASKING = Statement(Row.select(fn.COUNT(Row.position)).where((Row.machine_id == given.machine_id) & OPEN))
_ASKING_OF_EACH = Statement(Row.select(Row.machine_id, fn.COUNT(Row.position)).where(OPEN).group_by(Row.machine_id))
_EXPIRED = _PERMISSIONS.reads(
    _ALL.where((Row.expires_at <= given.now) & OPEN).order_by(Row.expires_at).limit(given.limit)
)
# Asked after every expiry: the index of open ones alone has the answer at its beginning.
_NEXT_EXPIRY = Statement(Row.select(fn.MIN(Row.expires_at)).where(OPEN))
_NOTICES = Statement(Row.select(Row.session_id).where((Row.tool == NOTICE) & (Row.machine_id == "") & OPEN).distinct())
_NOTICED = "sessions with open notices"  # in the writer's memory: each message asks
_WITHIN = Row.session_id.in_(listed(given.within))

shift = shifting(Row.expires_at, OPEN)
# An open question has no time of decision, and stays.
purge = purging_oldest(Row.position, Row.decided_at, ~OPEN)


def insert(tx: Transaction, permission: Permission, actor: str) -> None:
    """Write a new question and its first step."""
    _INSERT.one(tx, permission)
    if permission.is_notice:
        tx.pop(tx.memory, _NOTICED)
    step = TraceStep(
        permission.created_at, permission.permission_id, permission.session_id, "Asked", "", permission.state.value,
        actor, permission.tool,
    )  # fmt: skip
    record(tx, [step])


def change(tx: Transaction, permission: Permission, event: Event, now: float, actor: str) -> Permission:
    """Apply one event, if the question on disk is still where the event is legal. Raises IllegalTransition if not."""
    changed = apply(permission, event, now)
    if _CHANGE[type(event)].one(tx, changed).rowcount != 1:
        raise IllegalTransition(f"{type(event).__name__} of {permission.permission_id}")
    if permission.is_notice:
        tx.pop(tx.memory, _NOTICED)
    step = TraceStep(
        now, changed.permission_id, changed.session_id, type(event).__name__, permission.state.value,
        changed.state.value, actor, changed.detail or _chosen(changed),
    )  # fmt: skip
    record(tx, [step])
    return changed


def _chosen(decided: Permission) -> str:
    return f"{decided.option_id} with another input" if decided.updated_input else decided.option_id


def find(connection: sqlite3.Connection | Transaction, permission_id: str) -> Permission | None:
    """One question, or None."""
    return _FIND.one(connection, permission_id=permission_id)


def get(connection: sqlite3.Connection | Transaction, permission_id: str) -> Permission:
    """One question. Raises Refusal(NOT_FOUND)."""
    if (permission := find(connection, permission_id)) is None:
        raise unknown(permission_id)
    return permission


def takes_replies(tx: Transaction, shown: Notification) -> bool:
    """Whether what answers a message answers a question, and is not written to its session."""
    asked = find(tx, shown.permission_id) if shown.permission_id else None
    return bool(shown.permission_id) and not (asked is not None and asked.is_notice)


def unknown(permission_id: str) -> Refusal:
    """What is told of a question that is not there."""
    return Refusal(Reason.NOT_FOUND, f"There is no question {permission_id[:128]}. `pointsman permissions` lists them.")


def open_of_session(tx: Transaction, session_id: str) -> list[Permission]:
    """The open questions of a session, oldest first."""
    return _OPEN_OF_SESSION.all(tx, session_id=session_id)


def noticed(tx: Transaction) -> frozenset[str]:
    """The sessions of which something waits to be seen."""
    known: frozenset[str] | None = tx.memory.get(_NOTICED)
    if known is None:
        known = frozenset(session_id for (session_id,) in _NOTICES.run(tx).fetchall())
        tx.put(tx.memory, _NOTICED, known)
    return known


def asking(tx: Transaction, machine_id: str) -> int:
    """How many questions of a machine are open."""
    return int(_ASKING.value(tx, machine_id=machine_id))


def asking_of_each(connection: sqlite3.Connection) -> dict[str, int]:
    """How many questions are open, by machine."""
    return dict(_ASKING_OF_EACH.run(connection).fetchall())


def expired(tx: Transaction, now: float, limit: int = 500) -> list[Permission]:
    """Open questions whose time is over."""
    return _EXPIRED.all(tx, now=now, limit=limit)


def next_expiry(tx: Transaction) -> float | None:
    """When the next open question's time is over."""
    value: float | None = _NEXT_EXPIRY.value(tx)
    return value


def page(
    connection: sqlite3.Connection | Transaction,
    *,
    session_id: str,
    permission_id: str,
    closed: bool,
    limit: int,
    within: list[str] | None = None,
) -> list[Permission]:
    """Questions, newest first; one that is named also when it is closed. `within`: of these sessions alone."""
    if permission_id:
        found = find(connection, permission_id)
        return [found] if found and (within is None or found.session_id in within) else []
    page = _page(of_session=bool(session_id), closed=closed, limited=within is not None)
    return page.all(connection, session_id=session_id, limit=limit, within=json.dumps(within))


@cache
def _page(*, of_session: bool, closed: bool, limited: bool) -> Reads[Permission]:
    # A statement for each, as no index is used where "one or all" is asked in one.
    wanted = [] if closed else [OPEN]
    wanted += [_OF_SESSION] if of_session else []
    wanted += [_WITHIN] if limited else []
    query = _ALL.where(*wanted) if wanted else _ALL
    # Open ones are few, and sorted: in the order of the table SQLite would walk through all that were answered.
    newest = Row.position.desc() if closed else Row.position * -1
    return _PERMISSIONS.reads(query.order_by(newest).limit(given.limit))

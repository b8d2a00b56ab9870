"""What is to be done later, on disk. Every change goes through here, with the trace that belongs to it."""

from collections.abc import Iterable

from peewee import fn

from router.domain.command import ChatRef, Origin
from router.domain.deferral import SOURCES, Deferred, Event, Owner, apply
from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.schedule import Schedule
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, all_given, given
from router.store.tables.deferred import LIVES, WAITS
from router.store.trace import TraceStep, record
from router.store.upkeep import purging, shifting

Row = tables.Deferred


def _origin(source: str, actor: str, transport: str, *place: str) -> Origin:
    return Origin(source, actor, ChatRef(transport, *place) if transport else None)


def _of_origin(origin: Origin) -> tuple[object, ...]:
    chat = origin.chat or ChatRef("", "")
    return origin.source, origin.actor, chat.transport, chat.chat_id, chat.thread_id, chat.message_id


def _of_schedule(schedule: Schedule) -> tuple[object, ...]:
    condition = schedule.condition
    return schedule.rule, schedule.words, condition.value if condition else "", schedule.is_steady


_DEFERRED = Mapper(
    Row,
    Deferred,
    schedule=Part([Row.rule, Row.words, Row.condition, Row.is_steady], lambda rule, words, *_: Schedule(rule, words),
                  _of_schedule),
    origin=Part(
        [Row.source, Row.actor, Row.transport, Row.chat_id, Row.thread_id, Row.message_id], _origin, _of_origin
    ),
    owner=Part([Row.owner, Row.person_id, Row.user_id, Row.key_id], Owner,
               lambda owner: (owner.name, owner.person_id, owner.user_id, owner.key_id)),
    limit=Part([Row.limited_until], lambda limit: limit, lambda limit: (limit,)),
)  # fmt: skip
_ALL = _DEFERRED.select()
_THIS = Row.deferred_id == given.deferred_id
_BY_TIME = (Row.condition == "") & WAITS
# What never changes is what was asked for, and by whom.
_LIFE = (
    Row.rule, Row.words, Row.condition, Row.is_steady, Row.zone, Row.next_at, Row.state, Row.occurrence, Row.fired_for,
    Row.started, Row.detail, Row.ended_at,
)  # fmt: skip

_INSERT = _DEFERRED.writes(_DEFERRED.insert())
_UPDATE = Row.update(all_given(_LIFE))
# The state on disk is asked again in the same statement.
_CHANGE = {
    event: _DEFERRED.writes(_UPDATE.where(_THIS & Row.state.in_(list(legal)))) for event, legal in SOURCES.items()
}
_FIND = _DEFERRED.reads(_ALL.where(_THIS))
_DUE = _DEFERRED.reads(
    _ALL.where(_BY_TIME & (Row.is_steady == given.is_steady) & (Row.next_at <= given.now))
    .order_by(Row.next_at, Row.position)
    .limit(given.limit)
)
_NEXT = Statement(Row.select(fn.MIN(Row.next_at)).where(_BY_TIME & (Row.is_steady == given.is_steady)))
_AHEAD = _DEFERRED.reads(_ALL.where(_BY_TIME & (Row.is_steady == 0) & (Row.next_at > given.now)))
_CONDITIONAL = _DEFERRED.reads(_ALL.where((Row.condition != "") & WAITS).order_by(Row.position))
_OF_SESSION = _DEFERRED.reads(_ALL.where((Row.session_id == given.session_id) & LIVES).order_by(Row.position))
_SET_NEXT = Statement(Row.update({Row.next_at: given.next_at}).where(_THIS))
_COUNT_OF = Statement(Row.select(fn.COUNT(Row.position)).where((Row.owner == given.owner) & LIVES))
_COUNT = Statement(Row.select(fn.COUNT(Row.position)).where(LIVES))
_LIVING = _DEFERRED.reads(_ALL.where(LIVES).order_by(Row.next_at.is_null(), Row.next_at, Row.position))
_OVER = _DEFERRED.reads(
    _ALL.where(Row.ended_at.is_null(is_null=False)).order_by(Row.ended_at.desc()).limit(given.limit)
)
_GIVE = Statement(
    Row.update({Row.person_id: given.kept, Row.owner: given.owner}).where((Row.person_id == given.person_id) & LIVES)
)
_MOVE = Statement(
    Row.update({Row.chat_id: given.new}).where((Row.transport == given.transport) & (Row.chat_id == given.old))
)

shift = shifting(Row.next_at, LIVES & (Row.is_steady == 1))
purge = purging(Row, Row.ended_at < given.before)


def insert(tx: Transaction, deferred: Deferred) -> None:
    """Write a new one, and its first step."""
    _INSERT.one(tx, deferred)
    actor = deferred.origin.actor or deferred.origin.source
    step = TraceStep(
        deferred.created_at, deferred.deferred_id, deferred.session_id, "Deferred", "", deferred.state.value, actor,
        deferred.schedule.words,
    )  # fmt: skip
    record(tx, [step])


def change(tx: Transaction, deferred: Deferred, event: Event, now: float, actor: str = "router") -> Deferred:
    """Apply one event, if it is on disk where the event is legal. Raises IllegalTransition, writing nothing."""
    changed = apply(deferred, event, now)
    if _CHANGE[type(event)].one(tx, changed).rowcount != 1:
        raise IllegalTransition(f"{type(event).__name__} of {deferred.deferred_id}")
    step = TraceStep(
        now, changed.deferred_id, changed.session_id, type(event).__name__, deferred.state.value, changed.state.value,
        actor, changed.detail or f"occurrence {changed.occurrence}",
    )  # fmt: skip
    record(tx, [step])
    return changed


def find(on: Connection, deferred_id: str) -> Deferred | None:
    """One of them, or None."""
    return _FIND.one(on, deferred_id=deferred_id)


def get(on: Connection, deferred_id: str) -> Deferred:
    """One of them. Raises Refusal(NOT_FOUND)."""
    if (found := find(on, deferred_id)) is None:
        raise unknown(deferred_id)
    return found


def unknown(deferred_id: str) -> Refusal:
    """What is told of one that is not there."""
    return Refusal(
        Reason.NOT_FOUND, f"Nothing of the id {deferred_id[:128]} is to be done later. `pointsman scheduled`"
    )


def due(tx: Transaction, steady: float, wall: float, limit: int) -> list[Deferred]:
    """Those whose moment has come, by their own clock."""
    found = [
        each
        for is_steady, now in ((True, steady), (False, wall))
        for each in _DUE.all(tx, is_steady=is_steady, now=now, limit=limit)
    ]
    return found[:limit]


def next_moments(tx: Transaction) -> tuple[float | None, float | None]:
    """When the next is due by the steady clock, and by the wall clock."""
    steady, wall = (_NEXT.value(tx, is_steady=is_steady) for is_steady in (True, False))
    return steady, wall


def ahead(tx: Transaction, wall: float) -> list[Deferred]:
    """Those that wait for a time of day that is still to come."""
    return _AHEAD.all(tx, now=wall)


def set_next(tx: Transaction, deferred: Deferred, next_at: float) -> None:
    """Its moment, computed anew."""
    _SET_NEXT.run(tx, deferred_id=deferred.deferred_id, next_at=next_at)


def conditional(tx: Transaction) -> list[Deferred]:
    """Those that wait for something else than a time, in the order in which they were asked for."""
    return _CONDITIONAL.all(tx)


def of_session(on: Connection, session_id: str) -> list[Deferred]:
    """What waits for a session."""
    return _OF_SESSION.all(on, session_id=session_id)


def count_of(tx: Transaction, owner: str) -> int:
    """How many of one person's wait."""
    return int(_COUNT_OF.value(tx, owner=owner))


def count(tx: Transaction) -> int:
    """How many wait."""
    return int(_COUNT.value(tx))


def over(on: Connection, limit: int) -> list[Deferred]:
    """The newest of those that wait no more."""
    return _OVER.all(on, limit=limit)


def page(
    on: Connection, *, session_id: str = "", with_over: int = 0, within: Iterable[str] | None = None
) -> list[Deferred]:
    """Those that wait, the next first; then the newest `with_over` that do not. `within`: of these sessions."""
    found = [*_LIVING.all(on), *(_OVER.all(on, limit=with_over) if with_over else [])]
    known = None if within is None else set(within)
    return [
        each
        for each in found
        if (not session_id or each.session_id == session_id) and (known is None or each.session_id in known)
    ]


def give(tx: Transaction, person_id: str, kept: str) -> None:
    """What a person wanted later is another's wish."""
    _GIVE.run(tx, person_id=person_id, kept=kept, owner=f"person {kept}")


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> None:
    """A chat has another id: what is done for it later is told there."""
    _MOVE.run(tx, transport=old.transport, old=old.chat_id, new=new.chat_id)

"""Who is asked again, and elsewhere, on disk; and by which notifications they were told."""

from router.domain.escalation import Escalation, Telling
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given
from router.store.upkeep import purging, shifting

Row, Told = tables.Escalation, tables.Telling
_ESCALATIONS, _TELLINGS = Mapper(Row, Escalation), Mapper(Told, Telling)
_KEY = (Row.permission_id, Row.person_id)
_OF_QUESTION = Told.permission_id == given.permission_id

_DUE = _ESCALATIONS.reads(
    _ESCALATIONS.select().where(Row.next_at <= given.now).order_by(Row.next_at).limit(given.limit)
)
_NEXT = Statement(Row.select(Row.next_at).order_by(Row.next_at).limit(1))
_OF = _ESCALATIONS.reads(_ESCALATIONS.select().where(Row.permission_id == given.permission_id))
_WRITE = _ESCALATIONS.writes(_ESCALATIONS.upsert(*_KEY))
_OVER = Statement(Row.delete().where(Row.permission_id == given.permission_id))
_HASTEN = Statement(
    Row.update({Row.next_at: given.now}).where((Row.permission_id == given.permission_id) & (Row.next_at > given.now))
)
_SHIFTS = [shifting(each) for each in (Row.asked_at, Row.told_at, Row.next_at)]
_END = Statement(Row.delete().where((Row.permission_id == given.permission_id) & (Row.person_id == given.person_id)))
_TELL = _TELLINGS.writes(_TELLINGS.insert())
_TOLD = _TELLINGS.reads(_TELLINGS.select().where(_OF_QUESTION))
_BY = _TELLINGS.reads(_TELLINGS.select().where(Told.notification_id == given.notification_id))

purge_told = purging(Told, Told.at < given.before)


def shift(on: Connection, seconds: float) -> None:
    """All of its times decide something, together."""
    for each in _SHIFTS:
        each(on, seconds)


def due(tx: Transaction, now: float, limit: int) -> list[Escalation]:
    """Those at which it is time to look, the longest due first."""
    return _DUE.all(tx, now=now, limit=limit)


def next_at(tx: Transaction) -> float | None:
    """When it is time to look at the next one."""
    value: float | None = _NEXT.value(tx)
    return value


def of_question(on: Connection, permission_id: str) -> list[Escalation]:
    """Those of one question."""
    return _OF.all(on, permission_id=permission_id)


def write(tx: Transaction, known: Escalation) -> None:
    """Insert or replace one."""
    _WRITE.one(tx, known)


def over(tx: Transaction, permission_id: str) -> None:
    """A question is over, and with it all of this; how it was told stays, for what is still on its way."""
    _OVER.run(tx, permission_id=permission_id)


def end(tx: Transaction, known: Escalation) -> None:
    """One person is not asked again."""
    _END.run(tx, permission_id=known.permission_id, person_id=known.person_id)


def hasten(tx: Transaction, permission_id: str, now: float) -> None:
    """Look at those of a question now."""
    _HASTEN.run(tx, permission_id=permission_id, now=now)


def tell(tx: Transaction, telling: Telling) -> None:
    """A notification tells a person of a question."""
    _TELL.one(tx, telling)


def told(on: Connection, permission_id: str) -> list[Telling]:
    """By which notifications people were told of a question."""
    return _TOLD.all(on, permission_id=permission_id)


def by(on: Connection, notification_id: str) -> list[Telling]:
    """Whom a notification tells; nobody, where it tells of no question."""
    return _BY.all(on, notification_id=notification_id)

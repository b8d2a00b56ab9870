"""Where browsers take pushes, on disk."""

from router.domain.subscription import Subscription
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given
from router.store.upkeep import purging, shifting

Row = tables.Subscription
_SUBSCRIPTIONS = Mapper(Row, Subscription)
_ALL = _SUBSCRIPTIONS.select()
_FIND = _SUBSCRIPTIONS.reads(_ALL.where(Row.chat_id == given.chat_id))
_BY_LOGIN = _SUBSCRIPTIONS.reads(_ALL.where(Row.login_hash == given.login_hash))
_BY_ENDPOINT = _SUBSCRIPTIONS.reads(_ALL.where(Row.endpoint_hash == given.endpoint_hash))
_PAGE = _SUBSCRIPTIONS.reads(_ALL.order_by(Row.created_at, Row.chat_id))
_INSERT = _SUBSCRIPTIONS.writes(_SUBSCRIPTIONS.insert())
_SET_QUIET_HOURS = Statement(Row.update({Row.quiet_hours: given.quiet_hours}).where(Row.chat_id == given.chat_id))
_GIVE = Statement(Row.update({Row.person_id: given.kept}).where(Row.person_id == given.person_id))
_DELETE = Statement(Row.delete().where(Row.chat_id == given.chat_id))

KEPT = 7 * 24 * 3600.0  # seconds behind the end of its browser's time, in which it is told that something waits
shift = shifting(Row.expires_at)
purge = purging(Row, Row.expires_at < given.before)


def find(on: Connection, chat_id: str) -> Subscription | None:
    """One by its chat, or None."""
    return _FIND.one(on, chat_id=chat_id)


def of_login(on: Connection, login_hash: str) -> Subscription | None:
    """A browser's, or None."""
    return _BY_LOGIN.one(on, login_hash=login_hash)


def of_endpoint(on: Connection, endpoint_hash: str) -> Subscription | None:
    """The one whose pushes go there, or None."""
    return _BY_ENDPOINT.one(on, endpoint_hash=endpoint_hash)


def page(on: Connection) -> list[Subscription]:
    """All of them, the oldest first."""
    return _PAGE.all(on)


def insert(tx: Transaction, subscription: Subscription) -> None:
    """Write a new one."""
    _INSERT.one(tx, subscription)


def set_quiet_hours(tx: Transaction, chat_id: str, quiet_hours: str) -> None:
    """Keep when one makes no sound from now on."""
    _SET_QUIET_HOURS.run(tx, quiet_hours=quiet_hours, chat_id=chat_id)


def delete(tx: Transaction, chat_id: str) -> None:
    """Forget one."""
    _DELETE.run(tx, chat_id=chat_id)


def give(tx: Transaction, person_id: str, kept: str) -> None:
    """All of a person are another's."""
    _GIVE.run(tx, person_id=person_id, kept=kept)

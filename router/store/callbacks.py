"""Callbacks on disk: rights to report to a session once, by the hash of their token."""

from peewee import fn

from router.domain.callback import Callback
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Statement, given
from router.store.tables import Callback as Row
from router.store.upkeep import purging, shifting

_CALLBACKS = Mapper(Row, Callback)
_IS_OPEN = Row.report == ""
_FIND = _CALLBACKS.reads(_CALLBACKS.select().where(Row.callback_id == given.callback_id))
_OPEN = Statement(
    Row.select(fn.COUNT(Row.callback_id)).where(
        (Row.session_id == given.session_id) & _IS_OPEN & (Row.expires_at > given.now)
    )
)
_WRITE = _CALLBACKS.writes(_CALLBACKS.upsert(Row.callback_id))
# Those that were used stay: whoever lost the answer to a report says it again.
_END = Statement(Row.delete().where((Row.session_id == given.session_id) & _IS_OPEN))
_END_OF_KEY = Statement(Row.delete().where((Row.made_with == given.made_with) & _IS_OPEN))

shift = shifting(Row.expires_at)
purge = purging(Row, Row.expires_at < given.before)


def find(tx: Transaction, callback_id: str) -> Callback | None:
    """A callback, used or not, or None."""
    return _FIND.one(tx, callback_id=callback_id)


def count_open(tx: Transaction, session_id: str, now: float) -> int:
    """How many may still report to a session."""
    return int(_OPEN.value(tx, session_id=session_id, now=now))


def write(tx: Transaction, callback: Callback) -> None:
    """Insert or replace one."""
    _WRITE.one(tx, callback)


def session_ended(tx: Transaction, session_id: str) -> None:
    """Nobody may report to it any more."""
    _END.run(tx, session_id=session_id)


def key_ended(tx: Transaction, key_id: str) -> None:
    """An API key is over, and what was made with it: whoever stole the key would come back with them."""
    _END_OF_KEY.run(tx, made_with=key_id)

"""Who wrote and is not allowed: the newest few, so that an operator can let them in, and no crowd fills the disk."""

import sqlite3

from msgspec.structs import replace
from peewee import EXCLUDED, Tuple

from router.domain.command import ChatRef
from router.domain.stranger import Stranger
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Statement, given
from router.store.upkeep import purging

KEPT = 20

Row = tables.Stranger
_KEY = (Row.transport, Row.chat_id, Row.user_id)
_STRANGERS = Mapper(
    Row, Stranger, chat=Part((Row.transport, Row.chat_id), ChatRef, lambda chat: (chat.transport, chat.chat_id))
)
# A name changes at its owner's will; the ids are who they are.
_COUNTED = {Row.name: EXCLUDED.name, Row.times: Row.times + 1, Row.last_seen_at: EXCLUDED.last_seen_at}
_NOTE = _STRANGERS.writes(
    _STRANGERS.insert().on_conflict(conflict_target=_KEY, update=_COUNTED).returning(Row.times)
)  # fmt: skip
# Looked for with every note, so that a crowd never finds room for more.
_TOO_MANY = Row.select(*_KEY).order_by(Row.last_seen_at.desc()).offset(KEPT)
_KEEP_FEW = Statement(Row.delete().where(Tuple(*_KEY).in_(_TOO_MANY)))
_PAGE = _STRANGERS.reads(_STRANGERS.select().order_by(Row.last_seen_at.desc()))

purge = purging(Row, Row.last_seen_at < given.before)


def note(tx: Transaction, stranger: Stranger, now: float) -> bool:
    """Keep a stranger, in place of the one seen longest ago where there are too many. Whether they are new."""
    times = _NOTE.one(tx, replace(stranger, times=1, last_seen_at=now)).fetchone()
    _KEEP_FEW.run(tx)
    return bool(times == (1,))


def page(connection: sqlite3.Connection) -> list[Stranger]:
    """All of them, newest first."""
    return _PAGE.all(connection)

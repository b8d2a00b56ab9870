"""Which machines work for what, on disk."""

from peewee import fn

from router.domain.binding import Binding
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given

Row = tables.Binding
_BINDINGS = Mapper(Row, Binding)
_KEY = (Row.transport, Row.space)
_THIS = (Row.transport == given.transport) & (Row.space == given.space)

_FIND = _BINDINGS.reads(_BINDINGS.select().where(_THIS))
_WRITE = _BINDINGS.writes(_BINDINGS.upsert(*_KEY))
_END = Statement(Row.delete().where(_THIS))
_ALL = _BINDINGS.reads(_BINDINGS.select().order_by(Row.transport, Row.name, Row.space))
_HOLDS = Statement(Row.select(fn.COUNT(Row.space)).where(Row.transport == given.transport))
_COUNT = Statement(Row.select(fn.COUNT(Row.space)))


def find(on: Connection, transport: str, space: str) -> Binding | None:
    """What is bound there, or None."""
    return _FIND.one(on, transport=transport, space=space)


def write(tx: Transaction, binding: Binding) -> None:
    """Insert or replace one."""
    _WRITE.one(tx, binding)


def end(tx: Transaction, binding: Binding) -> None:
    """Nothing is bound there any more."""
    _END.run(tx, transport=binding.transport, space=binding.space)


def page(on: Connection) -> list[Binding]:
    """All of them, by platform and name."""
    return _ALL.all(on)


def holds(on: Connection, transport: str) -> bool:
    """Whether chats of a platform are held by others."""
    return bool(_HOLDS.value(on, transport=transport))


def count(on: Connection) -> int:
    """How many there are."""
    return int(_COUNT.value(on))

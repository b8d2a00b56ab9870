"""How the domain's values lie in tables: by name, as the models have it.

    _MACHINES = Mapper(tables.Machine, Machine)
    _FIND = _MACHINES.reads(_MACHINES.select().where(tables.Machine.machine_id == given.machine_id))
    _INSERT = _MACHINES.writes(_MACHINES.insert())
    _INSERT.one(tx, machine)
    _FIND.one(tx, machine_id="m1") == machine

A field lies in the column of its name. One that lies in several columns is a Part; one that is computed, in a mapper
that only reads, is its expression. One that has no column is not on disk: what is read has its default.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import fields
from peewee import BooleanField, Field, Model, ModelInsert, ModelSelect, Node

from router.store.columns import Code, Coded
from router.store.statements import Connection, Statement, all_of, insert, upsert

T = TypeVar("T", bound=Struct)


@dataclass(frozen=True, slots=True)
class Part:
    """A field that lies in several columns: `join` makes it of their values, `split` gives them back.

    Instead of columns it may have expressions over others, for a mapper that only reads.
    """

    columns: Sequence[Any]
    join: Callable[..., object]
    split: Callable[[Any], tuple[object, ...]] = lambda _: ()


class Mapper(Generic[T]):
    """Between the rows of a model and the values of a struct."""

    def __init__(self, model: type[Model], kind: type[T], **parts: Part | Node) -> None:
        self._model, self._kind = model, kind
        found = fields(kind)
        self._fields = attrgetter(*(each.name for each in found))  # one call for all: of a row each counts
        self.columns: list[Field[Any]] = []  # in the order of the struct
        self._joins: list[tuple[int, int, Callable[..., object]]] = []
        self._splits: list[tuple[int, Callable[[Any], tuple[object, ...]]]] = []
        laid: dict[str, Any] = model._meta.fields | parts
        for at, each in enumerate(found):
            self._lay(at, laid[each.name] if each.name in laid else Part((), partial(getattr, each, "default")))
        # From the back: so what is joined or split does not move what comes before it.
        self._joins.reverse()
        self._splits.reverse()
        coded = [(at, column) for at, column in enumerate(self.columns) if isinstance(column, Coded)]
        self._encodes: list[tuple[int, Code]] = [(at, column.encode) for at, column in coded]
        self._decodes: list[tuple[int, Code]] = [(at, column.decode) for at, column in coded]
        # SQLite has 0 and 1 for them; a value says so itself when it is written.
        self._decodes += [(at, bool) for at, column in enumerate(self.columns) if isinstance(column, BooleanField)]

    def select(self) -> "ModelSelect[Any]":
        """The query of all rows, to be narrowed down."""
        return self._model.select(*self.columns)

    def insert(self) -> ModelInsert:
        """The query that writes a new row."""
        return insert(self._model, *self.columns)

    def upsert(self, *key: "Field[Any]") -> ModelInsert:
        """The query that writes a row, in the place of the one with the same key where there is one."""
        return upsert(self._model, key, *(column for column in self.columns if column not in set(key)))

    def reads(self, query: Node) -> "Reads[T]":
        """A statement whose rows are what `select` asks for."""
        return Reads(self, Statement(query))

    def writes(self, query: Node) -> "Writes[T]":
        """A statement whose values are columns of one value of the struct."""
        return Writes(self, Statement(query))

    def read(self, row: Sequence[Any]) -> T:
        """The value that a row holds."""
        values = list(row)
        for at, decode in self._decodes:
            values[at] = decode(values[at])
        for start, end, join in self._joins:
            values[start:end] = (join(*values[start:end]),)
        return self._kind(*values)

    def row(self, value: T) -> list[Any]:
        """What the columns hold of a value."""
        values = list(self._fields(value))
        for at, split in self._splits:
            values[at : at + 1] = split(values[at])
        return _encoded(values, self._encodes)

    def values(self, names: Sequence[str]) -> Callable[[T], Sequence[object]]:
        """What gives these columns of a value, in this order."""
        columns = [column.name for column in self.columns]
        if names == columns:  # an insert
            return self.row
        if not {field.name for field in fields(self._kind)}.issuperset(names):
            # A part can be split only as a whole.
            pick = all_of(itemgetter, *(columns.index(name) for name in names))
            return lambda value: pick(self.row(value))
        # A third of the time, where all are fields: only these are looked at.
        some, codes = all_of(attrgetter, *names), dict(self._encodes)
        encodes = [(at, codes[where]) for at, name in enumerate(names) if (where := columns.index(name)) in codes]
        return lambda value: _encoded(list(some(value)), encodes)

    def named(self, value: T) -> dict[str, object]:
        """What the columns hold of a value, by their names: for a statement that takes other values beside them."""
        return dict(zip((column.name for column in self.columns), self.row(value), strict=True))

    def _lay(self, at: int, column: "Part | Field[Any]") -> None:
        if not isinstance(column, Part):
            self.columns.append(column)
            return
        start = len(self.columns)
        self._joins.append((start, start + len(column.columns), column.join))
        self._splits.append((at, column.split))
        self.columns += column.columns


def _encoded(values: list[Any], encodes: Iterable[tuple[int, Code]]) -> list[Any]:
    for at, encode in encodes:
        values[at] = encode(values[at])
    return values


class Reads(Generic[T]):
    """A statement that finds values."""

    def __init__(self, mapper: Mapper[T], statement: Statement) -> None:
        self._read, self._text, self._in_order = mapper.read, statement.text, statement.in_order

    def one(self, on: Connection, /, **values: object) -> T | None:
        """The first, or None."""
        row = on.execute(self._text, self._in_order(values)).fetchone()
        return self._read(row) if row else None

    def all(self, on: Connection, /, **values: object) -> list[T]:
        """Every one, in the order of the query."""
        return [self._read(row) for row in on.execute(self._text, self._in_order(values)).fetchall()]


class Writes(Generic[T]):
    """A statement that puts values on disk."""

    def __init__(self, mapper: Mapper[T], statement: Statement) -> None:
        self._text, self._values = statement.text, mapper.values(statement.names)

    def one(self, on: Connection, value: T) -> sqlite3.Cursor:
        """Write one."""
        return on.execute(self._text, self._values(value))

    def many(self, on: Connection, values: Iterable[T]) -> None:
        """Write them in order."""
        on.executemany(self._text, map(self._values, values))

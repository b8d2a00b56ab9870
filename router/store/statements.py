"""SQL written once, as Peewee expressions over the models of `tables`, and compiled once, when its module is loaded.

    _FIND = Statement(Chat.select(Chat.quiet).where(Chat.chat_id == given.chat_id))
    _FIND.value(tx, chat_id="7")

What a call brings along is `given`. Every other value is a constant of the program and stands literally in the text:
a partial index is used only where its condition stands in the question word for word.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Protocol

from peewee import (
    EXCLUDED,
    SQL,
    AutoField,
    ColumnBase,
    Context,
    Database,
    Field,
    Model,
    ModelInsert,
    Node,
    Select,
    SqliteDatabase,
    fn,
)

DIALECT: Database = SqliteDatabase(None)  # PostgreSQL's makes its own text of the same expressions


class Connection(Protocol):
    """What a statement runs on: a reader's connection or the writer's transaction."""

    def execute(self, sql: str, parameters: Sequence[object] = ..., /) -> sqlite3.Cursor: ...

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor: ...


class Given(ColumnBase):
    """A value that a call brings along, by name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __sql__(self, ctx: Context) -> Context:
        # Not at once as a placeholder: Peewee may render a part twice, and only what ends up in the text counts.
        return ctx.literal(f"\0{self._name}\0")


class _AllGiven:
    def __getattr__(self, name: str) -> Given:
        return Given(name)


given = _AllGiven()  # `given.session_id` is the call's argument `session_id`


def listed(values: Given) -> Select:
    """The members of a list that a call brings along, as JSON: for `in_` and `not_in`."""
    return Select([fn.json_each(values)], [SQL("value")])  # a column of SQLite's function, of no model


def all_given(columns: "Iterable[Field[Any]]") -> "dict[Field[Any], Given]":
    """What an update or insert sets where it takes each of these columns from the call."""
    return {column: getattr(given, column.name) for column in columns}


def insert(model: type[Model], *columns: "Field[Any]") -> ModelInsert:
    """The query that writes a new row: these columns are given, or all that SQLite does not count itself."""
    chosen = columns or [each for each in model._meta.sorted_fields if not isinstance(each, AutoField)]
    values = all_given(chosen)
    return model.insert_many([[*values.values()]], [*values])  # in this order: a dict's columns are sorted


def upsert(
    model: type[Model], key: "Sequence[Field[Any]]", *columns: "Field[Any]", new: "Sequence[Field[Any]]" = ()
) -> ModelInsert:
    """The query that writes these columns of the row with this key, or a new row of which the rest is as by default.

    Only a new row gets what is given of the columns `new`.
    """
    changed = {column: EXCLUDED[column.name] for column in columns}
    return insert(model, *key, *new, *columns).on_conflict(conflict_target=key, update=changed)


class Statement:
    """One statement. Its values are named; SQLite gets them by position, which takes it a third of the time."""

    def __init__(self, query: Node, dialect: Database = DIALECT) -> None:
        text, _ = dialect.get_sql_context(value_literals=True).sql(query).query()
        pieces = text.split("\0")  # every other one is the name of a value
        self.text, self.names = dialect.param.join(pieces[::2]), pieces[1::2]
        self.in_order = all_of(itemgetter, *self.names)  # the values of a mapping, as SQLite takes them

    def run(self, on: Connection, /, **values: object) -> sqlite3.Cursor:
        """Execute it. Raises KeyError where a value is missing."""
        return on.execute(self.text, self.in_order(values))

    def value(self, on: Connection, /, **values: object) -> Any:
        """The first column of the first row; None where there is none."""
        row = on.execute(self.text, self.in_order(values)).fetchone()
        return row[0] if row else None

    def values(self, on: Connection, /, **values: object) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in on.execute(self.text, self.in_order(values)).fetchall()]


def all_of(getter: Callable[..., Any], *keys: object) -> Callable[[Any], tuple[Any, ...]]:
    """An `itemgetter` or `attrgetter` whose answer is a tuple, also of one or of none."""
    match keys:
        case []:
            return lambda _: ()
        case [key]:
            one = getter(key)
            return lambda value: (one(value),)
        case _:
            return getter(*keys)  # type: ignore[no-any-return]

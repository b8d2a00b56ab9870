"""SQL written once, as Peewee expressions over the models of `tables`, and compiled once, when its module is loaded.

    _FIND = Statement(Row.select().where(Row.command_id == given.command_id))
    _FIND.row(tx, command_id="c1")["state"]

What a call brings along is `given`. Every other value is a constant of the program and stands literally in the text:
a partial index is used only where its condition stands in the question word for word.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from peewee import EXCLUDED, AutoField, ColumnBase, Context, Field, Model, ModelInsert, Node, SqliteDatabase

from agent.store.group_commit import Transaction

_DIALECT = SqliteDatabase(None)


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


def insert(model: type[Model]) -> ModelInsert:
    """The query that writes a new row: all columns are given but what SQLite counts itself."""
    return model.insert({column: getattr(given, column.name) for column in _columns(model)})


def insert_new(model: type[Model], key: "Sequence[Field[Any]]") -> ModelInsert:
    """The same, which leaves a row with this key as it is."""
    return insert(model).on_conflict("NOTHING", conflict_target=key)


def upsert(model: type[Model], key: "Sequence[Field[Any]]") -> ModelInsert:
    """The same, which takes the place of a row with this key."""
    changed = {column: EXCLUDED[column.name] for column in _columns(model) if column not in set(key)}
    return insert(model).on_conflict(conflict_target=key, update=changed)


def _columns(model: type[Model]) -> "list[Field[Any]]":
    return [each for each in model._meta.sorted_fields if not isinstance(each, AutoField)]


class Statement:
    """One statement. Its values are named; SQLite gets them by position, which takes it a third of the time."""

    def __init__(self, query: Node) -> None:
        text, _ = _DIALECT.get_sql_context(value_literals=True).sql(query).query()
        pieces = text.split("\0")  # every other one is the name of a value
        self.text, self.names = "?".join(pieces[::2]), pieces[1::2]
        self._in_order: Callable[[Mapping[str, object]], tuple[object, ...]]
        match self.names:
            case []:
                self._in_order = lambda _: ()
            case [name]:
                self._in_order = lambda values: (values[name],)
            case names:
                self._in_order = itemgetter(*names)

    def run(self, tx: Transaction, /, **values: object) -> sqlite3.Cursor:
        """Execute it. Raises KeyError where a value is missing."""
        return tx.execute(self.text, self._in_order(values))

    def run_many(self, tx: Transaction, rows: Iterable[Mapping[str, object]]) -> sqlite3.Cursor:
        """Execute it once for each."""
        return tx.executemany(self.text, map(self._in_order, rows))

    def rows(self, tx: Transaction, /, **values: object) -> list[sqlite3.Row]:
        """The rows, with their columns by name."""
        return self._found(tx, values).fetchall()

    def row(self, tx: Transaction, /, **values: object) -> sqlite3.Row | None:
        """The first row; None where there is none."""
        found: sqlite3.Row | None = self._found(tx, values).fetchone()
        return found

    def value(self, tx: Transaction, /, **values: object) -> Any:
        """The first column of the first row; None where there is none."""
        row = self.run(tx, **values).fetchone()
        return row[0] if row else None

    def _found(self, tx: Transaction, values: Mapping[str, object]) -> sqlite3.Cursor:
        cursor = tx.execute(self.text, self._in_order(values))
        cursor.row_factory = sqlite3.Row  # of this cursor alone: tuples are quicker where there is one column
        return cursor

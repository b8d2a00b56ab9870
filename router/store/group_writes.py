"""What a group writes at its end: rows that nothing has to read before, each kind of them in few statements.

A statement costs SQLite, and the threads that wait for each other around it, as much as three short rows. So rows wait
in the transaction that made them, then in its group, and are written before its COMMIT, or before a statement that
speaks of what they lie in.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Protocol

from peewee import Field, ModelInsert, ModelUpdate

from router.store.statements import Connection, Statement

_SIZES = (16, 8, 4, 2, 1)  # rows of a statement; larger ones cost no less for each
_SPOKEN_OF: set[str] = set()


class Kind(Protocol):
    """A kind of rows: what writes those that wait, in their order."""

    def write(self, on: Connection, rows: Any, /) -> None: ...  # noqa: ANN401 -- of its own type


def _waits_in(*words: str) -> None:
    """Rows of a kind wait; a statement with one of these words in it (a table, a column) must see them on disk."""
    _SPOKEN_OF.update(words)
    speaks_of_waiting.cache_clear()


@cache
def speaks_of_waiting(statement: str) -> bool:
    """Whether it reads or changes what rows of some kind may wait for."""
    return any(word in statement for word in _SPOKEN_OF)


class Inserts:
    """An insert. Its rows wait as one list of all their values."""

    def __init__(self, query: ModelInsert) -> None:
        one = Statement(query)
        head, values, row = one.text.partition(" VALUES ")
        self._texts = [(size * len(one.names), head + values + ", ".join([row] * size)) for size in _SIZES]
        _waits_in(query.model._meta.table_name)

    def write(self, on: Connection, values: Sequence[object]) -> None:
        """Write rows, in order."""
        at = 0
        for width, text in self._texts:
            while len(values) - at >= width:
                on.execute(text, values[at : at + width])
                at += width


class KeyedInserts(Inserts):
    """The same for rows that are asked for while they wait."""

    def write(self, on: Connection, rows: Iterable[Sequence[object]]) -> None:  # type: ignore[override]
        """Write rows, in order."""
        super().write(on, [*chain.from_iterable(rows)])


class Updates:
    """An update of columns that little else speaks of, in one row by its key; the last counts."""

    def __init__(self, query: ModelUpdate, *columns: "Field[Any]") -> None:
        self._text = Statement(query).text
        _waits_in(*(f'"{column.column_name}"' for column in columns))

    def write(self, on: Connection, rows: Iterable[Sequence[object]]) -> None:
        """Write them."""
        on.executemany(self._text, rows)


class Waiting:
    """The rows that wait: those of which each counts, and those of which the last for its key does."""

    __slots__ = ("appended", "newest")

    def __init__(self) -> None:
        self.appended: dict[Kind, list[object]] = {}
        self.newest: dict[Kind, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self.appended or self.newest)

    def waiting(self, kind: Kind, key: str) -> Any:  # noqa: ANN401 -- of the kind's own type
        """The row under a key; None where none waits."""
        rows = self.newest.get(kind)
        return None if rows is None else rows.get(key)

    def take(self, other: "Waiting") -> None:
        """What waited there waits here, behind what does so already."""
        for kind, values in other.appended.items():
            self.appended.setdefault(kind, []).extend(values)
        for kind, rows in other.newest.items():
            self.newest.setdefault(kind, {}).update(rows)

    def write(self, on: Connection) -> None:
        """Write them all: what changes a row comes after what inserts it."""
        for kind, rows in self._all():
            kind.write(on, rows)
        self.clear()

    def clear(self) -> None:
        """Forget them."""
        self.appended.clear()
        self.newest.clear()

    def _all(self) -> Iterator[tuple[Kind, Any]]:
        yield from self.appended.items()
        for kind, rows in self.newest.items():
            yield kind, rows.values()

"""Changes in memory that are taken back together with the transaction that justifies them."""

from collections.abc import MutableSet, Set
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Undo:
    """What an operation changes in memory goes through here; a table that is undone may have another order."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[tuple[Any, ...]] = []  # what takes each change back, and its arguments

    def set(self, thing: object, /, **values: object) -> None:
        """Set attributes."""
        for name, value in values.items():
            self._steps.append((setattr, thing, name, getattr(thing, name)))
            setattr(thing, name, value)

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Put a value under a key of a dict."""
        self._steps.append((table.__setitem__, key, table[key]) if key in table else (table.pop, key))
        table[key] = value

    def put_all(self, table: dict[K, V], values: dict[K, V]) -> None:
        """Put many values into a dict."""
        before = {key: table[key] for key in table.keys() & values.keys()}
        self._steps.append((_take_out, table, values.keys() - before.keys(), before))
        table.update(values)

    def pop(self, table: dict[K, V], key: K) -> V | None:
        """Take a value out of a dict; None where there is none."""
        if key not in table:
            return None
        # It comes back at the end, wherever it was: a dict has no other place for it.
        self._steps.append((table.__setitem__, key, table[key]))
        return table.pop(key)

    def add(self, members: MutableSet[V], member: V) -> None:
        """Put a member into a set."""
        if member not in members:
            self._steps.append((members.discard, member))
            members.add(member)

    def discard(self, members: MutableSet[V], member: V) -> None:
        """Take a member out of a set, if it is there."""
        if member in members:
            self._steps.append((members.add, member))
            members.discard(member)

    def undo(self) -> None:
        """Take everything back, the last change first."""
        while self._steps:  # emptied on the way: one that failed is undone again with its group
            take_back, *arguments = self._steps.pop()
            take_back(*arguments)


def _take_out(table: dict[K, V], keys: Set[K], before: dict[K, V]) -> None:
    for key in keys:
        del table[key]
    table.update(before)

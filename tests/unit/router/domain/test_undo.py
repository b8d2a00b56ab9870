"""Changes in memory are taken back, the last one first; what nobody undoes stays."""

from dataclasses import dataclass, field

import pytest

from router.domain.undo import Undo


@dataclass
class Memory:
    count: int = 1
    open: bool = True
    names: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 2})
    busy: set[str] = field(default_factory=lambda: {"x", "y"})


def set_twice(undo: Undo, memory: Memory) -> None:
    undo.set(memory, count=2, open=False)
    undo.set(memory, count=memory.count + 1)


def put_over_one(undo: Undo, memory: Memory) -> None:
    undo.put(memory.names, "a", 5)


def put_a_new_one_and_change_it(undo: Undo, memory: Memory) -> None:
    undo.put(memory.names, "c", 3)
    undo.put(memory.names, "c", 4)


def take_one_and_put_another_in_its_place(undo: Undo, memory: Memory) -> None:
    undo.pop(memory.names, "a")
    undo.put(memory.names, "a", 9)


def put_many_over_some_and_take_out_the_first(undo: Undo, memory: Memory) -> None:
    undo.put_all(memory.names, {"b": 7, "c": 8, "d": 9})
    undo.pop(memory.names, "a")
    undo.pop(memory.names, "c")


def add_and_discard(undo: Undo, memory: Memory) -> None:
    undo.add(memory.busy, "z")
    undo.discard(memory.busy, "x")
    undo.discard(memory.busy, "z")


CHANGES = {
    set_twice: Memory(3, False),
    put_over_one: Memory(names={"a": 5, "b": 2}),
    put_a_new_one_and_change_it: Memory(names={"a": 1, "b": 2, "c": 4}),
    take_one_and_put_another_in_its_place: Memory(names={"a": 9, "b": 2}),
    put_many_over_some_and_take_out_the_first: Memory(names={"b": 7, "d": 9}),
    add_and_discard: Memory(busy={"y"}),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_is_changed_counts_at_once_and_is_taken_back(change: object) -> None:
    memory, undo = Memory(), Undo()

    change(undo, memory)  # type: ignore[operator]
    changed = Memory(memory.count, memory.open, dict(memory.names), set(memory.busy))
    undo.undo()

    assert changed == CHANGES[change]  # type: ignore[index]
    assert memory == Memory()


def test_what_changes_nothing_takes_nothing_back() -> None:
    memory, undo = Memory(), Undo()

    undo.add(memory.busy, "x")
    undo.discard(memory.busy, "z")
    gone = undo.pop(memory.names, "z")
    undo.undo()

    assert gone is None
    assert memory == Memory()


def test_what_is_taken_out_is_given() -> None:
    assert Undo().pop({"a": 1}, "a") == 1


def test_once_is_enough() -> None:
    memory, undo = Memory(), Undo()
    undo.set(memory, count=2)
    undo.undo()
    memory.count = 7

    undo.undo()

    assert memory.count == 7

"""What waits for the end of its group: written in order, seen by whatever speaks of it, and each mistake its own."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from peewee import Model, TextField

from router.store.group_commit import Memory, Operation, Transaction, commit
from router.store.group_writes import Inserts, KeyedInserts, Updates
from router.store.statements import given, insert


class Berry(Model):
    name = TextField(primary_key=True)
    taste = TextField()

    class Meta:
        table_name = "berries"


APPENDED, KEYED = Inserts(insert(Berry)), KeyedInserts(insert(Berry))
TASTED = Updates(Berry.update({Berry.taste: given.taste}).where(Berry.name == given.name))


@pytest.fixture
def connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE berries (name TEXT PRIMARY KEY, taste TEXT NOT NULL)")
    return connection


def run(connection: sqlite3.Connection, *functions: Callable[[Transaction], object]) -> list[Operation[Any]]:
    group: list[Operation[Any]] = [Operation(each, None) for each in functions]  # type: ignore[arg-type]
    commit(connection, group, Memory())
    return group


def names(on: sqlite3.Connection | Transaction) -> list[str]:
    return [name for (name,) in on.execute("SELECT name FROM berries ORDER BY rowid").fetchall()]


def appending(name: str) -> Callable[[Transaction], None]:
    return lambda tx: tx.append(APPENDED, (name, "sweet"))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 15, 16, 17, 31, 50])
def test_rows_of_many_operations_are_written_in_their_order(connection: sqlite3.Connection, count: int) -> None:
    run(connection, *(appending(str(number)) for number in range(count)))

    assert names(connection) == [str(number) for number in range(count)]


def test_many_rows_are_few_statements(connection: sqlite3.Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)

    run(connection, *(appending(str(number)) for number in range(17)))

    assert len([each for each in statements if each.startswith("INSERT")]) == 2


def test_whatever_speaks_of_rows_sees_those_that_wait(connection: sqlite3.Connection) -> None:
    def looking(tx: Transaction) -> list[str]:
        appending("mine")(tx)
        return names(tx)

    _, looked = run(connection, appending("ours"), looking)

    assert looked.value == ["ours", "mine"]


def test_what_waits_under_a_key_is_told_of_until_it_is_on_disk(connection: sqlite3.Connection) -> None:
    def looking(tx: Transaction) -> list[object]:
        tx.replace(KEYED, "mine", ("mine", "sour"))
        there = [tx.waiting(KEYED, name) for name in ("ours", "mine", "nobody's")]
        return [*there, sorted(names(tx)), tx.waiting(KEYED, "ours")]

    _, looked = run(connection, lambda tx: tx.replace(KEYED, "ours", ("ours", "sweet")), looking)

    assert looked.value == [("ours", "sweet"), ("mine", "sour"), None, ["mine", "ours"], None]


def test_a_change_comes_after_its_row_and_the_last_one_counts(connection: sqlite3.Connection) -> None:
    def tasting(taste: str) -> Callable[[Transaction], None]:
        return lambda tx: tx.replace(TASTED, "a", (taste, "a"))

    run(connection, tasting("sour"), appending("a"), tasting("bitter"))

    assert connection.execute("SELECT taste FROM berries").fetchall() == [("bitter",)]


def test_of_an_operation_that_fails_nothing_waits_and_nobody_runs_again(connection: sqlite3.Connection) -> None:
    runs: list[str] = []

    def counted(tx: Transaction) -> None:
        runs.append("once")
        appending("a")(tx)

    def failing(tx: Transaction) -> None:
        appending("b")(tx)
        raise LookupError

    group = run(connection, counted, failing, appending("c"))

    assert [type(each.error) for each in group] == [type(None), LookupError, type(None)]
    assert names(connection) == ["a", "c"]
    assert runs == ["once"]


def test_nobody_runs_again_for_one_that_looked_and_failed(connection: sqlite3.Connection) -> None:
    """What waited is on disk for it to see, and that is no work of its own."""
    runs: list[str] = []

    def counted(tx: Transaction) -> None:
        runs.append("once")
        appending("a")(tx)

    def refused(tx: Transaction) -> None:
        raise LookupError(names(tx))

    group = run(connection, counted, refused, refused, appending("b"))

    assert [type(each.error) for each in group] == [type(None), LookupError, LookupError, type(None)]
    assert names(connection) == ["a", "b"]
    assert runs == ["once"]


@pytest.mark.parametrize("between", [appending("d"), names], ids=["nobody looks", "a neighbour looks"])
@pytest.mark.parametrize(
    ("row", "kind"),
    [(("a", "sour"), sqlite3.IntegrityError), (("b", None), sqlite3.IntegrityError), (("b", 2**70), OverflowError)],
    ids=["twice", "of nothing", "too large"],
)
def test_a_row_that_breaks_a_rule_is_the_mistake_of_its_own_operation(
    connection: sqlite3.Connection,
    row: tuple[object, ...],
    kind: type[Exception],
    between: Callable[[Transaction], Any],
) -> None:
    wrong, *others = run(connection, lambda tx: tx.append(APPENDED, row), appending("a"), between, appending("c"))
    wrong, *others = (others[0], wrong, *others[1:]) if wrong.error is None else (wrong, *others)

    assert isinstance(wrong.error, kind)
    assert not [each.error for each in others if each.error]
    assert {"a", "c"} <= set(names(connection))

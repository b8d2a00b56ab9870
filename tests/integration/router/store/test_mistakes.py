"""An operation that breaks a rule of the tables, or of SQL: it fails alone, and says nothing of the disk."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from router.store.database import Database, Transaction
from tests.integration.router.store.stage import noted, on_disk, play


@pytest.fixture
def path(data_dir: Path) -> Path:
    return data_dir / "test.db"


def twice(tx: Transaction) -> None:
    """Breaks a rule of the table, after it wrote something."""
    noted("half")(tx)
    tx.execute("INSERT INTO notes (position, text) SELECT max(position), 'twice' FROM notes")


def misspelt(tx: Transaction) -> None:
    tx.execute("INSERT INTO nots (text) VALUES ('x')")


def wrongly_bound(tx: Transaction) -> None:
    noted("half")(tx)
    tx.execute("INSERT INTO notes (text) VALUES (?)")


OWN_MISTAKES = pytest.mark.parametrize(
    ("wrong", "kind"),
    [(twice, sqlite3.IntegrityError), (misspelt, sqlite3.OperationalError), (wrongly_bound, sqlite3.ProgrammingError)],
)


@OWN_MISTAKES
def test_what_breaks_a_rule_of_the_tables_fails_alone_and_leaves_nothing(
    path: Path, wrong: Callable[[Transaction], None], kind: type[Exception]
) -> None:
    async def story(database: Database) -> tuple[list[object], bool]:
        calls = [database.write(f) for f in (noted("a"), wrong, noted("b"), wrong, noted("c"))]
        return await asyncio.gather(*calls, return_exceptions=True), database.writable

    (first, error, second, _, third), writable = play(path, story)

    assert (first, second, third) == ("a", "b", "c")
    assert isinstance(error, kind)
    assert writable
    assert on_disk(path) == ["a", "b", "c"]


@OWN_MISTAKES
def test_what_breaks_a_rule_by_itself_says_nothing_of_the_disk(
    path: Path, wrong: Callable[[Transaction], None], kind: type[Exception]
) -> None:
    async def story(database: Database) -> bool:
        with pytest.raises(kind):
            await database.write(wrong)
        await database.write(noted("after"))
        return database.writable

    assert play(path, story)
    assert on_disk(path) == ["after"]


def test_a_mistake_undoes_in_memory_what_its_neighbours_did_too_before_they_do_it_again(path: Path) -> None:
    memory: dict[str, str] = {}

    def remembering(text: str, then: Callable[[Transaction], object]) -> Callable[[Transaction], None]:
        def operation(tx: Transaction) -> None:
            assert text not in memory
            tx.put(memory, text, text)
            noted(text)(tx)
            then(tx)

        return operation

    async def story(database: Database) -> None:
        calls = [("a", noted("A")), ("bad", twice), ("b", noted("B")), ("worse", misspelt), ("c", noted("C"))]
        await asyncio.gather(*(database.write(remembering(*call)) for call in calls), return_exceptions=True)

    play(path, story)

    assert list(memory) == ["a", "b", "c"]
    assert on_disk(path) == ["a", "A", "b", "B", "c", "C"]


def test_what_fails_behind_a_commit_holds_up_nobody(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    followed: list[str] = []

    def mistaken(tx: Transaction) -> str:
        for action in (lambda: followed.append("before"), lambda: {}["no"], lambda: followed.append("behind")):
            tx.after_commit(action)
        return noted("a")(tx)

    async def story(database: Database) -> list[str]:
        async with asyncio.timeout(30):
            return await asyncio.gather(database.write(mistaken), database.write(noted("b")))

    assert play(path, story) == ["a", "b"]
    assert followed == ["before", "behind"]
    assert "KeyError: 'no'" in caplog.text

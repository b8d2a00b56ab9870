"""A database on a real file, with one small table, for stories that are coroutines."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from router.store.database import Database, Transaction

T = TypeVar("T")


def play(path: Path, story: Callable[[Database], Awaitable[T]]) -> T:
    """Run a story against a database at `path`, stopped in order afterwards."""

    async def played() -> T:
        database = Database(path, asyncio.get_running_loop())
        database.connection().execute("CREATE TABLE IF NOT EXISTS notes (position INTEGER PRIMARY KEY, text TEXT)")
        database.peewee.close()
        database.start()
        try:
            return await story(database)
        finally:
            await database.stop()

    return asyncio.run(played())


def noted(text: str) -> Callable[[Transaction], str]:
    """An operation that writes one row and returns its text."""

    def operation(tx: Transaction) -> str:
        tx.execute("INSERT INTO notes (text) VALUES (?)", (text,))
        return text

    return operation


def on_disk(path: Path) -> list[str]:
    """What another process would see, in the order of writing."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY position")]


def raises(error: Exception, first: Callable[[Transaction], object] | None = None) -> Callable[[Transaction], None]:
    """An operation that fails, perhaps after it did something."""

    def operation(tx: Transaction) -> None:
        if first:
            first(tx)
        raise error

    return operation

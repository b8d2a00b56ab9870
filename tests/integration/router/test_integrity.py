"""A file that is not whole: a small one is not served at all, a large one no longer than it takes to look at it."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from router.app import running
from router.config import SettingsError
from router.store.integrity import LARGE
from tests.integration.router.harness import config
from tests.integration.router.new_database import lay_down
from tests.waiting import PATIENCE

PART = 512 * 1024  # bytes


@pytest.fixture
def database(data_dir: Path) -> Path:
    file = config(data_dir).database_path
    lay_down(file)
    return file


def grow(file: Path) -> None:
    """So many files wait in it that it is large."""
    with closing(sqlite3.connect(file)) as connection, connection:
        rows = ((f"f{number}", 0, b"\0" * PART, 1e10) for number in range(LARGE // PART))
        connection.executemany("INSERT INTO file_parts (file_id, number, data, created_at) VALUES (?, ?, ?, ?)", rows)


def damage(file: Path, index: str) -> None:
    """Overwrite its first page."""
    with closing(sqlite3.connect(file)) as connection:
        [(size,)] = connection.execute("PRAGMA page_size").fetchall()
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchall()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * size)


async def serve(file: Path, ready: "list[str]", ends: asyncio.Event) -> None:
    async with running(config(file.parent), ready.append), asyncio.timeout(PATIENCE):
        await ends.wait()


def test_a_small_file_that_is_not_whole_is_not_served(database: Path) -> None:
    damage(database, "step_subject_id")
    ready: list[str] = []

    with pytest.raises(SettingsError, match="cannot use the database"):
        asyncio.run(serve(database, ready, asyncio.Event()))
    assert ready == []


def test_a_large_file_that_is_not_whole_is_served_until_that_is_seen(database: Path) -> None:
    grow(database)
    damage(database, "step_subject_id")
    ready: list[str] = []

    with pytest.raises(SettingsError, match="cannot use the database"):
        asyncio.run(serve(database, ready, asyncio.Event()))
    assert len(ready) == 1


def test_a_large_file_that_is_whole_goes_on_being_served(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    grow(database)
    caplog.set_level(logging.INFO)

    async def story() -> None:
        ends = asyncio.Event()
        serving = asyncio.ensure_future(serve(database, [], ends))
        async with asyncio.timeout(PATIENCE):
            while "the database is whole" not in caplog.text:
                await asyncio.sleep(0.01)
        ends.set()
        await serving

    asyncio.run(story())


def test_who_stops_a_router_does_not_wait_for_the_look(database: Path) -> None:
    grow(database)
    ends = asyncio.Event()
    ends.set()

    asyncio.run(serve(database, [], ends))

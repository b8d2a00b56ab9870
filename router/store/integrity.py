"""Whether a file is whole, as far as SQLite can tell. A look comes before it is served; of a large one, meanwhile.

A look reads all of it: a third of a second for 64 MiB, a minute for what a million commands leave.
"""

import asyncio
import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

LARGE = 64 * 1024 * 1024  # bytes
_LEAST_URGENT = 19  # of the kernel's priorities
_SCHEMA = "sqlite_master"


class Damaged(Exception):
    """The file cannot be used as a database; the text says what is wrong."""


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Look at a file before it is served; of a large one at its schema. Raises Damaged."""
    if problem := _problem(connection, _SCHEMA if is_large(path) else ""):
        raise Damaged(problem)


def is_large(path: Path) -> bool:
    """Whether a look would keep everybody waiting."""
    return path.stat().st_size > LARGE


async def watch(path: Path, tables: Sequence[str]) -> None:
    """Look at a large file while it is served, on a connection of its own. Raises Damaged."""
    if not is_large(path):
        return
    loop, stopped = asyncio.get_running_loop(), threading.Event()
    found: asyncio.Future[str] = loop.create_future()

    def tell(problem: str) -> None:
        if not found.done():
            found.set_result(problem)

    def look() -> None:
        problem = _look(path, tables, stopped)
        with suppress(RuntimeError):  # the router was stopped meanwhile, and its loop is no more
            loop.call_soon_threadsafe(tell, problem)

    # Not one that is waited for: SQLite cannot be stopped in the middle of a table, and the router can.
    threading.Thread(target=look, name="database-integrity", daemon=True).start()
    try:
        problem = await found
    finally:
        stopped.set()
    if problem:
        raise Damaged(problem)
    logger.info("the database is whole")


def _look(path: Path, tables: Sequence[str], stopped: threading.Event) -> str:
    _step_back()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        # Table by table: while one is looked at the log cannot be written over.
        found = (_problem(connection, table) for table in tables if not stopped.is_set())
        return next(filter(None, found), "")


def _step_back() -> None:
    """Let everything else in the process go first. Elsewhere a thread has no priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, _LEAST_URGENT)


def _problem(connection: sqlite3.Connection, table: str) -> str:
    """What is wrong with a table and its indexes, or with the whole file; empty for nothing."""
    try:
        found: str = connection.execute(f"PRAGMA quick_check({table or 1})").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else found

"""Operations that share a transaction: which ones, and what becomes of each. No thread and no file in here."""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agent.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_GROUP = 64  # operations in one transaction; more would make the first of them wait
MAX_BESIDE_URGENT = 16  # of them beside an urgent one: the router waits for receipts
_DISK = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)  # what SQLite says where the file cannot be used; the rest is about what it was asked


@dataclass(slots=True)
class Job(Generic[T]):
    """One operation, and what came of it."""

    operation: Callable[[sqlite3.Connection], T]
    future: "asyncio.Future[T]"
    value: T | None = None
    error: Exception | None = None


class Backlog:
    """What waits for a transaction."""

    def __init__(self) -> None:
        self._urgent: deque[Job[Any]] = deque()
        self._normal: deque[Job[Any]] = deque()

    def __bool__(self) -> bool:
        return bool(self._urgent or self._normal)

    def add(self, jobs: list[Job[Any]], *, urgent: bool) -> None:
        """Queue operations."""
        (self._urgent if urgent else self._normal).extend(jobs)

    def take(self) -> list[Job[Any]]:
        """The next group, in the order of the calls but urgent ones first."""
        jobs = list(self._urgent)
        self._urgent.clear()
        beside = min(len(self._normal), MAX_BESIDE_URGENT if jobs else MAX_GROUP)
        return jobs + [self._normal.popleft() for _ in range(beside)]


def commit(connection: sqlite3.Connection, jobs: list[Job[Any]]) -> None:
    """One transaction for all; another one for the others when one failed after it had written something."""
    while failed := _attempt(connection, jobs):
        jobs = [job for job in jobs if job is not failed]


def resolve(jobs: list[Job[Any]]) -> None:
    """Tell the callers, on the event loop."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.value)


def _attempt(connection: sqlite3.Connection, jobs: list[Job[Any]]) -> Job[Any] | None:
    """Try them in one transaction; the one that undid it, without which the others must be tried again."""
    failed = None
    try:
        connection.execute("BEGIN IMMEDIATE")
        failed = next((job for job in jobs if not _perform(connection, job)), None)
        connection.execute("ROLLBACK" if failed else "COMMIT")
    except sqlite3.Error as error:
        logger.error("store unavailable: %s", error)  # noqa: TRY400 -- a full disk needs no stack
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = job.error or StoreUnavailable(
                f"The agent cannot write its database now ({error}); nothing was stored."
            )
    return failed


def _perform(connection: sqlite3.Connection, job: Job[Any]) -> bool:
    """Run one operation. False when it failed and left something behind. Errors of the disk are raised."""
    before, job.error = connection.total_changes, None
    try:
        job.value = job.operation(connection)
    except Exception as error:
        if _is_of_the_disk(error):
            raise
        job.error = error
        return connection.total_changes == before
    return True


def _is_of_the_disk(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DISK  # the lower byte is the kind, the rest says more of it

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
    """One transaction for all; one each when an operation failed after it had written something."""
    if not _attempt(connection, jobs):
        for job in jobs:
            _attempt(connection, [job])


def resolve(jobs: list[Job[Any]]) -> None:
    """Tell the callers, on the event loop."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.value)


def _attempt(connection: sqlite3.Connection, jobs: list[Job[Any]]) -> bool:
    """Whether there is nothing more to try."""
    clean = True
    try:
        connection.execute("BEGIN IMMEDIATE")
        clean = all(_perform(connection, job) for job in jobs)
        connection.execute("COMMIT" if clean else "ROLLBACK")
    except sqlite3.Error as error:
        logger.error("store unavailable: %s", error)  # noqa: TRY400 -- a full disk needs no stack
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = StoreUnavailable(f"The agent cannot write its database now ({error}); nothing was stored.")
    return clean


def _perform(connection: sqlite3.Connection, job: Job[Any]) -> bool:
    """Run one operation. False when it failed and left something behind. Errors of the database itself are raised."""
    before, job.error = connection.total_changes, None
    try:
        job.value = job.operation(connection)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise
        job.error = error
        return connection.total_changes == before
    return True

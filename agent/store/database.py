"""One SQLite file, one thread that writes it: what has gathered is committed as one transaction, then told.

Every operation, reads too, runs on that thread and its only connection, in the order of the calls. A future resolves
after the COMMIT (synchronous FULL: after the fsync) that carries its operation.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from peewee import PeeweeException, SqliteDatabase

from agent.domain.errors import AgentError, AlreadyRunning, StoreUnavailable
from agent.store.group_commit import Backlog, Operation, Transaction, commit, resolve
from agent.store.migrations import SCHEMA_VERSION, connection_of, migrate, version_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

LAZY_DELAY = 0.05  # seconds to wait for company: an fsync of its own would be in the way of others
MAX_LAZY = 64
CHECKPOINT_BYTES = 4 * 1024 * 1024  # of write-ahead log: SQLite's own default of 1000 pages
LONGEST_LOG_BYTES = 64 * 1024 * 1024  # under load: reading slows down as the log grows
PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a commit that returned survives a power cut
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,  # the writer does it between commits, not inside one
    "journal_size_limit": LONGEST_LOG_BYTES,
}


class Database:
    """The agent's database, held exclusively. Public calls belong to the event loop's thread."""

    def __init__(self, folder: Path) -> None:
        """Open or make it. Raises AlreadyRunning when another agent has the folder, StoreUnavailable when damaged."""
        self.path = folder / "agent.db"
        self._lock = lock_folder(folder)
        try:
            self._peewee = _opened(self.path)
        except BaseException:
            os.close(self._lock)
            raise
        self._connection = connection_of(self._peewee)
        self._changed = threading.Condition()
        self._backlog = Backlog()
        self._lazy: list[Operation[Any]] = []
        self._closing = False
        self._writer = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._writer.start()

    def write(
        self, function: Callable[[Transaction], T], *, urgent: bool = False, lazy: bool = False
    ) -> "asyncio.Future[T]":
        """Run an operation in the next group; the future resolves after COMMIT.

        Operations run in the order of the calls. An `urgent` one goes before others, and in a smaller group. One that
        is `lazy` waits up to 50 ms for company; nobody need wait for it, and what becomes of it is in the log. Raises
        what the operation raised (then nothing of it was stored), or StoreUnavailable when the disk did not take it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        operation = Operation(function, future)
        if not lazy:
            self._put([operation], urgent=urgent)
            return future
        future.add_done_callback(_log)
        if not self._lazy:
            loop.call_later(LAZY_DELAY, self._flush)
        self._lazy.append(operation)
        if len(self._lazy) >= MAX_LAZY:
            self._flush()
        return future

    def read(self, query: Callable[[Transaction], T]) -> "asyncio.Future[T]":
        """The same for what writes nothing: it takes its turn too, and so sees what was written before the call."""
        return self.write(query)

    async def close(self) -> None:
        """Commit what was handed in, then close and let the folder go."""
        self._flush()
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._writer.join)
        self._peewee.close()
        os.close(self._lock)

    def _flush(self) -> None:
        operations, self._lazy = self._lazy, []
        self._put(operations, urgent=False)

    def _put(self, operations: list[Operation[Any]], *, urgent: bool) -> None:
        with self._changed:
            self._backlog.add(operations, urgent=urgent)
            self._changed.notify()

    def _run(self) -> None:
        try:
            self._write()
        except BaseException:
            # Nobody would ever be answered again. What was acknowledged is on disk; a new process goes on from there.
            logger.critical("the database writer died", exc_info=True)
            os._exit(1)

    def _write(self) -> None:
        while operations := self._gather():
            commit(self._connection, operations)
            operations[0].future.get_loop().call_soon_threadsafe(resolve, operations)
            # While more is waiting the log may grow: a checkpoint costs as much as many commits.
            self._checkpoint("PASSIVE", above=LONGEST_LOG_BYTES if self._backlog else CHECKPOINT_BYTES)
        self._checkpoint("TRUNCATE", above=0)

    def _gather(self) -> list[Operation[Any]]:
        """The next group; empty when there will be none."""
        with self._changed:
            while not (self._backlog or self._closing):
                self._changed.wait()
            return self._backlog.take()

    def _checkpoint(self, mode: str, above: int) -> None:
        wal = self.path.with_name(self.path.name + "-wal")
        try:
            if wal.stat().st_size > above:
                self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except (OSError, sqlite3.Error) as error:
            # It is tried again after the next commit; the log only grows meanwhile.
            logger.warning("checkpoint failed: %s", error)


def _log(future: "asyncio.Future[T]") -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None and not isinstance(error, StoreUnavailable):  # that the writer has logged
        logger.error("a write that nobody waits for failed", exc_info=error)


def lock_folder(folder: Path) -> int:
    """Make the folder, for this user alone, and hold it. The lock ends with the descriptor. Raises AlreadyRunning."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning(f"Another agent is already running on {folder}. Stop it first.") from None
    return descriptor


def _opened(path: Path) -> SqliteDatabase:
    # SQLite gives its -wal and -shm files the mode of the main file.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    database = SqliteDatabase(str(path), pragmas=PRAGMAS, thread_safe=False, check_same_thread=False)
    try:
        database.connect()
        _check(connection_of(database), path)
        migrate(database)
    except (sqlite3.Error, PeeweeException, AgentError) as error:
        database.close()
        text = f"{path} cannot be used ({error}). Check the disk; to start afresh, move the file away."
        raise StoreUnavailable(text) from error
    return database


def _check(connection: sqlite3.Connection, path: Path) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreUnavailable(f"{path.name} is damaged: {verdict}")
    if version_of(connection) > SCHEMA_VERSION:
        raise StoreUnavailable(f"{path.name} was written by a newer version of Pointsman")

"""The database: one thread writes, in groups; readers have connections of their own.

An operation is a function of a Transaction. Operations that gathered while the last commit ran share the next one; the
callers are woken after COMMIT, all at once. An operation that raises before it wrote anything fails alone. One that
raises after a write undoes the group, which is then run again without it, so that the others are kept. So does one that
breaks a rule of the tables: that is a mistake of its own. Only what the disk refuses fails them all.
"""

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from peewee import DatabaseError, SqliteDatabase

from router.domain.errors import Reason, Refusal

T = TypeVar("T")
logger = logging.getLogger(__name__)

MAX_GROUP = 64  # operations; a larger group makes the first caller wait too long
LAZY_DELAY = 0.02  # seconds; receipts may wait so long for a commit, the agent's inbox holds the truth
CHECKPOINT_EVERY = 100  # commits; then the log is written over, which syncs faster than a file that grows
LONGEST_LOG = (
    64 * 1024 * 1024
)  # bytes that stay on disk once a reader, who kept the log from being written over, is done
BUSY_TIMEOUT = 5000  # milliseconds
READERS = 4
PRAGMAS = {
    "page_size": 2048,  # of a new file: a commit writes whole pages, most of them for one short row
    "journal_mode": "wal",
    "synchronous": "full",  # NORMAL loses acknowledged rows on a power cut (measured)
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,  # the writer checkpoints, so that only one connection ever does
    "journal_size_limit": LONGEST_LOG,
    "busy_timeout": BUSY_TIMEOUT,
    "cache_size": -32 * 1024,
}


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


class Damaged(Exception):
    """The file cannot be used as a database; the text says what is wrong."""


class Transaction:
    """What an operation works with: the connection, and what is to happen after COMMIT or if it is undone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.committed: list[Callable[[], None]] = []
        self.undone: list[Callable[[], object]] = []

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run on the event loop once this is on disk."""
        self.committed.append(action)

    def on_undo(self, action: Callable[[], object]) -> None:
        """Run in the writer thread if this is rolled back; restores what an operation changed in memory."""
        self.undone.append(action)


@dataclass(slots=True)
class _Operation(Generic[T]):
    function: Callable[[Transaction], T]
    future: "asyncio.Future[T]"
    transaction: Transaction | None = None
    value: T | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class CommitTimes:
    """How long the newest commits took, in seconds."""

    count: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def p99(self) -> float:
        ordered = sorted(self.recent)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0


class Database:
    """The router's one database. Everything public is called from the event loop's thread; results come back there."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self._loop = loop
        self.peewee = SqliteDatabase(str(path), pragmas=PRAGMAS, thread_safe=True, autoconnect=False)
        self.times = CommitTimes()
        self.writable = True
        self.on_commit: Callable[[], None] = lambda: None  # called on the loop after every group
        self._queue: SimpleQueue[list[_Operation[Any]] | None] = SimpleQueue()
        self._lazy: list[_Operation[Any]] = []
        self._writer = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, "database-reader")

    def start(self) -> None:
        """Begin to take operations."""
        self._writer.start()

    async def stop(self) -> None:
        """Commit what was handed in, then close."""
        self._flush_lazy()
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()

    def write(
        self, function: Callable[[Transaction], T], *, lazy: bool = False, hurry: bool = False
    ) -> "asyncio.Future[T]":
        """Run an operation in the next group; the future resolves after COMMIT.

        Operations run in the order of the calls. With `lazy` it may wait 20 ms for company; with `hurry` it does not
        take the lazy ones along and may overtake them. Raises what the operation raised, or
        Refusal(STORAGE_UNAVAILABLE) when the disk did not take it.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        operation = _Operation(function, future)
        if hurry:
            self._queue.put([operation])
            return future
        self._lazy.append(operation)
        if lazy:
            if len(self._lazy) == 1:
                self._loop.call_later(LAZY_DELAY, self._flush_lazy)
        else:
            self._flush_lazy()
        return future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short query on a connection of its own that cannot write."""
        return await self._loop.run_in_executor(self._readers, self._read, query)

    def connection(self) -> sqlite3.Connection:
        """The connection of the calling thread."""
        self.peewee.connect(reuse_if_open=True)
        connection: sqlite3.Connection = self.peewee.connection()
        return connection

    def sound_connection(self) -> sqlite3.Connection:
        """The connection of the calling thread, after a look at the whole file. Raises Damaged."""
        try:
            connection = self.connection()
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except (DatabaseError, sqlite3.DatabaseError) as error:
            problem = str(error)
        if problem != "ok":
            raise Damaged(problem)
        return connection

    def wal_bytes(self) -> int:
        """Size of the write-ahead log."""
        wal = self.path.with_name(self.path.name + "-wal")
        return wal.stat().st_size if wal.exists() else 0

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection = self.connection()
        connection.execute("PRAGMA query_only = 1")
        return query(connection)

    def _flush_lazy(self) -> None:
        if self._lazy:
            self._queue.put(self._lazy)
            self._lazy = []

    def _run(self) -> None:
        try:
            self._write_groups()
        except BaseException:
            # Nobody would ever be answered again. What was acknowledged is on disk; a new process goes on from there.
            logger.critical("the database writer died", exc_info=True)
            os._exit(1)

    def _write_groups(self) -> None:
        connection = self.connection()
        while (operations := self._gather()) is not None:
            self._commit_group(connection, operations)
            if self.times.count % CHECKPOINT_EVERY == 0:
                _checkpoint(connection, "PASSIVE")
        _checkpoint(connection, "TRUNCATE")
        self.peewee.close()

    def _gather(self) -> list[_Operation[Any]] | None:
        operations = self._queue.get()
        while operations is not None and len(operations) < MAX_GROUP and not self._queue.empty():
            more = self._queue.get()
            if more is None:
                self._queue.put(None)
                break
            operations = operations + more
        return operations

    def _commit_group(self, connection: sqlite3.Connection, operations: list[_Operation[Any]]) -> None:
        started = time.monotonic()
        left = operations
        while failed := self._try_group(connection, left):
            left = [operation for operation in left if operation is not failed]
        self.times.count += 1
        self.times.recent.append(time.monotonic() - started)
        self._loop.call_soon_threadsafe(self._committed, operations)

    def _committed(self, operations: list[_Operation[Any]]) -> None:
        _resolve(operations)
        self.on_commit()

    def _try_group(self, connection: sqlite3.Connection, operations: list[_Operation[Any]]) -> _Operation[Any] | None:
        """Run operations in one transaction; the one that undid it, without which the others must be run again."""
        changes = connection.total_changes
        try:
            connection.execute("BEGIN IMMEDIATE")
            for operation in operations:
                if not _perform(operation, connection):
                    _undo(connection, operations)
                    return operation
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            _undo(connection, operations)
            self._broken(operations, error)
            return None
        self.writable = self.writable or connection.total_changes != changes  # else the disk was not asked
        return None

    def _broken(self, operations: list[_Operation[Any]], error: sqlite3.Error) -> None:
        logger.error("database write failed: %s", error, extra={"event": "storage_unavailable"})
        self.writable = False
        text = "The router cannot write its database now; nothing was stored. Try again shortly."
        for operation in operations:
            if operation.error is None:
                operation.error = Refusal(Reason.STORAGE_UNAVAILABLE, text, retry_after=2.0)


def _checkpoint(connection: sqlite3.Connection, mode: str) -> None:
    try:
        connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    except sqlite3.Error as error:  # a full disk: nothing is lost, the log only grows until the next one
        logger.warning("checkpoint failed: %s", error)


def _perform(operation: _Operation[Any], connection: sqlite3.Connection) -> bool:
    """Run one operation. False when it failed and left something behind. Errors of the disk are raised."""
    operation.transaction = Transaction(connection)
    operation.error = None
    before = connection.total_changes
    try:
        operation.value = operation.function(operation.transaction)
    except Exception as error:
        if _is_of_the_disk(error):
            raise
        operation.error = error
        operation.transaction.committed.clear()
        _undo_memory(operation)
        return connection.total_changes == before
    return True


def _is_of_the_disk(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DISK  # the lower byte is the kind, the rest says more of it


def _undo(connection: sqlite3.Connection, operations: list[_Operation[Any]]) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    for operation in reversed(operations):
        _undo_memory(operation)
        if operation.transaction is not None:
            operation.transaction.committed.clear()


def _undo_memory(operation: _Operation[Any]) -> None:
    if operation.transaction is not None:
        for action in reversed(operation.transaction.undone):
            action()
        operation.transaction.undone.clear()


def _resolve(operations: list[_Operation[Any]]) -> None:
    """On the loop: first what follows from the commit, then the callers."""
    for operation in operations:
        if operation.error is None and operation.transaction is not None:
            for action in operation.transaction.committed:
                action()
    for operation in operations:
        future = operation.future
        if future.done():
            continue
        if operation.error is not None:
            future.set_exception(operation.error)
        else:
            future.set_result(operation.value)

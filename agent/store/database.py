"""One SQLite file, one thread that writes it: what has gathered is committed as one transaction, then told.

Every operation, reads too, runs on that thread and its only connection, in the order of the calls. A future resolves
after the COMMIT (synchronous FULL: after the fsync) that carries its operation. Only what may be lost in a power cut,
since somebody says it again, is committed without one.
"""

import asyncio
import fcntl
import logging
import math
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from peewee import PeeweeException, SqliteDatabase

from agent.domain.errors import AgentError, AlreadyRunning, StoreUnavailable
from agent.store.group_commit import Backlog, Company, Operation, Transaction, commit, resolve
from agent.store.migrations import SCHEMA_VERSION, connection_of, migrate, version_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

LAZY_DELAY = 0.05  # seconds to wait for company
PATIENT_DELAY = 0.01  # seconds: an fsync of its own would be in the way of the next command
IN_REACH = 0.03  # seconds between commands; one whose sender waited for the last one's result comes later
MORE_PATIENT_DELAY = 0.05  # seconds, while the next command can be expected; people see no difference
CHECKPOINT_EVERY = 100  # commits; then the log is written over
LONGEST_LOG_BYTES = 64 * 1024 * 1024  # under load: reading slows down as the log grows
NORMAL, FULL = 1, 2
PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": FULL,  # a commit that returned survives a power cut
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,  # the writer does it between commits, not inside one
    "journal_size_limit": LONGEST_LOG_BYTES,
}


class _Call(NamedTuple):
    """What is handed to the writer at once."""

    patient: list[Operation[Any]]
    operations: list[Operation[Any]]
    lazy: list[Operation[Any]]
    urgent: bool


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
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()  # of the loop, to the writer; None for the end
        self._backlog = Backlog()  # the writer's
        self._lazy = Company(lambda: LAZY_DELAY, lambda: self._put(self._lazy.leave(), hurries=False))
        self._patient = Company(self._patience, lambda: self._put([]))
        self._last = self._before_last = -math.inf  # when urgent ones came: the loop's time
        self._synchronous = FULL
        self._commits = 0  # since the last checkpoint
        self._closing = False  # the writer knows of the end
        self._writer = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._writer.start()

    def write(
        self,
        function: Callable[[Transaction], T],
        *,
        urgent: bool = False,
        lazy: bool = False,
        patient: bool = False,
        reads: bool = False,
    ) -> "asyncio.Future[T]":
        """Run an operation in the next group; the future resolves after COMMIT.

        Operations run in the order of the calls. An `urgent` one goes before others, and in a smaller group. One that
        is `patient` waits up to 10 ms for the next that is not, and goes right before it; up to 50 ms while urgent ones
        come so fast that another can be expected. One that is `lazy` waits up to 50 ms, goes behind the next that does
        not wait, and need not survive a power cut; nobody need wait for it, and what becomes of it is in the log. One
        that only `reads` is company for nobody.
        Raises what the operation raised (then nothing of it was stored), or StoreUnavailable when the disk did not take
        it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if urgent:
            self._before_last, self._last = self._last, loop.time()
        operation = Operation(function, future, synced=not (lazy or reads), reads=reads)
        if lazy:
            future.add_done_callback(_log)
            self._lazy.join(operation)
        elif patient:
            self._patient.join(operation)
        else:
            self._put([operation], urgent=urgent, hurries=not reads)
        return future

    def read(self, query: Callable[[Transaction], T]) -> "asyncio.Future[T]":
        """The same for what writes nothing: it takes its turn too, and sees what was written, but for what waits."""
        return self.write(query, reads=True)

    async def close(self) -> None:
        """Commit what was handed in, then close and let the folder go."""
        self._put([])
        self._calls.put(None)
        await asyncio.to_thread(self._writer.join)
        self._peewee.close()
        os.close(self._lock)

    def _patience(self) -> float:
        since = asyncio.get_running_loop().time() - self._last
        return MORE_PATIENT_DELAY if max(since, self._last - self._before_last) <= IN_REACH else PATIENT_DELAY

    def _put(self, operations: list[Operation[Any]], *, urgent: bool = False, hurries: bool = True) -> None:
        if hurries:
            self._calls.put(_Call(self._patient.leave(), operations, self._lazy.leave(), urgent))
        else:
            self._calls.put(_Call([], operations, [], urgent))

    def _run(self) -> None:
        try:
            self._write()
        except BaseException:
            # Nobody would ever be answered again. What was acknowledged is on disk; a new process goes on from there.
            logger.critical("the database writer died", exc_info=True)
            os._exit(1)

    def _write(self) -> None:
        while operations := self._gather():
            self._commit(operations)
            # While more is waiting the log may grow: a checkpoint costs as much as many commits.
            is_busy = self._backlog or not self._calls.empty()
            is_due = self._log_bytes() > LONGEST_LOG_BYTES if is_busy else self._commits >= CHECKPOINT_EVERY
            operations[0].future.get_loop().call_soon_threadsafe(resolve, operations)
            if is_due:
                self._checkpoint("PASSIVE")
        self._checkpoint("TRUNCATE")

    def _commit(self, operations: list[Operation[Any]]) -> None:
        # Without a sync it is in the log all the same, and comes to the disk with the next one.
        wanted = FULL if any(operation.synced for operation in operations) else NORMAL
        if wanted != self._synchronous:
            self._connection.execute(f"PRAGMA synchronous = {PRAGMAS['synchronous'] if wanted == FULL else NORMAL}")
            self._synchronous = wanted
        before = self._connection.total_changes
        commit(self._connection, operations)
        self._commits += self._connection.total_changes > before  # a look leaves nothing in the log

    def _gather(self) -> list[Operation[Any]]:
        """The next group; empty when there will be none."""
        while not ((self._backlog and self._calls.empty()) or self._closing):
            if (call := self._calls.get()) is None:
                self._closing = True
            else:
                # Urgent: an urgent one that comes next must not go before what has waited.
                self._backlog.add(call.patient, urgent=True)
                self._backlog.add(call.operations, urgent=call.urgent)
                self._backlog.add(call.lazy, urgent=False)
        return self._backlog.take()

    def _checkpoint(self, mode: str) -> None:
        try:
            self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
            self._commits = 0
        except sqlite3.Error as error:
            # It is tried again after the next commit; the log only grows meanwhile.
            logger.warning("checkpoint failed: %s", error)

    def _log_bytes(self) -> int:
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0


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

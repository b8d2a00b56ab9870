"""The database: one thread writes, in groups; readers have connections of their own.

An operation is a function of a Transaction. Operations that gathered while the last commit ran share the next one; the
callers are woken after COMMIT, all at once. What becomes of one that fails, and of its group, says `group_commit`.
"""

import asyncio
import logging
import math
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from peewee import DatabaseError, SqliteDatabase

from router.store import integrity
from router.store.group_commit import Memory, Operation, commit, resolve
from router.store.group_commit import Transaction as Transaction  # operations of all stores are functions of it
from router.store.integrity import Damaged
from router.store.lanes import Lanes

T = TypeVar("T")
logger = logging.getLogger(__name__)

LAZY_DELAY = 0.02  # seconds; receipts may wait so long for a commit, the agent's inbox holds the truth
IN_REACH = 0.03  # seconds between commands; one whose sender waited for the last one's result comes later
TAKEN_ALONG = 8  # operations that wait; a command is not held up by more
TAKEN_AFTER = 0.004  # seconds; where single commands follow sooner, one commit for what gathers in LAZY_DELAY is little
CHECKPOINT_EVERY = 100  # commits; then the log is written over, which syncs faster than a file that grows
LONGEST_LOG = 64 * 1024 * 1024  # bytes that stay on disk once a reader, who kept it from being written over, is done
BUSY_TIMEOUT = 5000  # milliseconds
LAST_WAIT = 200  # milliseconds, at the end
READERS = 4
PRAGMAS = {
    "page_size": 2048,  # of a new file: a commit writes whole pages, most of them for one short row
    "journal_mode": "wal",
    "synchronous": "full",  # NORMAL loses acknowledged rows on a power cut (measured)
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,  # the writer checkpoints, so that only one connection ever does
    "journal_size_limit": LONGEST_LOG,
    "busy_timeout": BUSY_TIMEOUT,
    # KiB. Where pages of a tree that grows have changed places, SQLite looks through all that it keeps at the commit.
    "cache_size": -4 * 1024,
}


# What SQLite takes as it is, Python's module takes so at once if it is an int, a float or a str. For each of these it
# would ask three times for an adapter that is not there.
sqlite3.register_adapter(type(None), {None: None}.get)
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(bytes, bytes)


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

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, **pragmas: str) -> None:
        """`pragmas` are what is other than usual about the file."""
        self.path = path
        self._loop = loop
        self.peewee = SqliteDatabase(str(path), pragmas=PRAGMAS | pragmas, thread_safe=True, autoconnect=False)
        self.times = CommitTimes()
        self.writable = True
        self.refuses = asyncio.Event()  # set on the loop while it is not
        self.on_commit: Callable[[], None] = lambda: None  # called on the loop after every group
        self._lanes = Lanes()
        self._lazy: list[Operation[Any]] = []
        self._alarm: asyncio.TimerHandle | None = None  # is set while they wait,
        self._since = 0.0  # which they do from then on: the loop's time
        self._last = self._before_last = -math.inf  # when urgent ones came
        self._memory: Memory = {}  # the writer thread's
        self._writer = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, "database-reader")

    def start(self) -> None:
        """Begin to take operations."""
        self._writer.start()

    async def stop(self) -> None:
        """Commit what was handed in, then close."""
        self._flush_lazy()
        self._lanes.end()
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()

    def write(
        self, function: Callable[[Transaction], T], *, urgent: bool = False, lazy: bool = False, many: bool = False
    ) -> "asyncio.Future[T]":
        """Run an operation in the next group; the future resolves after COMMIT.

        Operations run in the order of the calls, but that `urgent` ones overtake others, as `lanes` says. One that is
        `lazy` may wait 20 ms for company. Where few wait, the next urgent one takes them along, and they wait up to
        50 ms for it while it can be expected; one of `many` commands takes them along at once. Raises what the
        operation raised (then nothing of it was stored), or Refusal(STORAGE_UNAVAILABLE) when the disk did not take it.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        operation = Operation(function, future)
        if urgent:
            self._before_last, self._last = self._last, self._loop.time()
            if self._are_few() and (many or self._last - self._since >= TAKEN_AFTER):
                self._lanes.put_urgent(operation, self._gathered())
            else:
                self._lanes.put([operation], urgent=True)
            return future
        self._lazy.append(operation)
        if not lazy:
            self._flush_lazy()
        elif self._alarm is None:
            self._since = self._loop.time()
            self._alarm = self._loop.call_later(LAZY_DELAY, self._waited)
        return future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short query on a connection of its own that cannot write; it sees one state of the file."""
        return await self._loop.run_in_executor(self._readers, self._read, query)

    def connection(self) -> sqlite3.Connection:
        """The connection of the calling thread."""
        self.peewee.connect(reuse_if_open=True)
        connection: sqlite3.Connection = self.peewee.connection()
        return connection

    def sound_connection(self) -> sqlite3.Connection:
        """The connection of the calling thread, after a look at the file. Raises Damaged."""
        try:
            connection = self.connection()
            integrity.check(connection, self.path)
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise Damaged(str(error)) from None
        return connection

    def wal_bytes(self) -> int:
        """Size of the write-ahead log."""
        wal = self.path.with_name(self.path.name + "-wal")
        return wal.stat().st_size if wal.exists() else 0

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection = self.connection()
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")  # one state of the file for all that is asked
        try:
            return query(connection)
        finally:
            if connection.in_transaction:  # a backup ends it before
                connection.execute("ROLLBACK")

    def _are_few(self) -> bool:
        return 0 < len(self._lazy) <= TAKEN_ALONG

    def _waited(self) -> None:
        now = self._loop.time()
        if self._are_few() and max(now - self._last, self._last - self._before_last) <= IN_REACH:
            self._alarm = self._loop.call_later(IN_REACH, self._flush_lazy)
        else:
            self._flush_lazy()

    def _flush_lazy(self) -> None:
        if gathered := self._gathered():
            self._lanes.put(gathered)

    def _gathered(self) -> list[Operation[Any]]:
        """What has waited, which waits no more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        gathered, self._lazy = self._lazy, []
        return gathered

    def _run(self) -> None:
        try:
            self._write_groups()
        except BaseException:
            # Nobody would ever be answered again. What was acknowledged is on disk; a new process goes on from there.
            logger.critical("the database writer died", exc_info=True)
            os._exit(1)

    def _write_groups(self) -> None:
        connection = self.connection()
        while self._lanes.wait():
            self._commit_group(connection)
            if self.times.count % CHECKPOINT_EVERY == 0:
                _checkpoint(connection, "PASSIVE")
        # Who still reads is not waited for: the next start brings in what is left of the log.
        connection.execute(f"PRAGMA busy_timeout = {LAST_WAIT}")
        _checkpoint(connection, "TRUNCATE")
        self.peewee.close()

    def _commit_group(self, connection: sqlite3.Connection) -> None:
        started = time.monotonic()
        group, taken = commit(connection, self._lanes.group(), self._memory)
        if taken not in (None, self.writable):
            self.writable = bool(taken)
            self._loop.call_soon_threadsafe(self.refuses.clear if taken else self.refuses.set)
        self.times.count += 1
        self.times.recent.append(time.monotonic() - started)
        self._loop.call_soon_threadsafe(self._committed, group)

    def _committed(self, group: list[Operation[Any]]) -> None:
        resolve(group)
        self.on_commit()


def _checkpoint(connection: sqlite3.Connection, mode: str) -> None:
    try:
        connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    except sqlite3.Error as error:  # a full disk: nothing is lost, the log only grows until the next one
        logger.warning("checkpoint failed: %s", error)

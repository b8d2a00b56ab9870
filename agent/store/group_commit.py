"""Group commit: which operations share a transaction, and what becomes of each. No thread and no file in here.

An operation that raises before it wrote anything fails alone. One that raises after a write undoes the group, which is
run again without it, so that the others are kept. So does one that breaks a rule of the tables: that is its own
mistake. Only what the disk refuses fails them all.
"""

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
MAX_COMPANY = 64  # operations that wait for others
MAX_BESIDE_URGENT = 16  # of them beside an urgent one: the router waits for receipts
# What SQLite says where the file cannot be used; the rest is about what it was asked.
_DISK = frozenset([
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB,
])  # fmt: skip


class Transaction:
    """What an operation works with: the connection, and what is to happen after COMMIT.

    Nothing in memory changes inside an operation, so there is nothing to undo beside the rows.
    """

    __slots__ = ("appended", "committed", "execute", "executemany")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.committed: list[Callable[[], object]] = []
        self.appended: list[Any] = []  # what goes to the router, in its order

    def after_commit(self, action: Callable[[], object]) -> None:
        """Call this on the event loop once all of this is on disk; never if it is undone."""
        self.committed.append(action)


@dataclass(slots=True)
class Operation(Generic[T]):
    """A function of a transaction, and what came of it."""

    function: Callable[[Transaction], T]
    future: "asyncio.Future[T]"
    synced: bool = True  # it has to survive a power cut from its COMMIT on
    reads: bool = False  # it writes nothing
    transaction: Transaction | None = None
    value: T | None = None
    error: Exception | None = None


class Backlog:
    """What waits for a transaction."""

    def __init__(self) -> None:
        self._urgent: deque[Operation[Any]] = deque()
        self._normal: deque[Operation[Any]] = deque()

    def __bool__(self) -> bool:
        return bool(self._urgent or self._normal)

    def add(self, operations: list[Operation[Any]], *, urgent: bool) -> None:
        """Queue operations."""
        (self._urgent if urgent else self._normal).extend(operations)

    def take(self) -> list[Operation[Any]]:
        """The next group, in the order of the calls but urgent ones first."""
        group = list(self._urgent)
        self._urgent.clear()  # all of them, so that none waits for a second group
        beside = min(len(self._normal), MAX_BESIDE_URGENT if group else MAX_GROUP)
        return group + [self._normal.popleft() for _ in range(beside)]


class Company:
    """Operations that wait for others to share a transaction with: for `delay()` seconds from the first on, then
    `leave_alone` is called.
    """

    def __init__(self, delay: Callable[[], float], leave_alone: Callable[[], None]) -> None:
        self._delay = delay
        self._leave_alone = leave_alone
        self._waiting: list[Operation[Any]] = []
        self._alarm: asyncio.TimerHandle | None = None

    def join(self, operation: Operation[Any]) -> None:
        """Wait from now on, unless there are as many as make a long transaction."""
        self._waiting.append(operation)
        if len(self._waiting) >= MAX_COMPANY:
            self._leave_alone()
        elif self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(self._delay(), self._leave_alone)

    def leave(self) -> list[Operation[Any]]:
        """All that waited, in the order in which they came."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        waited, self._waiting = self._waiting, []
        return waited


def commit(connection: sqlite3.Connection, group: list[Operation[Any]]) -> None:
    """One transaction for all; another one for the others when one failed after it had written something."""
    while failed := _attempt(connection, group):
        group = [operation for operation in group if operation is not failed]


def resolve(group: list[Operation[Any]]) -> None:
    """On the event loop: first what follows from the commit, then the callers."""
    for operation in group:
        if operation.error is None and operation.transaction is not None:
            for action in operation.transaction.committed:
                _follow(operation, action)
    for operation in group:
        if operation.future.done():  # its caller was cancelled; what was written stays written
            continue
        if operation.error is not None:
            operation.future.set_exception(operation.error)
        else:
            operation.future.set_result(operation.value)


def _follow(operation: Operation[Any], action: Callable[[], object]) -> None:
    """One that fails is a mistake for the log: what others wait for follows all the same."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 -- whatever it is
        told = {"message": "what follows from a commit failed", "exception": error}
        operation.future.get_loop().call_exception_handler(told)


def _attempt(connection: sqlite3.Connection, group: list[Operation[Any]]) -> Operation[Any] | None:
    """Try them in one transaction; the one that undid it, without which the others must be tried again."""
    failed = None
    writes = not all(operation.reads for operation in group)
    try:
        if writes:
            connection.execute("BEGIN IMMEDIATE")
        failed = next((operation for operation in group if not _perform(connection, operation)), None)
        if writes:
            connection.execute("ROLLBACK" if failed else "COMMIT")
    except sqlite3.Error as error:
        logger.error("store unavailable: %s", error)  # noqa: TRY400 -- a full disk needs no stack
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        text = f"The agent cannot write its database now ({error}); nothing was stored."
        for operation in group:
            operation.error = operation.error or StoreUnavailable(text)
    return failed


def _perform(connection: sqlite3.Connection, operation: Operation[Any]) -> bool:
    """Run one operation. False when it failed and left something behind. Errors of the disk are raised."""
    # Each attempt has a transaction of its own: what one that was undone wanted to happen is forgotten with it.
    operation.transaction, operation.error = Transaction(connection), None
    before = connection.total_changes
    try:
        operation.value = operation.function(operation.transaction)
    except Exception as error:
        if _is_of_the_disk(error):
            raise
        operation.error = error
        return connection.total_changes == before
    return True


def _is_of_the_disk(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DISK  # the lower byte is the kind, the rest says more of it

"""Group commit: operations that share a transaction, and what becomes of each. No thread and no file in here.

An operation that raises before it wrote anything fails alone. One that raises after a write undoes the group, which is
run again without it, so that the others are kept. So does one that breaks a rule of the tables: that is its own
mistake. Only what the disk refuses fails them all.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from router.domain.errors import Reason, Refusal
from router.domain.identity import ROUTER
from router.domain.undo import Undo

T = TypeVar("T")
Memory = dict[Any, Any]  # of a store's values, by keys of its own
MOST_KEPT = 50_000  # values in a memory; then it begins anew
logger = logging.getLogger(__name__)

# What SQLite says where the file cannot be used; the rest is about what it was asked.
_DISK = frozenset({
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB,
})  # fmt: skip


class Transaction(Undo):
    """What an operation works with: the connection, what is undone with it in memory, and what follows its COMMIT.

    `caller` is for whom it acts; who hands it in for somebody says so at its beginning. `memory` is what stores keep of
    their rows from one transaction to the next, as nobody else writes them; it is changed as everything in memory is.
    """

    __slots__ = ("appended", "caller", "committed", "execute", "executemany", "memory", "replaced")

    def __init__(self, connection: sqlite3.Connection, memory: Memory | None = None) -> None:
        super().__init__()
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.caller = ROUTER
        self.committed: list[Callable[[], object]] = []
        self.appended: dict[str, list[tuple[object, ...]]] = {}
        self.replaced: dict[str, dict[str, tuple[object, ...]]] = {}
        self.memory: Memory = {} if memory is None else memory

    def append(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Write rows that nothing in the operation reads, with all of its rows of this kind at its end."""
        self.appended.setdefault(statement, []).extend(rows)

    def replace(self, statement: str, key: str, row: tuple[object, ...]) -> None:
        """The same for a row of which the last counts."""
        self.replaced.setdefault(statement, {})[key] = row

    def flush(self) -> None:
        """Write what was appended and replaced, each kind in its order."""
        for statement, rows in self.appended.items():
            self.executemany(statement, rows)
        for statement, newest in self.replaced.items():
            self.executemany(statement, newest.values())
        self.appended.clear()
        self.replaced.clear()

    def after_commit(self, action: Callable[[], object]) -> None:
        """Call this on the event loop once all of this is on disk; never if it is undone."""
        self.committed.append(action)

    def undo(self) -> None:
        """Take back what changed in memory, and forget what was to follow."""
        super().undo()
        self.committed.clear()
        self.appended.clear()
        self.replaced.clear()


@dataclass(slots=True)
class Operation(Generic[T]):
    """A function of a transaction, and what came of it."""

    function: Callable[[Transaction], T]
    future: "asyncio.Future[T]"
    transaction: Transaction | None = None
    value: T | None = None
    error: BaseException | None = None


def commit(
    connection: sqlite3.Connection, operations: Iterable[Operation[Any]], memory: Memory
) -> tuple[list[Operation[Any]], bool | None]:
    """One transaction for all; another one for the others when one failed after it had written something.

    Returns all of them, and whether the disk takes writes; None where nothing was written, as it was not asked then.
    """
    if len(memory) > MOST_KEPT:
        memory.clear()
    group, failures, coming = list[Operation[Any]](), list[Operation[Any]](), iter(operations)
    while True:
        changes = connection.total_changes  # of this attempt: those of one that was undone never reached the disk
        try:
            failed = _attempt(connection, group, coming, memory)
        except sqlite3.Error as error:
            group += coming
            _undo(connection, group)
            _refuse(group, error)
            return failures + group, False
        if failed is None:
            return failures + group, True if connection.total_changes != changes else None
        failures.append(failed)
        group = [operation for operation in group if operation is not failed]


def resolve(group: list[Operation[Any]]) -> None:
    """On the event loop: first what follows from the commit, then the callers."""
    for operation in group:
        if operation.error is None and operation.transaction is not None:
            for action in operation.transaction.committed:
                action()
    for operation in group:
        if operation.future.done():  # its caller was cancelled; what was written stays written
            continue
        if operation.error is not None:
            operation.future.set_exception(operation.error)
        else:
            operation.future.set_result(operation.value)


def _attempt(
    connection: sqlite3.Connection, group: list[Operation[Any]], coming: Iterator[Operation[Any]], memory: Memory
) -> Operation[Any] | None:
    """Run the group, and what comes to it, in one transaction. The one that undid it, to be run again without."""
    connection.execute("BEGIN IMMEDIATE")
    for number, operation in enumerate(chain(tuple(group), coming)):
        if number == len(group):
            group.append(operation)
        if not _perform(connection, operation, memory):
            _undo(connection, group)
            return operation
    connection.execute("COMMIT")
    return None


def _perform(connection: sqlite3.Connection, operation: Operation[Any], memory: Memory) -> bool:
    """Run one operation. False when it failed and left something behind. Errors of the disk are raised."""
    # Each attempt has a transaction of its own: what one that was undone wanted to happen is forgotten with it.
    operation.transaction = transaction = Transaction(connection, memory)
    operation.error = None
    before = connection.total_changes
    try:
        operation.value = operation.function(transaction)
        transaction.flush()
    except Exception as error:
        if _is_of_the_disk(error):
            raise
        operation.error = error
        transaction.undo()  # at once: those behind it must not see what it left in memory
        return connection.total_changes == before
    return True


def _is_of_the_disk(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DISK  # the lower byte is the kind, the rest says more of it


def _undo(connection: sqlite3.Connection, group: list[Operation[Any]]) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    for operation in reversed(group):  # what changed last is taken back first, as inside each of them
        if operation.transaction is not None:
            operation.transaction.undo()


def _refuse(group: list[Operation[Any]], error: sqlite3.Error) -> None:
    logger.error("database write failed: %s", error, extra={"event": "storage_unavailable"})
    text = "The router cannot write its database now; nothing was stored. Try again shortly."
    for operation in group:
        if operation.error is None:
            operation.error = Refusal(Reason.STORAGE_UNAVAILABLE, text, retry_after=2.0)

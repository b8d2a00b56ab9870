"""Group commit: operations that share a transaction, and what becomes of each. No thread and no file in here.

An operation that raises before it wrote anything fails alone. One that raises after a write undoes the group, which is
run again without it, so that the others are kept. So does one that breaks a rule of the tables: that is its own
mistake. Only what the disk refuses fails them all.

What operations need not write at once waits until the group's end (`group_writes`); of one that fails it is forgotten.
Should a row of these break a rule, the group is run again with every operation writing its own.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from router.domain.errors import Reason, Refusal
from router.domain.identity import ROUTER
from router.domain.undo import Undo
from router.store.group_writes import Inserts, Kind, Waiting, speaks_of_waiting

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


class _MistakeOfOne(Exception):
    """A row that waited in the group broke a rule of the tables: whose it was shows when each writes its own."""


class Transaction(Undo):
    """What an operation works with: the connection, what is undone with it in memory, and what follows its COMMIT.

    `caller` is for whom it acts; who hands it in for somebody says so at its beginning. `memory` is what stores keep of
    their rows from one transaction to the next, as nobody else writes them; it is changed as everything in memory is.
    `on_disk` asks the rows that do not wait alone.
    """

    __slots__ = ("_connection", "_group", "_own", "brought", "caller", "committed", "memory", "on_disk")

    def __init__(
        self, connection: sqlite3.Connection, memory: Memory | None = None, group: Waiting | None = None
    ) -> None:
        super().__init__()
        self._connection = connection
        self.on_disk = connection.execute
        self.caller = ROUTER
        self.committed: list[Callable[[], object]] = []
        self.memory: Memory = {} if memory is None else memory
        self._own, self._group = Waiting(), group
        self.brought = 0  # changes of others that had to be written before this operation could look

    def execute(self, statement: str, values: Sequence[object] = (), /) -> sqlite3.Cursor:
        """Run a statement, behind what it speaks of."""
        if speaks_of_waiting(statement):
            self.flush()
        return self.on_disk(statement, values)

    def executemany(self, statement: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        """Run a statement for many rows, behind what it speaks of."""
        if speaks_of_waiting(statement):
            self.flush()
        return self._connection.executemany(statement, rows)

    def append(self, inserts: Inserts, values: Iterable[object]) -> None:
        """Write rows, one or several, before anything speaks of them, or at the end."""
        self._own.appended.setdefault(inserts, []).extend(values)

    def replace(self, kind: Kind, key: str, row: object) -> None:
        """The same for a row of which the last counts; it comes after all that are appended."""
        self._own.newest.setdefault(kind, {})[key] = row

    def waiting(self, kind: Kind, key: str) -> Any:  # noqa: ANN401 -- of the kind's own type
        """The row that waits under a key; None where none does."""
        row = self._own.waiting(kind, key)
        return self._group.waiting(kind, key) if row is None and self._group is not None else row

    def flush(self) -> None:
        """Write what waits: of the group, then of this operation."""
        if self._group:
            before = self._connection.total_changes
            _write(self._group, self._connection)
            self.brought += self._connection.total_changes - before
        self._own.write(self._connection)

    def succeed(self) -> None:
        """The operation is through: what it has not written waits with its group's, if that lets it."""
        if self._group is None:
            self._own.write(self._connection)
        else:
            self._group.take(self._own)

    def after_commit(self, action: Callable[[], object]) -> None:
        """Call this on the event loop once all of this is on disk; never if it is undone."""
        self.committed.append(action)

    def undo(self) -> None:
        """Take back what changed in memory, and forget what was to follow."""
        super().undo()
        self.committed.clear()


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
    together = True
    while True:
        changes = connection.total_changes  # of this attempt: those of one that was undone never reached the disk
        try:
            failed = _attempt(connection, group, coming, memory, Waiting() if together else None)
        except _MistakeOfOne:
            group += coming
            _undo(connection, group)
            together = False
        except sqlite3.Error as error:
            group += coming
            _undo(connection, group)
            _refuse(group, error)
            return failures + group, False
        else:
            if failed is None:
                return failures + group, True if connection.total_changes != changes else None
            failures.append(failed)
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


def _attempt(
    connection: sqlite3.Connection, group: list[Operation[Any]], coming: Iterator[Operation[Any]], memory: Memory,
    waiting: Waiting | None,
) -> Operation[Any] | None:  # fmt: skip
    """Run the group, and what comes to it, in one transaction. The one that undid it, to be run again without."""
    connection.execute("BEGIN IMMEDIATE")
    for number, operation in enumerate(chain(tuple(group), coming)):
        if number == len(group):
            group.append(operation)
        # Each attempt has a transaction of its own: what one that was undone wanted to happen is forgotten with it.
        operation.transaction = Transaction(connection, memory, waiting)
        if not _perform(connection, operation, operation.transaction):
            _undo(connection, group)
            return operation
    if waiting:
        _write(waiting, connection)
    connection.execute("COMMIT")
    return None


def _perform(connection: sqlite3.Connection, operation: Operation[Any], transaction: Transaction) -> bool:
    """Run one operation. False when it failed and left something behind. Errors of the disk are raised."""
    operation.error = None
    before = connection.total_changes
    try:
        operation.value = operation.function(transaction)
        transaction.succeed()
    except _MistakeOfOne:
        raise
    except Exception as error:
        if _is_of_the_disk(error):
            raise
        operation.error = error
        transaction.undo()  # at once: those behind it must not see what it left in memory
        return connection.total_changes == before + transaction.brought
    return True


def _write(waiting: Waiting, connection: sqlite3.Connection) -> None:
    try:
        waiting.write(connection)
    except Exception as error:
        if _is_of_the_disk(error):
            raise
        raise _MistakeOfOne from error


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

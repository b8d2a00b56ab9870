"""Disks that keep what was committed, and the databases of both programs on them without their writer threads.

The stand-ins run the real groups of the real databases, inline, as long after the call as the seed says; and whoever
called learns of it as long after the commit as the seed says. Between the two a program may die.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agent.store.database import LAZY_DELAY, PATIENT_DELAY
from agent.store.group_commit import Backlog, Company, Operation, Transaction, commit, resolve
from router.store import database as router_database
from router.store.lanes import Lanes
from tests.sim.loop import Life

T = TypeVar("T")
TICK = 1e-6  # seconds between two words of a writer


class Disk:
    """One file: its committed content, what is wrong with it, and whom it asks before and after each commit.

    One connection is for all lives of its program, as most of the time of a new one goes into compiling statements. No
    life can tell: what one left half done is undone, and once it is dead it gets no turn to write.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._opened: Connection | None = None
        self.trouble = ""
        self.connection: Connection | None = None  # of the program that lives

    @property
    def content(self) -> bytes:
        """What was committed."""
        return self._opened.serialize() if self._opened else self._content

    @content.setter
    def content(self, content: bytes) -> None:
        self._content, self._opened = content, None

    def opened(self) -> "Connection":
        """A connection to the content as it is."""
        self.connection = self.shown()
        return self.connection

    def shown(self) -> "Connection":
        """The same, for whoever only looks."""
        if self._opened is None:
            self._opened = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
            if self._content:
                self._opened.deserialize(self._content)
            self._opened.execute("PRAGMA foreign_keys = 1")
            self._opened.disk = self
        return self._opened

    def leave(self) -> None:
        """Its program is gone."""
        if self.connection is not None:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self.connection = None

    def keep(self) -> bytes:
        """Its program is gone: what is left of it."""
        self.leave()
        return self.content


class Connection(sqlite3.Connection):
    """Fails as a sick disk does: no transaction begins, or none ends."""

    disk: Disk | None = None

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if self.disk is not None and self.disk.trouble:
            if self.disk.trouble == "locked" and sql.startswith("BEGIN"):
                raise sqlite3.OperationalError("database is locked")
            if self.disk.trouble == "full" and sql == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *values)


class Turns:
    """When a writer gets to write, and when its callers hear of it; and the moments at which it may die."""

    def __init__(self, life: Life, delay: Callable[[], float], looked: Callable[[], None]) -> None:
        self.life = life
        self.delay = delay
        self.looked = looked  # called after each commit
        self.armed: tuple[int, str] | None = None  # so many commits from now: "before" or "after"
        self._planned = False
        self._told = 0.0

    def tell(self, news: Callable[..., None], *values: object) -> None:
        """Bring word from the writer to the loop; in the order in which it was sent."""
        loop = asyncio.get_running_loop()
        self._told = max(self._told + TICK, loop.time() + self.delay())
        loop.call_at(self._told, self._bring, news, *values)

    def _bring(self, news: Callable[..., None], *values: object) -> None:
        if self.life.alive:
            news(*values)

    def plan(self, turn: Callable[[], None]) -> None:
        """Let the writer have its turn soon."""
        if not self._planned and self.life.alive:
            self._planned = True
            asyncio.get_running_loop().call_later(self.delay(), self._turn, turn)

    def _turn(self, turn: Callable[[], None]) -> None:
        self._planned = False
        if not self.life.alive:
            return
        dies = self._dies()
        if dies == "before":
            self.life.kill()
            return
        turn()
        self.looked()
        if dies == "after":
            self.life.kill()

    def _dies(self) -> str:
        if self.armed is None:
            return ""
        left, stage = self.armed
        self.armed = None if left <= 0 else (left - 1, stage)
        return stage if left <= 0 else ""


class StandIn(router_database.Database):
    """The router's database without its thread: what is written is committed before the call returns."""

    def __init__(self, disk: Disk, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(Path("simulated"), loop)
        self._lanes = Lanes(lambda: 0.0)  # no time passes in an operation
        self._connection = disk.opened()

    def start(self) -> None:
        """There is no thread."""

    def connection(self) -> sqlite3.Connection:
        return self._connection

    def write(self, function: Callable[..., T], **how: bool) -> "asyncio.Future[T]":
        future = super().write(function, **how)
        self._turn()
        return future

    def _turn(self) -> None:
        if self._lanes:
            self._commit_group(self._connection)


class RouterDatabase(StandIn):
    """The same, written in turns."""

    def __init__(self, disk: Disk, turns: Turns) -> None:
        super().__init__(disk, asyncio.get_running_loop())
        self._turns = turns

    def write(self, function: Callable[..., T], **how: bool) -> "asyncio.Future[T]":
        if not self._turns.life.alive:
            return self._loop.create_future()
        future = router_database.Database.write(self, function, **how)
        self._look()
        return future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        await asyncio.sleep(self._turns.delay())
        if not self._turns.life.alive:
            await self._loop.create_future()
        return query(self._connection)

    def _flush_lazy(self) -> None:
        super()._flush_lazy()
        self._look()

    def _look(self) -> None:
        if self._lanes:
            self._turns.plan(self._turn)

    def _turn(self) -> None:
        super()._turn()
        self._look()

    def _committed(self, operations: list[Any]) -> None:
        self._turns.tell(super()._committed, operations)


class AgentDatabase:
    """The agent's database, written in turns instead of by a thread."""

    def __init__(self, disk: Disk, turns: Turns) -> None:
        self._turns = turns
        self._connection = disk.opened()
        self._backlog = Backlog()
        self._lazy = Company(lambda: LAZY_DELAY, lambda: self._put(self._lazy.leave(), hurries=False))
        self._patient = Company(lambda: PATIENT_DELAY, lambda: self._put([]))

    def write(
        self,
        function: Callable[[Transaction], T],
        *,
        urgent: bool = False,
        lazy: bool = False,
        patient: bool = False,
        reads: bool = False,
    ) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        operation = Operation(function, future)
        if lazy:
            future.add_done_callback(lambda done: done.exception())
            self._lazy.join(operation)
        elif patient:
            self._patient.join(operation)
        else:
            self._put([operation], urgent=urgent, hurries=not reads)
        return future

    def read(self, query: Callable[[Transaction], T]) -> "asyncio.Future[T]":
        return self.write(query, reads=True)

    def _put(self, operations: list[Operation[Any]], *, urgent: bool = False, hurries: bool = True) -> None:
        if self._turns.life.alive:
            self._backlog.add(self._patient.leave() if hurries else [], urgent=True)
            self._backlog.add(operations, urgent=urgent)
            self._backlog.add(self._lazy.leave() if hurries else [], urgent=False)
            self._turns.plan(self._turn)

    def _turn(self) -> None:
        operations = self._backlog.take()
        commit(self._connection, operations)
        self._turns.tell(resolve, operations)
        if self._backlog:
            self._turns.plan(self._turn)

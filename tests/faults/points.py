"""Labelled points of the programs, at each of which one can be killed. Installed from outside, by subclassing.

A database operation has two: NAME-written is inside its transaction, NAME-committed is after the fsync and before
anybody hears of it. Between the two lies every promise.
"""

import asyncio
import inspect
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from agent.domain.command import Action, Input, Outcome
from agent.domain.session import Session
from agent.store import database as agent_store
from agent.store.group_commit import Transaction
from router.domain.frames import Receipts
from router.store import database as router_store
from tests.faults.journal import Journal
from tests.rigs.recording_backend import RecordingBackend

T = TypeVar("T")
POISON = "poison"  # an agent that takes a text with this word dies

AGENT_OPERATIONS = {
    "Inbox.welcomed": "welcome",
    "Inbox.store": "store",
    "Inbox.start": "start",
    "Inbox.finish": "finish",
    "SessionStore.begin": "begin",
    "Questions.ask": "ask",
    "Outbox.acknowledge": "acknowledge",
}
ROUTER_OPERATIONS = {
    "Part._once": "accept",
    "ChatLinkServicer.Submit": "accept",
    "SubmitStream._store": "accept",
    "LinkStream._greet": "hello",
    "LinkStream._forget": "lost",
}
AGENT_POINTS = (
    *("store-written", "store-committed", "start-written", "start-committed", "typing", "typed"),
    *("finish-written", "finish-committed", "welcome-committed", "acknowledge-written"),
)
ROUTER_POINTS = (
    *("accept-written", "accept-committed", "hello-written", "hello-committed"),
    *("receipt-written", "receipt-committed", "result-written", "result-committed"),
)


class Trigger:
    """Kills this process when it passes a point for the n-th time."""

    def __init__(self, journal: Journal, point: str, passes: int, *, immune: bool = False) -> None:
        self.immune = immune  # to poison
        self._journal = journal
        self._point = point
        self._left = passes

    def __call__(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left <= 0:
            self.fire()

    def fire(self) -> None:
        """Die now, as by kill -9 from outside."""
        self._journal.note("fired", point=self._point, pid=os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)


class AgentDatabase(agent_store.Database):
    """The agent's database, with points."""

    def __init__(self, folder: Path, trigger: Trigger) -> None:
        self._trigger = trigger
        super().__init__(folder)

    def write(self, function: Callable[[Transaction], T], **how: bool) -> "asyncio.Future[T]":
        name = _name(function, AGENT_OPERATIONS)
        future = super().write(partial(self._pointed, name, function), **how)
        # The first callback of a future runs before whoever awaits it.
        future.add_done_callback(lambda _: self._trigger(f"{name}-committed"))
        return future

    def _pointed(self, name: str, operation: Callable[[Transaction], T], tx: Transaction) -> T:
        if name == "store" and not self._trigger.immune and _poisoned(operation):
            self._trigger.fire()
        value = operation(tx)
        self._trigger(f"{name}-written")
        return value


class RouterDatabase(router_store.Database):
    """The router's database, with points."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, trigger: Trigger) -> None:
        super().__init__(path, loop)
        self._trigger = trigger

    def write(
        self,
        function: Callable[[router_store.Transaction], T],
        *,
        urgent: bool = False,
        lazy: bool = False,
        many: bool = False,
    ) -> "asyncio.Future[T]":
        name = _name(_told_of(function), ROUTER_OPERATIONS)
        if name == "" and _called(function) == "LinkStream._hand_in":
            came = inspect.getclosurevars(function).nonlocals["frame"]
            name = "receipt" if isinstance(came, Receipts) else "result"

        def pointed(tx: router_store.Transaction) -> T:
            tx.after_commit(lambda: self._trigger(f"{name}-committed"))
            value = function(tx)
            self._trigger(f"{name}-written")
            return value

        return super().write(pointed, urgent=urgent, lazy=lazy, many=many)


class JournalBackend(RecordingBackend):
    """Types into the journal. `pace` is how long a line takes to type, in seconds."""

    def __init__(self, journal: Journal, machine: str, trigger: Trigger, pace: float) -> None:
        super().__init__(journal.path)
        self._journal = journal
        self._machine = machine
        self._trigger = trigger
        self._pace = pace

    async def deliver(self, session: Session, action: Action) -> Outcome:
        text = action.text if isinstance(action, Input) else action.name
        self._trigger("typing")
        await asyncio.sleep(self._pace)
        self._journal.note("typed", durable=True, machine=self._machine, session=session.session_id, text=text)
        self._trigger("typed")
        return Outcome.done()


def _called(function: Callable[..., Any]) -> str:
    """The method that made this operation."""
    return ".".join(getattr(function, "__qualname__", "").split(".")[:2])


def _told_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of Control, without what writes down who calls."""
    if _called(function) != "Part._write":
        return function
    inner: Callable[..., Any] = inspect.getclosurevars(function).nonlocals["operation"]
    return inner


def _name(function: Callable[..., Any], names: dict[str, str]) -> str:
    return names.get(_called(function), "")


def _poisoned(operation: Callable[..., Any]) -> bool:
    commands = inspect.getclosurevars(operation).nonlocals["commands"]
    return any(isinstance(one.action, Input) and POISON in one.action.text for one in commands)

"""An event loop whose time is virtual: when nothing is ready, it is at once the time of the next timer.

Callbacks keep the order in which asyncio promises to run them. What a seed decides is how long everything takes that
comes from outside a program: the network, the disk, the terminal. So every order that occurs here can occur in earnest.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

from agent.domain.errors import StoreUnavailable
from router.domain.errors import Refusal

EXPECTED = (StoreUnavailable, Refusal)  # who waited for it may have died
ROUNDS = 50  # cancellations after which a dead program's task must have ended


class Stuck(Exception):
    """Nothing will ever happen again, and still somebody waits."""


class Life:
    """One life of a program: everything it starts dies with it, in the middle of whatever it does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.tasks: list[asyncio.Task[Any]] = []
        self.on_death: list[Callable[[], None]] = []
        self._context = contextvars.copy_context()
        self._context.run(_LIFE.set, self)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start something inside this life."""
        return asyncio.get_running_loop().create_task(work, context=self._context)

    def kill(self) -> None:
        """End it now. What its tasks still do while they are unwound reaches neither disk nor network."""
        if not self.alive:
            return
        self.alive = False
        for action in self.on_death:
            action()
        contextvars.Context().run(asyncio.get_running_loop().create_task, self._bury())

    async def _bury(self) -> None:
        for _ in range(ROUNDS):
            self.tasks = [task for task in self.tasks if not task.done()]
            if not self.tasks:
                return
            for task in self.tasks:
                task.cancel()
            await asyncio.sleep(0)
        raise Stuck(f"{len(self.tasks)} tasks of {self.name} outlive it: {self.tasks[:3]}")


_LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """Time passes only when nothing can be done without it."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self  # asked, where a real loop would wait
        self.complaints: list[str] = []
        self.set_task_factory(_born)
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """What a real loop's selector does with time."""
        if timeout is None:
            raise Stuck("nothing is ready and no timer runs")
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def _complain(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, EXPECTED):
            self.complaints.append(f"{context['message']}: {type(error).__name__}: {error}")


def _born(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any],
    context: contextvars.Context | None = None,
) -> "asyncio.Task[Any]":
    task = asyncio.Task(work, loop=loop, context=context)
    life = (context or contextvars.copy_context()).get(_LIFE)
    if life is not None:
        life.tasks.append(task)
        if len(life.tasks) > 64:
            life.tasks = [one for one in life.tasks if not one.done()]
        if not life.alive:
            task.cancel()
    return task


def run(work: Coroutine[Any, Any, Any]) -> list[str]:
    """Run to the end in virtual time; what was raised where nobody listened."""
    loop = VirtualLoop()
    try:
        loop.run_until_complete(work)
        return loop.complaints
    finally:
        loop.close()

"""An event loop whose time is virtual: when nothing is ready, it is at once the time of the next timer.

Callbacks keep the order in which asyncio promises to run them. What a seed decides is how long everything takes that
comes from outside a program: the network, the disk, the terminal. So every order that occurs here can occur in earnest.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from heapq import heapify, heappop, heappush
from typing import Any

from agent.domain.errors import StoreUnavailable
from router.domain.errors import Refusal

EXPECTED = (StoreUnavailable, Refusal)  # who waited for it may have died
RESOLUTION = 1e-9  # seconds; of a real loop's clock
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


class Call:
    """What the loop is to call; a lean asyncio.Handle, as a world makes some ten thousand of them."""

    __slots__ = ("args", "callback", "context", "is_cancelled")

    def __init__(self, callback: Callable[..., object], args: Any, context: contextvars.Context | None) -> None:
        self.callback = callback
        self.args = args
        self.context = contextvars.copy_context() if context is None else context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Timer(float):
    """A call at this time; compared as a number, so that what is at the same time keeps the order of asyncio's heap."""

    __slots__ = ("call", "is_waiting", "loop")

    call: Call
    is_waiting: bool
    loop: "VirtualLoop"

    def cancel(self) -> None:
        if not self.call.is_cancelled:
            self.call.is_cancelled = True
            self.loop.cancelled += self.is_waiting

    def cancelled(self) -> bool:
        return self.call.is_cancelled

    def when(self) -> float:
        return float(self)


class VirtualLoop(asyncio.BaseEventLoop):
    """Time passes only when nothing can be done without it."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._ready: deque[Call] = deque()
        self._scheduled: list[Timer] = []
        self.cancelled = 0  # of those timers
        self.complaints: list[str] = []
        self.set_task_factory(_born)
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        call = Call(callback, args, context)
        self._ready.append(call)
        return call

    call_soon_threadsafe = call_soon  # nobody is in another thread

    def call_later(self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        timer = Timer(when)
        timer.call, timer.loop, timer.is_waiting = Call(callback, args, context), self, True
        heappush(self._scheduled, timer)
        return timer

    def _run_once(self) -> None:
        """As asyncio's: what is ready now, and behind it what is due now; not what those call in turn."""
        self._forget_cancelled()
        timers, calls = self._scheduled, self._ready
        if not calls and not self._stopping:
            if not timers:
                raise Stuck("nothing is ready and no timer runs")
            self._now += max(0.0, timers[0] - self._now)
        until = self._now + RESOLUTION
        while timers and timers[0] < until:
            timer = heappop(timers)
            timer.is_waiting = False
            calls.append(timer.call)
        for _ in range(len(calls)):
            call = calls.popleft()
            if not call.is_cancelled:
                self._run(call)

    def _run(self, call: Call) -> None:
        try:
            call.context.run(call.callback, *call.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - as asyncio does it
            told = {"message": f"Exception in callback {call.callback}", "exception": error}
            self.call_exception_handler(told)

    def _forget_cancelled(self) -> None:
        """When asyncio does it, and as: it decides on the order of what is at the same time."""
        timers = self._scheduled
        if len(timers) > 100 and self.cancelled / len(timers) > 0.5:
            timers[:] = [timer for timer in timers if not timer.call.is_cancelled]
            heapify(timers)
            self.cancelled = 0
        else:
            while timers and timers[0].call.is_cancelled:
                heappop(timers).is_waiting = False
                self.cancelled -= 1

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

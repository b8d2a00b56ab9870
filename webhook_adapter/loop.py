"""How a request waits: in a thread by blocking it, on the loop by letting that go on meanwhile.

A request that the loop serves runs in a greenlet of its own, so that the same plain code serves it there as in a
thread. Where it waits, the loop has its thread back until somebody, from whatever thread, has put there what is waited
for. Nobody may wait while holding a lock: the next request on the loop could want it.
"""

import math
import queue
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar, cast

from greenlet import getcurrent, greenlet

T = TypeVar("T")

_MOST_WAITING, _MOST_IDLE = 256, 64
_NOTHING = object()


class Place(Protocol[T]):
    """Where one waits, and others put one value."""

    def put(self, value: T, /) -> None:
        """Any thread may, once."""

    def get(self, *, timeout: float) -> T:
        """For whoever made the place. Raises queue.Empty where nothing came before, nor within so many seconds."""


def place() -> Place[Any]:
    """For whoever runs here to wait at."""
    task = getcurrent()
    return _OnLoop(task) if isinstance(task, _Task) else queue.SimpleQueue()


def aside(call: Callable[[], T]) -> T:
    """What a call that blocks returns, or raises: the loop has it run in a thread."""
    task = getcurrent()
    if not isinstance(task, _Task):
        return call()
    done, ended = _OnLoop(task), task.loop.threads.submit(call)
    ended.add_done_callback(done.put)
    done.get(timeout=math.inf)
    return ended.result()


def soon(call: Callable[[], None]) -> None:
    """Call it: in a thread now; on the loop once all that had come is looked at, and once for all that want it."""
    task = getcurrent()
    if isinstance(task, _Task):
        task.loop.soon[call] = None
    else:
        call()


class Loop:
    """Tasks of the thread that made it. `wake`, which any thread calls, has that one call `go_on`."""

    def __init__(
        self, wake: Callable[[], None], threads: Executor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.threads = threads
        self.clock = clock
        self.waiting: dict[_OnLoop, float] = {}  # and until when
        self.soon: dict[Callable[[], None], None] = {}
        self.idle: list[_Task] = []
        self._wake = wake
        self._is_woken = False
        self._brought: deque[tuple[_OnLoop, object]] = deque()
        self._thread = getcurrent()

    @property
    def has_room(self) -> bool:
        """Whether one more may wait here."""
        return len(self.waiting) < _MOST_WAITING

    def run(self, task: Callable[[], None]) -> None:
        """Run it until it waits. Not for tasks to call; it must not raise."""
        (self.idle.pop() if self.idle else _Task(self)).switch(task)

    def rest(self, task: "_Task") -> Callable[[], None]:
        """Until there is something to run again."""
        self.idle.append(task)
        return cast("Callable[[], None]", self._thread.switch())

    def go_on(self) -> None:
        """Run those for which something has been put, until they wait again."""
        self._is_woken = False  # before the look: what is put after it wakes again
        while self._brought:
            place, value = self._brought.popleft()
            if self.waiting.pop(place, None) is not None:
                place.task.switch(value)
            else:
                place.early = value  # its task waits for something else yet; or has given up, and never looks

    def end_turn(self) -> None:
        """All that had come is looked at."""
        while self.soon:
            self.soon.popitem()[0]()

    def end_late(self) -> None:
        """Let those go on that have waited long enough."""
        now = self.clock()
        for late in [place for place, until in self.waiting.items() if until <= now]:
            del self.waiting[late]
            late.task.switch(_NOTHING)

    def bring(self, place: "_OnLoop", value: object) -> None:
        """From any thread. What comes before the loop is awake wakes it once."""
        self._brought.append((place, value))
        if not self._is_woken:
            self._is_woken = True
            self._wake()

    def wait(self, place: "_OnLoop", timeout: float) -> Any:  # noqa: ANN401 - whatever is put
        """What is put there. Called by its task. Raises queue.Empty."""
        if place.early is not _NOTHING:
            return place.early
        self.waiting[place] = self.clock() + timeout
        value = self._thread.switch()
        if value is _NOTHING:
            raise queue.Empty
        return value


class _Task(greenlet):  # type: ignore[misc]
    """One after the other: for each that begins the system is asked for memory, and given it back at its end."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(self._work)
        self.loop = loop

    def _work(self, task: Callable[[], None]) -> None:
        task()
        while len(self.loop.idle) < _MOST_IDLE:
            del task  # with the request that it holds
            task = self.loop.rest(self)
            task()


class _OnLoop:
    """A place for a task."""

    def __init__(self, task: _Task) -> None:
        self.task = task
        self.early: object = _NOTHING  # what was put before its task waited

    def put(self, value: object, /) -> None:
        self.task.loop.bring(self, value)

    def get(self, *, timeout: float) -> Any:  # noqa: ANN401 - as above
        return self.task.loop.wait(self, timeout)

"""Time that passes faster, for programs whose timers would make a test long: a clock, and an event loop that keeps it.

Only the steady time is fast. The time of day stays as it is: machines prove by it who they are.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

import uvloop

from router.clock import SteadyClock


class FastClock(SteadyClock):
    """`speed` seconds for each real one; for the router, the agent and the courier."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """As the courier waits."""
        condition.wait(seconds / self._speed)


class StillClock:
    """Time that passes where somebody waits for it, and nowhere else; for the courier."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def wait(self, _condition: threading.Condition, seconds: float) -> None:
        self._now += seconds


def event_loop(speed: float) -> Callable[[], asyncio.AbstractEventLoop]:
    """Makes the loop for a program: at the common speed the one that it always has."""
    return uvloop.new_event_loop if speed == 1 else lambda: _FastLoop(speed)


class _FastLoop(asyncio.SelectorEventLoop):
    def __init__(self, speed: float) -> None:
        self._speed = speed
        super().__init__(_FastSelector(speed))

    def time(self) -> float:
        return time.monotonic() * self._speed


class _FastSelector(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[Any]:
        return super().select(timeout and timeout / self._speed)

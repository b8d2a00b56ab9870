"""Time as the router uses it: steady, whatever the wall clock does while it runs."""

import datetime
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since the epoch; never jumps and never goes back within a process."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; for timers and leases."""


class SteadyClock:
    """Wall time at the start plus what has passed since: a step of the wall clock expires nothing, stalls nothing."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()

    def monotonic(self) -> float:
        return time.monotonic()


def time_of_day(now: float) -> datetime.time:
    """The local time of day at a moment, in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).astimezone().time()

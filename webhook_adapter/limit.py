"""How often somebody may do something: so many times a second, and more at once after a pause. No I/O."""

import threading
from collections import OrderedDict

AT_ONCE = 4
"""Seconds of calls that somebody may make at once after a pause."""

_REMEMBERED = 4096  # bounds memory; who is forgotten begins anew


class Limit:
    """For each who is told apart. Threads may share it."""

    def __init__(self, a_second: float, at_once: int) -> None:
        self._gap = 1 / a_second  # seconds that one takes
        self._slack = (at_once - 1) * self._gap  # seconds by which they may be ahead of that
        self._lock = threading.Lock()
        self._spent_until: OrderedDict[str, float] = OrderedDict()  # who did last stands last

    def wait(self, who: str, now: float) -> float:
        """Seconds until they may; 0: now."""
        with self._lock:
            return self._wait(who, now)

    def spend(self, who: str, now: float) -> None:
        """They did it."""
        with self._lock:
            self._spend(who, now)

    def take(self, who: str, now: float) -> float:
        """They do it where they may. Returns seconds until then; 0: they did."""
        with self._lock:
            wait = self._wait(who, now)
            if not wait:
                self._spend(who, now)
            return wait

    def _wait(self, who: str, now: float) -> float:
        return max(0.0, self._spent_until.get(who, now) - now - self._slack)

    def _spend(self, who: str, now: float) -> None:
        # Ahead by no more than all at once: what is spent beyond makes nobody wait for longer.
        self._spent_until[who] = min(max(self._spent_until.pop(who, now), now), now + self._slack) + self._gap
        while len(self._spent_until) > _REMEMBERED:
            self._spent_until.popitem(last=False)

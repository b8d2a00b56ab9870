"""How long to wait before the next try."""

import random


class Backoff:
    """A try falls at a random point inside a window; the next window, twice as long, begins where this one ends.

    So the tries of many clients spread out, and each client still slows down on time.
    """

    def __init__(self, first: float, longest: float, rng: random.Random) -> None:
        self._first = first
        self._longest = longest
        self._rng = rng
        self.reset()

    def reset(self) -> None:
        """All is well again: the next wait is the first."""
        self._window = self._first
        self._rest = 0.0

    def next_wait(self) -> float:
        """Seconds to wait now."""
        offset = self._rng.uniform(0, self._window)
        wait = self._rest + offset
        self._rest = self._window - offset
        self._window = min(self._window * 2, self._longest)
        return wait

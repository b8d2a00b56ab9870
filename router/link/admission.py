"""Who of the machines may say hello now: a bucket of tokens that fills steadily.

When thousands of agents come at once, as after a restart, whoever finds it empty is given a moment of its own: the
moments follow each other as fast as the bucket fills, so nobody has to ask three times.
"""

RATE = 200.0  # hellos per second; each is a transaction, and people's messages must still get theirs
BURST = 400.0


class Admission:
    """The bucket. `now` is monotonic, in seconds, and never goes back."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled = 0.0
        self._next_moment = 0.0

    def wait(self, now: float) -> float:
        """0 for one that may come in; else the seconds after which it should ask again."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        self._next_moment = max(self._next_moment, now) + 1.0 / self._rate
        return self._next_moment - now

    def give_back(self) -> None:
        """Whoever came in was no machine: the turn is another's."""
        self._tokens = min(self._burst, self._tokens + 1.0)

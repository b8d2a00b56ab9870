"""What waits out a backoff: sessions, chats. In memory alone: after a restart all is tried at once, without blame.

Changed in the writer thread, inside the transaction that justifies the change, and restored when that is undone.
"""

from collections.abc import Hashable
from functools import partial
from typing import Generic, TypeVar

from router.clock import Clock
from router.services.wakeups import HELD, Wakeups
from router.store.database import Transaction

K = TypeVar("K", bound=Hashable)


class Backoffs(Generic[K]):
    """Until when each of them waits, in monotonic seconds."""

    def __init__(self, clock: Clock, wakeups: Wakeups) -> None:
        self._clock = clock
        self._wakeups = wakeups
        self._until: dict[K, float] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._until

    def waits(self, key: K) -> bool:
        """Whether its wait is not over."""
        return self._until.get(key, 0.0) > self._clock.monotonic()

    def now(self) -> list[K]:
        """Those whose wait is not over."""
        now = self._clock.monotonic()
        return [key for key, until in self._until.items() if until > now]

    def add(self, tx: Transaction, key: K, seconds: float) -> None:
        """Let one wait; one that waits longer already goes on doing so."""
        tx.put(self._until, key, max(self._clock.monotonic() + seconds, self._until.get(key, 0.0)))
        # The timer sleeps until the next end that it knows of; this one may be sooner.
        tx.after_commit(partial(self._wakeups.wake, HELD))

    def release(self, tx: Transaction) -> list[K]:
        """Forget those whose wait is over; which they were."""
        now = self._clock.monotonic()
        # Listed first: nothing may be taken out of what is walked through.
        over = [key for key, until in self._until.items() if until <= now]
        for key in over:
            tx.pop(self._until, key)
        return over

    def next(self) -> float | None:
        """Seconds until the next one's wait is over."""
        return min(self._until.values()) - self._clock.monotonic() if self._until else None

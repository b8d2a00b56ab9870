"""Sessions that wait out a backoff. Kept in memory: after a restart nothing is blamed and everything is tried at once.

Changed in the writer thread, inside the transaction that justifies the change, and restored when that is undone.
"""

from functools import partial

from router.clock import Clock
from router.services.waiting import HELD, Waiting
from router.store.database import Transaction


class Holds:
    """Until when each of them waits, in monotonic seconds."""

    def __init__(self, clock: Clock, waiting: Waiting) -> None:
        self._clock = clock
        self._waiting = waiting
        self._until: dict[str, float] = {}

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until

    def now(self) -> list[str]:
        """The sessions whose wait is not over."""
        now = self._clock.monotonic()
        return [session_id for session_id, until in self._until.items() if until > now]

    def add(self, tx: Transaction, session_id: str, seconds: float) -> None:
        """Let a session wait; one that waits longer already goes on doing so."""
        before = self._until.get(session_id)
        self._until[session_id] = max(self._clock.monotonic() + seconds, before or 0.0)
        tx.on_undo(partial(self._restore, session_id, before))
        tx.after_commit(partial(self._waiting.wake, HELD))

    def release(self, tx: Transaction) -> bool:
        """Forget those whose wait is over; whether there were any."""
        now = self._clock.monotonic()
        over = {session_id: until for session_id, until in self._until.items() if until <= now}
        for session_id, until in over.items():
            del self._until[session_id]
            tx.on_undo(partial(self._restore, session_id, until))
        return bool(over)

    def next(self) -> float | None:
        """Seconds until the next one's wait is over."""
        return min(self._until.values()) - self._clock.monotonic() if self._until else None

    def _restore(self, session_id: str, until: float | None) -> None:
        if until is None:
            self._until.pop(session_id, None)
        else:
            self._until[session_id] = until

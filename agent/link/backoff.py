"""When to try the router again: pure decisions; waiting is elsewhere.

A window doubles from 1 s to 60 s. The try falls at a random moment inside it, and the next window begins only where
this one ends: so however many agents lost the same router, each window sees them spread evenly.
"""

from dataclasses import dataclass, replace

FIRST_WINDOW = 1.0  # seconds
MAX_WINDOW = 60.0
PROVEN_AFTER = 60.0  # seconds of a welcomed link before it counts as good


@dataclass(frozen=True, slots=True)
class Backoff:
    """The next try: at `attempt_at`, inside a window that ends at `window_ends`. Monotonic seconds."""

    window: float = 0.0
    attempt_at: float = 0.0
    window_ends: float = 0.0


def lost(backoff: Backoff, now: float, jitter: float, welcomed_for: float = 0.0) -> Backoff:
    """After a failed try or a lost link. `jitter` in [0, 1); `welcomed_for` is how long the link was good."""
    proven = welcomed_for >= PROVEN_AFTER
    window = FIRST_WINDOW if proven or not backoff.window else min(MAX_WINDOW, backoff.window * 2)
    begins = now if proven else max(now, backoff.window_ends)
    return Backoff(window, begins + jitter * window, begins + window)


def refused(backoff: Backoff, now: float, jitter: float) -> Backoff:
    """After the router did not accept this machine: soon would help nobody."""
    return lost(replace(backoff, window=MAX_WINDOW), now, jitter)


def told(backoff: Backoff, now: float, delay: float) -> Backoff:
    """After the router said when to come back, which it spreads over the agents itself."""
    return replace(backoff, attempt_at=now + delay, window_ends=now + delay)

"""When a command is tried again: pure decisions; sleeping is elsewhere."""

FIRST_DELAY = 2.0  # seconds
MAX_DELAY = 300.0
MAX_CHARGED = 8
MAX_CRASHES = 3  # restarts of the agent right after it was sent a command
CHARGE_WINDOW = 10.0  # a link that dies so soon after a send is counted against what was sent


def backoff(charged: int, jitter: float) -> float:
    """Seconds to wait after the n-th charged attempt; `jitter` in [0, 1) takes off up to half."""
    # Jitter inside a doubling window: sessions that failed together do not come back together.
    window = min(MAX_DELAY, FIRST_DELAY * 2.0 ** (charged - 1))
    return window * (1.0 - jitter / 2.0)


def exhausted(charged: int) -> bool:
    """Whether a command with so many charged attempts is given up."""
    return charged >= MAX_CHARGED

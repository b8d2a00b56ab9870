"""How many calls may come from one address or in one name: what each of them is told who asks for more."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from router.clock import Clock
from router.domain.credentials import Principal
from router.domain.errors import Reason, Refusal
from router.domain.rate_limit import RateLimit

# Calls a second, and how many at once. A network may be one address: two thousand agents that come back to a router
# ask for a proof each, and most of them twice.
STRANGERS = (500.0, 6_000.0)
REFUSED = (50.0, 1_000.0)
KEYS = (1_000.0, 10_000.0)
MACHINES = (100.0, 2_000.0)
OPEN = 1_000  # calls of one key, or machine, at the same time


class CallLimits:
    """Counts calls. On the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._strangers, self._refused = RateLimit(*STRANGERS), RateLimit(*REFUSED)
        self._keys, self._machines = RateLimit(*KEYS), RateLimit(*MACHINES)
        self._open: Counter[str] = Counter()

    def stranger(self, address: str) -> None:
        """A call that needs no credential. Raises Refusal."""
        _no_more(self._strangers.wait(address, self._clock.monotonic()), "from this address without a credential")

    def refused(self, address: str) -> None:
        """A credential that is none. Raises Refusal when there were too many; a good one is let in all the same."""
        _no_more(self._refused.wait(address, self._clock.monotonic()), "from this address with a wrong credential")

    def known(self, who: Principal) -> None:
        """A call of somebody with a credential. Raises Refusal."""
        limit = self._keys if who.key_id else self._machines
        _no_more(limit.wait(_name(who), self._clock.monotonic()), f"of {who.identity}")

    @contextmanager
    def open(self, who: Principal) -> Iterator[None]:
        """One of these, for as long as it lasts. Raises Refusal."""
        name = _name(who)
        if self._open[name] >= OPEN:
            raise Refusal(Reason.TOO_MANY_CALLS, f"{OPEN} calls of {who.identity} are open. End some first.", 1.0)
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


def _name(who: Principal) -> str:
    identity = who.identity
    return f"{identity.kind.value} {identity.identity}"


def _no_more(wait: float, whose: str) -> None:
    if wait:
        raise Refusal(Reason.TOO_MANY_CALLS, f"Too many calls {whose}. Come again in {wait:.1f} s.", retry_after=wait)

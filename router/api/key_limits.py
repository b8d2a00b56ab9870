"""Wrong API keys are counted by the address that they come from: whoever has too many is told when to come again.

A right key is looked at first and taken whatever came before it: on one machine all share one address. So this does not
stop whoever guesses, which the length of keys does. It tells a program with an old key to ask less often.
"""

from collections import OrderedDict
from dataclasses import dataclass

from router.domain.errors import Reason, Refusal

RATE, BURST = 1.0, 30.0  # wrong keys a second, and at once
_REMEMBERED = 1024  # addresses; bounds memory
_TOO_MANY = "Too many wrong API keys came from this address. `pointsman apikey list` shows which there are."


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


class WrongKeys:
    """One bucket for each address. Times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def check(self, peer: str, now: float, *, shown: bool) -> None:
        """A call came without a right key; `shown`: with a wrong one. Raises Refusal where there were too many."""
        address = peer.rpartition(":")[0]  # each connection has a port of its own
        bucket = self._buckets.pop(address, None) or _Bucket(BURST, now)
        self._buckets[address] = bucket  # as the newest
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.filled) * RATE)
        bucket.filled = now
        if shown and bucket.tokens < 1.0:
            raise Refusal(Reason.TOO_MANY_WRONG_KEYS, _TOO_MANY, retry_after=(1.0 - bucket.tokens) / RATE)
        bucket.tokens -= shown

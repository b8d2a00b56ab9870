"""Wrong API keys are counted by the address that they come from: whoever has too many is told when to come again.

A right key is looked at first and taken whatever came before it: on one machine all share one address. So this does not
stop whoever guesses, which the length of keys does. It tells a program with an old key to ask less often.
"""

from router.api.body_limits import address
from router.domain.errors import Reason, Refusal
from router.domain.rate_limit import RateLimit

RATE, BURST = 1.0, 30.0  # wrong keys a second, and at once
_TOO_MANY = "Too many wrong API keys came from this address. `pointsman apikey list` shows which there are."


class WrongKeys:
    """One bucket for each address. Times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._limit = RateLimit(RATE, BURST)

    def check(self, peer: str, now: float, *, shown: bool) -> None:
        """A call came without a right key; `shown`: with a wrong one. Raises Refusal where there were too many."""
        if shown and (wait := self._limit.wait(address(peer), now)):
            raise Refusal(Reason.TOO_MANY_WRONG_KEYS, _TOO_MANY, retry_after=wait)

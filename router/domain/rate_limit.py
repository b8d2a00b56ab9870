"""How many calls a second may come from one address, or in one name: a bucket of tokens for each."""

REMEMBERED = 10_000  # names at once


class RateLimit:
    """So many a second, and a burst. Times are monotonic, in seconds."""

    def __init__(self, rate: float, burst: float) -> None:
        self._each = 1.0 / rate
        self._ahead = burst / rate
        self._full: dict[str, float] = {}  # when the bucket of a name is full again; of others it is

    def wait(self, name: str, now: float) -> float:
        """Take a token. 0, or the seconds until there is one: then none was taken."""
        full = max(now, self._full.get(name, now)) + self._each
        if full - now > self._ahead:
            return full - now - self._ahead
        if len(self._full) >= REMEMBERED and name not in self._full:
            self._forget(now)
        self._full[name] = full
        return 0.0

    def _forget(self, now: float) -> None:
        self._full = {name: full for name, full in self._full.items() if full > now}
        # So many that are busy are a crowd with forged names: to begin anew costs less than to remember more.
        if len(self._full) >= REMEMBERED:
            self._full.clear()

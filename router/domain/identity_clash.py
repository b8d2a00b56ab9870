"""Two daemons with one identity: told from one that reconnects, and from one that restarts.

An agent process has an id that no other has. Once another process took over, an earlier one comes back only if both
live. Three such returns within a minute are no accident.
"""

from msgspec import Struct

WINDOW = 60.0  # seconds
RETURNS = 3


class Arrivals(Struct, frozen=True):
    """The processes that came under one identity lately, newest last, and when one came back. Monotonic seconds."""

    seen: tuple[tuple[str, float], ...] = ()
    returns: tuple[float, ...] = ()

    @property
    def clash(self) -> tuple[str, ...]:
        """The processes that take turns; empty while all is well."""
        return tuple(instance for instance, _ in self.seen[-2:]) if len(self.returns) >= RETURNS else ()


def arrived(arrivals: Arrivals, instance: str, now: float) -> Arrivals:
    """What is known after another hello."""
    since = now - WINDOW
    before = tuple(one for one in arrivals.seen if one[1] > since)
    back = any(known == instance for known, _ in before[:-1])
    others = tuple(one for one in before if one[0] != instance)
    returns = tuple(at for at in arrivals.returns if at > since)
    return Arrivals((*others, (instance, now)), (*returns, now) if back else returns)

"""How often a cloud may be asked: a bucket for each action on each thing, as Fly counts. Pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and so many at once."""

    per_second: float
    burst: int


READS, CHANGES = Rate(5.0, 10), Rate(1.0, 3)


@dataclass(slots=True)
class Buckets:
    """One for each name, full at first."""

    _left: dict[tuple[str, Rate], tuple[float, float]] = field(default_factory=dict)  # what is left, and when it was

    def take(self, name: str, rate: Rate, now: float) -> float:
        """Take one; the seconds to wait before it is used. `now` never goes back."""
        left, then = self._left.get((name, rate), (float(rate.burst), now))
        left = min(float(rate.burst), left + (now - then) * rate.per_second) - 1.0
        self._left[name, rate] = (left, now)
        return max(0.0, -left / rate.per_second)

    def rest(self, name: str, rate: Rate, seconds: float, now: float) -> None:
        """It says itself that it takes no more for so long."""
        self._left[name, rate] = (-seconds * rate.per_second, now)

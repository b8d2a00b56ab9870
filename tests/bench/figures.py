"""What a measurement says."""

from dataclasses import dataclass
from statistics import median

Figures = dict[str, float]
"""What one measurement found, by name: seconds, bytes, or counts."""


@dataclass(frozen=True)
class Run:
    """Latencies in seconds, and how long all of them took together."""

    latencies: list[float]
    elapsed: float

    @property
    def p50(self) -> float:
        return median(self.latencies)

    @property
    def p99(self) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.elapsed


def middle(values: list[float]) -> float:
    """The median over rounds: machines swing between minutes."""
    return median(values)

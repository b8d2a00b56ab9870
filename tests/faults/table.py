"""What a run prints: a row for each kind of fault, and whether every promise was kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.faults.checker import Verdict

HEADS = ("fault", "times", "accepted", "lost", "twice", "disorder", "uncertain", "found p50/p99", "back p50/p99", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault. Times in seconds.

    `remarks` are figures of its own, `failures` what must not be. `late` says which times were not kept: `make faults`
    judges them, on a machine of its own; a test, which has none, does not.
    """

    fault: str
    injected: int
    verdict: Verdict | None = None
    found: Sequence[float] = ()
    back: Sequence[float] = ()
    remarks: Sequence[str] = ()
    failures: Sequence[str] = ()
    late: Sequence[str] = ()

    @property
    def problems(self) -> list[str]:
        """Why this row is not good; empty when it is. A fault that never fired proves nothing."""
        broken = self.verdict.broken if self.verdict else {}
        return [
            *(["no fault fired"] if not self.injected else []),
            *(["nothing was sent"] if self.verdict and not self.verdict.accepted else []),
            *(f"{name}: {_some(texts)}" for name, texts in broken.items()),
            *self.failures,
        ]

    def cells(self) -> tuple[str, ...]:
        verdict = self.verdict
        judged = ("-",) * 5
        if verdict:
            counts = (verdict.accepted, *map(len, (verdict.lost, verdict.duplicated, verdict.out_of_order)))
            judged = (*map(str, counts), str(len(verdict.uncertain)))
        not_kept = (f"NOT KEPT: {problem}" for problem in [*self.problems, *self.late])
        end = "; ".join([*self.remarks, *not_kept])
        return (self.fault, str(self.injected), *judged, _spread(self.found), _spread(self.back), end)


def quantile(values: Sequence[float], part: float) -> float:
    """The value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def rendered(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEADS, ("---",) * len(HEADS), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _spread(seconds: Sequence[float]) -> str:
    return f"{quantile(seconds, 0.5):.2f} / {quantile(seconds, 0.99):.2f} s" if seconds else "-"


def _some(texts: Iterable[str]) -> str:
    ordered = sorted(texts)
    return f"{len(ordered)} ({', '.join(ordered[:3])}{', …' if len(ordered) > 3 else ''})"

"""What rounds have found, as rows: for people, for programs, for a page."""

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import Figures, middle
from tests.bench.programs import ROOT
from tests.bench.rows import SECTIONS, Beside, Bound, Row

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass
class Results:
    """Figures by PART.NAME and round."""

    rounds: dict[str, dict[int, float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # parts that could not be measured: how to install them
    failures: list[str] = field(default_factory=list)

    def add(self, part: str, number: int, figures: Figures) -> None:
        for name, figure in figures.items():
            self.rounds.setdefault(f"{part}.{name}", {})[number] = figure

    def has(self, part: str) -> bool:
        return any(name.startswith(f"{part}.") for name in self.rounds)

    def figure(self, name: str) -> float | None:
        return middle([*self.rounds[name].values()]) if name in self.rounds else None

    def ratio(self, name: str, other: str) -> float | None:
        """The median of what each round says: its two figures saw the same weather."""
        ours, theirs = self.rounds.get(name, {}), self.rounds.get(other, {})
        ratios = [ours[number] / theirs[number] for number in ours.keys() & theirs.keys()]
        return middle(ratios) if ratios else None

    def rows(self, section: str) -> list["Found"]:
        return [found for row in SECTIONS[section] if (found := self._found(row))]

    def _found(self, row: Row) -> "Found | None":
        value = self.figure(row.figure)
        if value is None:
            return None
        compared = [(beside, self.ratio(row.figure, beside.figure)) for beside in row.beside]
        return Found(row, value, [(beside, ratio) for beside, ratio in compared if ratio is not None])


@dataclass(frozen=True)
class Found:
    """A row with what was found."""

    row: Row
    value: float
    beside: list[tuple[Beside, float]]

    @property
    def figure(self) -> str:
        return self.row.unit.written(self.value) + _wanted(self.row.wanted, self.value, self.row)

    @property
    def compared(self) -> str:
        return "; ".join(f"{ratio:.2f} {TIMES} {one.words}{_wanted(one.wanted, ratio)}" for one, ratio in self.beside)

    def as_json(self) -> dict[str, Any]:
        beside = [{"figure": one.figure, "times": ratio, **_judged(one.wanted, ratio)} for one, ratio in self.beside]
        judged = _judged(self.row.wanted, self.value)
        return {"row": self.row.words, "figure": self.row.figure, "value": self.value, **judged, "beside": beside}


def _wanted(bound: Bound | None, value: float, row: Row | None = None) -> str:
    if bound is None:
        return ""
    number = bound.most if bound.most is not None else bound.least
    text = row.unit.written(number or 0.0) if row else f"{number:g}"
    sign = "≤" if bound.most is not None else "≥"
    return f" ({sign} {text})" if bound.holds(value) else f" (not {sign} {text})"


def _judged(bound: Bound | None, value: float) -> dict[str, Any]:
    return {} if bound is None else {"wanted": str(bound), "holds": bound.holds(value)}


@dataclass(frozen=True)
class Circumstances:
    """Where, of what and how."""

    machine: str
    commit: str
    command: str

    @classmethod
    def here(cls, command: str) -> "Circumstances":
        machine = (
            f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
            f"grpcio {importlib.metadata.version('grpcio')}, SQLite {sqlite3.sqlite_version}, loopback"
        )
        return cls(machine, _commit(), command)


def lines(results: Results) -> Iterator[str]:
    """The table for a terminal."""
    for section in SECTIONS:
        if found := results.rows(section):
            yield f"\n{section}"
            yield from (f"  {each.row.words:<56} {each.figure:>14}   {each.compared}".rstrip() for each in found)
    yield from (f"not measured: {name}; it needs: {install}" for name, install in results.missing.items())
    yield from (f"failed: {failure}" for failure in results.failures)


def document(results: Results, of: Circumstances) -> dict[str, Any]:
    """The table for programs."""
    rows = {section: [found.as_json() for found in results.rows(section)] for section in SECTIONS}
    return {
        "machine": of.machine, "commit": of.commit, "command": of.command, "missing": results.missing,
        "failures": results.failures,
        "rounds": results.rounds, "sections": {name: found for name, found in rows.items() if found},
    }  # fmt: skip


def _commit() -> str:
    """With a plus where the tree holds more than it, but for the page that the bench writes."""
    changed = _git("status", "--porcelain", "--", ":/", ":(exclude,top)docs/performance.md")
    return _git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    return done.stdout.strip() or ("" if done.returncode == 0 else "unknown")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

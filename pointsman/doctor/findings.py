"""A finding: one thing that was looked at, how bad it is, and its cure."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    found: str
    cure: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def warn(check: str, found: str, cure: str = "") -> Finding:
    """It works, and should be looked at."""
    return Finding(check, Level.WARN, found, cure)


def fail(check: str, found: str, cure: str) -> Finding:
    """It does not work; `doctor` exits with 1."""
    return Finding(check, Level.FAIL, found, cure)

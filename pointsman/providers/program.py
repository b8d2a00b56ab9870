"""Programs that providers say their verbs to: asked once, for so long."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pointsman.providers.provider import ProviderError, Unsure


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended."""

    code: int
    out: str
    error: str


class Run(Protocol):
    """Runs a program that reads `given`, for `patience` seconds at most."""

    def __call__(self, argv: Sequence[str], patience: float, given: str = "") -> Result:
        """Raises Unsure where it does not end in time, ProviderError where it cannot be begun."""


def run(argv: Sequence[str], patience: float, given: str = "") -> Result:
    """As Run says."""
    try:
        done = subprocess.run(
            argv, input=given, capture_output=True, text=True, errors="replace", timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unsure(f"{argv[0]} {argv[1]} did not end within {patience:.0f} s") from None
    except OSError as error:
        raise ProviderError(f"{argv[0]} cannot be run: {error.strerror}") from None
    return Result(done.returncode, done.stdout, done.stderr)

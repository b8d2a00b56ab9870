"""A real coding agent that speaks ACP, with a tap before it: what it was really told, life by life."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.fakes.acp_programs import AcpHome

TAP = Path(__file__).with_name("acp_tap.py")


@dataclass(frozen=True, slots=True)
class Prompted:
    """A text that it was given. `end` is why its turn ended; empty where it never did, in that life."""

    text: str
    end: str
    in_a_turn: bool  # an earlier one was not over


class TappedAgent:
    """One in a home of its own, and the account of its standard input."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        home = AcpHome(name, folder, url)
        self._rows = folder / "tapped"
        self._rows.touch()
        program = home.bin / home.program.bin_name
        program.unlink()
        argv = [sys.executable, "-I", "-S", str(TAP), str(self._rows), str(home.program.path)]
        program.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
        program.chmod(0o700)
        self.environ = home.environ

    @property
    def prompted(self) -> list[Prompted]:
        """What it was given, in order, over all its lives."""
        return read(self._rows.read_text().splitlines())

    @property
    def is_at_work(self) -> bool:
        """A turn is not over."""
        return bool(self.prompted) and not self.prompted[-1].end

    @property
    def lives(self) -> list[int]:
        """The process ids of all that were started; each leads its group."""
        rows = map(json.loads, self._rows.read_text().splitlines())
        return [row["began"] for row in rows if "began" in row]

    @property
    def is_alive(self) -> bool:
        """The newest runs."""
        return bool(self.lives) and psutil.pid_exists(self.lives[-1])

    def kill(self) -> None:
        """End the newest as nobody can expect; without harm where it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.lives[-1], signal.SIGKILL)


def read(lines: Sequence[str]) -> list[Prompted]:
    """The account that a tap's rows are."""
    found: list[Prompted] = []
    open_ones: dict[object, int] = {}
    for row in map(json.loads, lines):
        if "began" in row:
            open_ones.clear()
        elif "prompt" in row:
            open_before = bool(open_ones)
            open_ones[row["id"]] = len(found)
            found.append(Prompted(row["prompt"], "", in_a_turn=open_before))
        elif "end" in row and row["id"] in open_ones:
            at = open_ones.pop(row["id"])
            found[at] = Prompted(found[at].text, row["end"], found[at].in_a_turn)
    return found

"""Programs of this account that run in a terminal, by name."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.domain.session import Process
from agent.processes import identify

_NO_TERMINAL = 0
_TERMINAL = 4  # of proc(5)'s fields behind the name


@dataclass(frozen=True, slots=True)
class Found:
    """One program that a person has open."""

    name: str
    process: Process
    cwd: str
    argv: tuple[str, ...]
    environ: Mapping[str, str]


YOUNG = 3  # looks; what forks first and then becomes another program has done so by then
ALL_AGAIN = 15  # looks; a shell may become another program at any time


class Programs:
    """Those that call themselves so and have a terminal. Most processes are others', and stay so: of them the list of
    all is read at each look, and their names only while they are young, or once in some looks.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._others: dict[int, int] = {}  # by pid: in how many looks they were none of these
        self._looks = 0

    def look(self) -> list[Found]:
        """Those that run now."""
        before = {} if self._looks % ALL_AGAIN == 0 else self._others
        self._looks += 1
        self._others, found = {}, []
        for pid in (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal()):
            if before.get(pid, 0) >= YOUNG:
                self._others[pid] = YOUNG
            elif (name := _name(pid)) not in self._names:
                self._others[pid] = before.get(pid, 0) + 1
            elif _is_on_a_terminal(pid) and (one := _found(name, pid)):
                found.append(one)
        return found


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has just ended
        return ""


def _is_on_a_terminal(pid: int) -> bool:
    place = Path(f"/proc/{pid}")
    try:
        fields = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return place.stat().st_uid == os.geteuid() and int(fields[_TERMINAL]) != _NO_TERMINAL
    except OSError:
        return False


def _found(name: str, pid: int) -> Found | None:
    process = identify(pid)
    try:
        running = psutil.Process(pid)
        if process is None:
            return None
        return Found(name, process, running.cwd(), tuple(running.cmdline()), running.environ())
    except psutil.Error:
        return None

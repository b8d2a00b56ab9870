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


def running(names: Collection[str]) -> list[Found]:
    """Those that call themselves so and have a terminal. Looks at each process: some milliseconds."""
    pids = (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal())
    seen = (_found(name, pid) for pid in pids if (name := _name(pid)) in names and _is_on_a_terminal(pid))
    return [one for one in seen if one is not None]


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

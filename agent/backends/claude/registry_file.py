"""Claude Code as seen from outside: what the one in front of a terminal is doing, by its own registry.

It keeps a file per process, `sessions/<pid>.json` in its configuration folder, and rewrites it on each change; that is
right within about 0.1 s (seen with 2.1.197 and 2.1.329). Every open dialog counts as waiting: permission questions, and
panels such as /config too.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import psutil

from agent import processes
from agent.backends.terminals.typing_rules import CLAUDE

NO_DIALOG = r'"status": *"(idle|busy)"'
"""Stands in its registry entry only while no dialog is open."""

STARTING = 1.5
"""Seconds from its start in which keys may be lost."""


class Doing(Enum):
    """What it is doing."""

    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"  # a dialog is open: an Enter would confirm it
    UNKNOWN = "unknown"  # it starts, or is too old to tell


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. `waiting_for` is its own word: "permission prompt", "input needed", "dialog open"."""

    doing: Doing
    waiting_for: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class ClaudeCode:
    """One running program."""

    pid: int
    folder: Path
    """Where it keeps its configuration."""

    cwd: Path

    @property
    def file(self) -> Path:
        """Its entry in the registry."""
        return self.folder / "sessions" / f"{self.pid}.json"

    def look(self) -> Seen:
        """What it is doing now."""
        record = self.record()
        if record is None or 0 <= time.time() - _number(record, "startedAt") / 1000 < STARTING:
            return Seen(Doing.UNKNOWN)
        status, waiting_for, session_id = (str(record.get(key, "")) for key in ("status", "waitingFor", "sessionId"))
        doing = Doing(status) if status in _STATUSES else Doing.UNKNOWN
        return Seen(doing, waiting_for, session_id)

    def record(self) -> dict[str, object] | None:
        """What the registry has of it; None when there is no entry, or it is half-written or of another format."""
        try:
            record = json.loads(self.file.read_bytes())
        except (OSError, ValueError, RecursionError):  # also a file that is being rewritten just now
            return None
        if not isinstance(record, dict) or record.get("pid") != self.pid:
            return None
        # An entry that a killed process left behind may meet a later one with its number.
        ticks = processes.start_ticks(self.pid)
        return record if not ticks or record.get("procStart", ticks) == ticks else None


_STATUSES = {doing.value for doing in Doing}


def in_front(pid: int) -> ClaudeCode | None:
    """The Claude Code that gets the keys of the terminal in which the process `pid` runs; None for other programs."""
    leader = processes.front(pid) or pid
    if leader <= 0:
        return None
    candidates = [leader]  # mostly it leads its group
    if not CLAUDE.fullmatch(name(leader)):  # started by a script, it shares the script's group
        candidates += [child for child in processes.below(leader) if _group(child) == leader]
    for candidate in candidates:
        with suppress(psutil.Error):  # it has just ended, or is somebody else's
            found = _claude(psutil.Process(candidate))
            if found.record() is not None or CLAUDE.fullmatch(name(found.pid)):
                return found
    return None


def holder(folder: Path, conversation_id: str) -> int | None:
    """The process that has this conversation open, of those that keep their configuration there; None for none."""
    for file in (folder / "sessions").glob("*.json"):
        if not file.stem.isdecimal() or processes.identify(int(file.stem)) is None:
            continue
        record = ClaudeCode(int(file.stem), folder, folder).record()
        if record is not None and record.get("sessionId") == conversation_id:
            return int(file.stem)
    return None


def name(pid: int) -> str:
    """What a process calls itself; empty when that cannot be told."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return ""
    return Path(words[0]).name if words else ""


def _claude(running: psutil.Process) -> ClaudeCode:
    environ = running.environ()
    folder = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME', '')}/.claude"
    return ClaudeCode(running.pid, Path(folder), Path(running.cwd()))


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _number(record: dict[str, object], key: str) -> float:
    value = record.get(key)
    try:
        return float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:  # JSON's numbers have no end
        return 0.0

"""Processes told apart from later ones with the same pid."""

import fcntl
import os
import resource
import sys
import termios
from contextlib import suppress
from pathlib import Path

import psutil

from agent.domain.session import Process

_HAS_PROC = os.path.exists("/proc/self/stat")  # noqa: PTH110 -- as below
_HAS_CHILDREN = os.path.exists("/proc/thread-self/children")  # noqa: PTH110 -- not of every kernel

_TICKS = os.sysconf("SC_CLK_TCK")  # in a second
_boot_time = psutil.boot_time() if _HAS_PROC else 0.0
"""As it was when this process began: the kernel tells another one whenever somebody sets the wall clock, and what ran
before would be taken for something else with its pid. Between two agents `clock_steps` moves what is kept."""

_SLACK = 2.0
"""Seconds by which the start of one process may seem to move: the kernel gives it relative to a rounded boot time."""


# As whoever started the agent has it: this is loaded before the agent's own is set to 0.
_core_limit = resource.getrlimit(resource.RLIMIT_CORE)


def give_limits_back() -> None:
    """In a program's process, before it begins: people's programs have their limits, and crash as they like."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, _core_limit)


def identify(pid: int) -> Process | None:
    """The process that has this pid now; None when there is none, or only its corpse."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        ticks = start_ticks(pid)
        return Process(pid, _boot_time + int(ticks) / _TICKS if ticks else process.create_time())
    except psutil.Error:
        return None


def is_running(process: Process) -> bool:
    """Whether this very process still runs."""
    now = identify(process.pid)
    return now is not None and abs(now.started - process.started) <= _SLACK


def is_within(process: Process, root: int) -> bool:
    """Whether this very process still runs, as the process `root` or as a descendant of it."""
    return is_running(process) and is_within_tree(process.pid, root)


def front(pid: int) -> int | None:
    """The leader of the process group that the terminal of this process listens to; None where nobody can tell."""
    fields = _stat(pid)
    foreground = int(fields[5]) if fields else 0  # after state, parent, group, session and terminal
    return foreground if foreground > 0 else None


def start_ticks(pid: int) -> str:
    """When it started, as the kernel counts; empty where nobody can tell."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def _stat(pid: int) -> list[str]:
    """What proc(5) says of a process, from its state on; nothing where there is no such file."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def is_in_front(process: Process) -> bool:
    """Whether keys would reach this process, or something it started; true where nobody can tell.

    A suspended program is alive, but what is typed goes to the shell that it came from: also before that shell has
    noticed, for what nobody has read by then is the shell's to read.
    """
    leader = front(process.pid)
    if leader is None:
        return True
    if _stat(leader)[:1] == ["T"]:
        return False
    try:
        return os.getpgid(process.pid) == leader or is_within_tree(leader, process.pid)
    except ProcessLookupError:
        return False


def is_within_tree(pid: int, root: int) -> bool:
    """Whether the process is `root` or a descendant of it."""
    while pid != root:
        fields = _stat(pid)
        if not fields:
            return not _HAS_PROC and _is_within_tree(pid, root)
        pid = int(fields[1])  # behind its state
    return pid > 0


def _is_within_tree(pid: int, root: int) -> bool:
    try:
        return root in [parent.pid for parent in psutil.Process(pid).parents()]
    except psutil.Error:
        return False


def below(pid: int) -> list[int]:
    """All descendants of a process, as far as can be seen."""
    found: list[int] = []
    left = [pid]
    while left:
        try:
            # Of each thread: whichever has started a process is what the kernel has as its parent.
            tasks = [task / "children" for task in Path(f"/proc/{left.pop()}/task").iterdir()]
            children = [int(word) for task in tasks for word in task.read_text().split()]
        except OSError:
            if not _HAS_CHILDREN:
                return _below(pid)
            continue  # it has just ended
        found += children
        left += children
    return found


def _below(pid: int) -> list[int]:
    """The same by a look at every process of the machine."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def lineage(process: Process) -> list[tuple[int, str]]:
    """The process and its ancestors, nearest first: pid and name. As far as can be seen; empty when it is gone."""
    found: list[tuple[int, str]] = []
    with suppress(psutil.Error):
        one: psutil.Process | None = psutil.Process(process.pid)
        while one is not None:
            found.append((one.pid, one.name()))
            one = one.parent()
    return found


def folder(pid: int) -> str:
    """Its working folder; empty when that cannot be told."""
    try:
        return psutil.Process(pid).cwd()
    except psutil.Error:
        return ""


def unread(pid: int) -> int:
    """Bytes typed into its terminal that it has not read; 0 where nobody can tell, or none is complete in a line."""
    try:
        terminal = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0
    finally:
        os.close(terminal)

"""Processes told apart from later ones with the same pid."""

from contextlib import suppress

import psutil

from agent.domain.session import Process

_SLACK = 2.0
"""Seconds by which the start of one process may seem to move: the kernel gives it relative to a rounded boot time."""


def identify(pid: int) -> Process | None:
    """The process that has this pid now; None when there is none, or only its corpse."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Process(pid, process.create_time())
    except psutil.Error:
        return None


def is_running(process: Process) -> bool:
    """Whether this very process still runs."""
    now = identify(process.pid)
    return now is not None and abs(now.started - process.started) <= _SLACK


def is_within(process: Process, root: int) -> bool:
    """Whether this very process still runs, as the process `root` or as a descendant of it."""
    if not is_running(process):
        return False
    try:
        return root in (process.pid, *(parent.pid for parent in psutil.Process(process.pid).parents()))
    except psutil.Error:
        return False


def lineage(process: Process) -> list[tuple[int, str]]:
    """The process and its ancestors, nearest first: pid and name. As far as can be seen; empty when it is gone."""
    found: list[tuple[int, str]] = []
    with suppress(psutil.Error):
        one: psutil.Process | None = psutil.Process(process.pid)
        while one is not None:
            found.append((one.pid, one.name()))
            one = one.parent()
    return found

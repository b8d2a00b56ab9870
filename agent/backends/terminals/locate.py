"""Where a program runs that nobody registered: which terminal it is in, and so how it can be typed into."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent import processes
from agent.backends.terminals.keyboard import TerminalError
from agent.backends.terminals.tmux_server import TmuxServer
from agent.domain.session import Process

_LIMIT = 2.0  # seconds for tmux, which takes 5 ms: a hook waits for the answer


@dataclass(frozen=True, slots=True)
class Location:
    """A backend's name, and its address of the program."""

    backend: str
    target: Mapping[str, str] = field(default_factory=dict)


NOWHERE = Location("hooks")
"""A terminal that cannot be typed into from outside: the program is known by its hooks alone."""


async def locate(program: Process, environ: Mapping[str, str]) -> Location:
    """The innermost of the terminals that the environment names and the program is really in.

    Variables are inherited: by what was started from a terminal and runs elsewhere now, and through one terminal
    inside another. The chain of parents tells which of them is nearest.
    """
    pane, pane_process = await _pane(environ)
    below = program.pid
    for pid, name in await asyncio.to_thread(processes.lineage, program):
        if environ.get("NVIM") and name.startswith("nvim"):  # which may itself be the pane's process
            return Location("nvim", {"socket": environ["NVIM"], "job": str(below)})
        if pid == pane_process:
            return Location("tmux", {"pane": pane, "server": _server(environ)})
        below = pid  # nvim names its terminals by the process it started, which is the one below it
    return NOWHERE


async def _pane(environ: Mapping[str, str]) -> tuple[str, int]:
    """The tmux pane that the environment names, and the process in it; 0 when there is none."""
    wanted = environ.get("TMUX_PANE", "")
    if not wanted or not environ.get("TMUX"):
        return "", 0
    try:
        answer = await TmuxServer(_server(environ), _LIMIT).run(
            "display-message", "-p", "-t", wanted, "#{pane_id} #{pane_pid}"
        )
    except TerminalError:
        return "", 0
    pane, _, pid = answer.partition(" ")
    return (pane, int(pid)) if pane == wanted and pid.isdigit() else ("", 0)


def _server(environ: Mapping[str, str]) -> str:
    return environ.get("TMUX", "").rsplit(",", 2)[0]

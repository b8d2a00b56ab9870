"""A session as its machine knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class SessionState(Enum):
    """What the program in the session is doing, as far as can be told."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be confused with a later one that got the same pid."""

    pid: int
    started: float  # seconds since the epoch, as the kernel tells it


@dataclass(frozen=True, slots=True)
class Session:
    """One program that can be typed into.

    `target` is the backend's own address of it (a tmux pane, a shell command); the agent stores it and never reads it.
    `process` is checked before every write: panes and sockets get reused.
    """

    session_id: str
    backend: str
    label: str = ""
    cwd: str = ""
    generation: int = 1
    state: SessionState = SessionState.UNKNOWN
    target: Mapping[str, str] = field(default_factory=dict)
    process: Process | None = None

"""A session as its machine knows it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from agent.domain.command import Reason
from agent.domain.control import ControlKind
from agent.domain.errors import Refusal

MAX_LABEL = 200  # characters; it heads every message of the session
MAX_HEADLESS = 32  # programs that the agent runs at once unless told otherwise: each takes about 230 MB
_CLOCK_STEP = 2.0  # seconds by which the kernel may tell a start differently after the clock was set
_ID = re.compile(r"[A-Za-z0-9._:@/-]{1,128}")  # it stands in logs and command lines
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # as Claude Code names its conversations
_DRESSED = re.compile(rf"(?:session_|cse_)?({UUID.pattern})", re.IGNORECASE)


class SessionState(Enum):
    """What the program in the session is doing, as far as can be told."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"  # for its person: a permission, an answer
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be confused with a later one that got the same pid."""

    pid: int
    started: float  # seconds since the epoch, as the kernel tells it

    def is_same(self, other: "Process | None") -> bool:
        """Whether both are one process. The kernel's start times move by a second when the clock is set."""
        return other is not None and self.pid == other.pid and abs(self.started - other.started) <= _CLOCK_STEP


MOST_EARLIER = 20


@dataclass(frozen=True, slots=True)
class Conversation:
    """The coding agent that talks in a session, as its own hooks tell of it.

    `conversation_id` is the program's own id of the talk; it changes with /clear while the session stays. `process` is
    the program itself, which need not be the one that the session was registered with (a shell, say). `folder` is where
    it keeps its files: its list of running sessions, `sessions/<pid>.json`, is the best word on what it does. `earlier`
    are the records of talks that went before in this session: while no router is there, several may come and go.
    """

    conversation_id: str
    process: Process
    folder: str
    transcript: str = ""
    earlier: tuple[str, ...] = ()

    def behind(self, before: "Conversation | None") -> "Conversation":
        """The same as the next in a session, behind another one."""
        if before is None:
            return self
        left = (before.transcript,) if before.transcript not in ("", self.transcript) else ()
        return replace(self, earlier=(*before.earlier, *left)[-MOST_EARLIER:])


@dataclass(frozen=True, slots=True)
class Session:
    """One program that can be typed into.

    `target` is the backend's own address of it (a tmux pane, a shell command); the agent stores it and never reads it.
    `process` is checked before every write: panes and sockets get reused. `conversation` is there while a coding agent
    with hooks runs in it, and after its end, so that a talk that is taken up again finds its session. `waiting_for` is
    what a program in the state WAITING wants of its person, in its own words ("permission prompt"). `ends_at`, in
    seconds since the epoch, is there for one that was started from afar: then its time is over. With `keep` it gets
    more. `waits_since` is there while it is WAITING, which is none of its time. `limited_until`, in seconds since
    the epoch as the program says it, is there from when its account came to a usage limit until it has taken another
    prompt. `mode` and `model` are those of its program, as it was last heard of; `modes` and `controls` are what can be
    chosen and changed from afar.
    """

    session_id: str
    backend: str
    label: str = ""
    cwd: str = ""
    generation: int = 1
    state: SessionState = SessionState.UNKNOWN
    target: Mapping[str, str] = field(default_factory=dict)
    process: Process | None = None
    conversation: Conversation | None = None
    waiting_for: str = ""
    ends_at: float | None = None
    keep: bool = False
    waits_since: float | None = None
    mode: str = ""
    model: str = ""
    modes: tuple[str, ...] = ()
    controls: tuple[ControlKind, ...] = ()
    limited_until: float = 0.0

    def become(self, state: SessionState, waiting_for: str, now: float) -> "Session":
        """It is in this state from now on, in seconds since the epoch."""
        waits_since = (self.waits_since or now) if state is SessionState.WAITING else None
        waited = now - self.waits_since if self.waits_since and not waits_since else 0.0  # a person may sleep over it
        ends_at = None if self.ends_at is None else self.ends_at + waited
        return replace(self, state=state, waiting_for=waiting_for, ends_at=ends_at, waits_since=waits_since)

    def is_restart_of(self, earlier: "Session") -> bool:
        """Whether this is another program under the same id: what was meant for the earlier one is not for this."""
        if earlier.state is SessionState.ENDED or self.backend != earlier.backend:
            return True
        if self.process is None or earlier.process is None:
            # Nothing better to tell them by.
            return self.process is not earlier.process or self.target != earlier.target
        return not self.process.is_same(earlier.process)


def bare_id(session_id: str) -> str:
    """One spelling for ids that differ only in their dress: session_<uuid>, cse_<uuid> and <uuid> are one session."""
    match = _DRESSED.fullmatch(session_id)
    return match[1].lower() if match else session_id


def checked_id(value: str, field_name: str) -> str:
    """The id itself. Raises Refusal naming the field when it is not well-formed."""
    if not _ID.fullmatch(value):
        text = f"{field_name} must be 1 to 128 of the characters A-Z a-z 0-9 . _ : @ / -; got {value[:40]!r}"
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    return value


def checked_label(value: str) -> str:
    """The label itself. Raises Refusal when it is longer than 200 characters."""
    if len(value) > MAX_LABEL:
        raise Refusal(Reason.TOO_LARGE, f"label is {len(value)} characters long; the limit is {MAX_LABEL}")
    return value

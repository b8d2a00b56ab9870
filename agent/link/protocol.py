"""One link to the router as a protocol without I/O: frames and times in, frames and events out. A driver carries them.

    GREETING ──welcome──▶ WELCOMED ──drain──▶ DRAINING
        └───────── silence, unreadable frames ─────────▶ the link's Ending

Everything about what may come when, what is still unacknowledged, and when a link is dead, lives here; nothing here
knows a stream, a database or a clock. A frame of another epoch than the link's changes nothing.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from agent.domain.command import Command
from agent.domain.frames import (
    AgentFrame,
    Cancel,
    CommandMark,
    CommandResult,
    Commands,
    Drain,
    Durable,
    FrameError,
    Heartbeat,
    OfSessions,
    Results,
    RouterFrame,
    Up,
    UpstreamAck,
    Welcome,
)

PROTOCOL = 1
WELCOME_TIMEOUT = 15.0  # seconds; the router gives a hello 10 s
DEFAULT_INTERVAL = 20.0  # seconds, where welcome names none
GRACE = 10.0  # seconds beyond two unanswered heartbeats, where welcome names no limit
UPSTREAM_WINDOW = 256  # durable frames that may be unacknowledged
RESULTS_IN_A_FRAME = 64  # of up to 4 KiB each: well below the frame limit
MAX_UNREADABLE = 3
STORED_AT_ONCE = 256  # commands: the router, which sends more ahead, works on their receipts while the next are stored


class End(Enum):
    """Why a link is over."""

    LOST = "lost"
    SILENT = "silent"
    REFUSED = "refused"  # the router does not accept this machine
    CLOCK_SKEW = "clock skew"
    DRAINED = "drained"
    STOPPED = "stopped"
    DISK = "disk"  # the inbox cannot be written


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a link. `retry_after` in seconds where the router said it; `router_time` where it told its clock.

    `reason` as the protocol names it, where the router gave one.
    """

    end: End
    text: str = ""
    retry_after: float | None = None
    router_time: float | None = None
    reason: str = ""


class Phase(Enum):
    """Where a link stands."""

    GREETING = "greeting"
    WELCOMED = "welcomed"
    DRAINING = "draining"


Event = Welcome | Commands | Cancel | UpstreamAck | Drain | FrameError | OfSessions


class Link:
    """The state of one link. `now` is monotonic, in seconds."""

    def __init__(self, now: float) -> None:
        self.phase = Phase.GREETING
        self.epoch = 0
        self.acked = 0
        self.sent = 0
        self.welcomed_at: float | None = None
        self._last_frame = now
        self._interval = DEFAULT_INTERVAL
        self._timeout = WELCOME_TIMEOUT
        self._next_heartbeat = now + WELCOME_TIMEOUT
        self._nonce = 0
        self._unreadable = 0

    def frame(self, body: Up) -> AgentFrame:
        """A frame of this link."""
        return AgentFrame(self.epoch, body)

    def receive(self, frame: RouterFrame, now: float) -> Event | Ending | None:
        """What follows from a frame: an event, the end, or nothing."""
        if self.phase is Phase.GREETING:
            return self._first(frame, now)
        if frame.link_epoch != self.epoch:  # late words of an earlier link
            return None
        self._last_frame = now
        match frame.body:
            case UpstreamAck(acked_seq):
                self.acked = max(self.acked, min(acked_seq, self.sent))  # never beyond what was sent, never back
                return frame.body
            case Drain():
                self.phase = Phase.DRAINING
                return frame.body
            case Commands() | Cancel() | FrameError():
                return frame.body
            case body if isinstance(body, OfSessions):
                return body
            case _:
                return None

    def unreadable(self, now: float) -> Ending | None:
        """What follows from bytes that are no frame: the third time, the end."""
        self._last_frame = now
        self._unreadable += 1
        return Ending(End.LOST, "three unreadable frames") if self._unreadable >= MAX_UNREADABLE else None

    def tick(self, now: float, depth: int, typed: Callable[[], tuple[str, ...]] = tuple) -> Ending | AgentFrame | None:
        """What follows from the passing of time: the end, a heartbeat, or nothing."""
        if now >= self._last_frame + self._timeout:
            return Ending(End.SILENT, f"no frame from the router for {self._timeout:.0f} s")
        if self.phase is Phase.GREETING or now < self._next_heartbeat:
            return None
        lag = now - self._next_heartbeat
        self._next_heartbeat = now + self._interval
        self._nonce += 1
        return self.frame(Heartbeat(self._nonce, depth, lag, typed()))

    def wakes_at(self) -> float:
        """When `tick` has something to say unless a frame comes first."""
        return min(self._last_frame + self._timeout, self._next_heartbeat)

    def room(self) -> int:
        """How many more durable frames may be sent now."""
        return 0 if self.phase is Phase.GREETING else UPSTREAM_WINDOW - (self.sent - self.acked)

    def upstream(self, rows: Sequence[Durable]) -> list[AgentFrame]:
        """Frames for rows of the outbox, which must be the next ones after `sent`."""
        if rows:
            self.sent = rows[-1].seq
        return [self.frame(body) for body in _grouped(rows)]

    def _first(self, frame: RouterFrame, now: float) -> Event | Ending | None:
        welcome = frame.body
        if not isinstance(welcome, Welcome):
            return None
        if welcome.protocol != PROTOCOL:
            text = f"the router chose protocol {welcome.protocol}; this agent speaks {PROTOCOL}. Update either."
            return Ending(End.REFUSED, text)
        self.phase = Phase.WELCOMED
        self.epoch = welcome.link_epoch
        self.acked = self.sent = welcome.upstream_acked_seq  # what was on its way on the last link is sent again
        self.welcomed_at = self._last_frame = now
        self._interval = welcome.heartbeat_interval or DEFAULT_INTERVAL
        self._timeout = welcome.heartbeat_timeout or 2 * self._interval + GRACE
        self._next_heartbeat = now + self._interval
        return welcome


def gathered(todo: deque[Event]) -> tuple[Command, ...]:
    """Takes out the next commands, as many as are stored at once; none where another event comes first."""
    commands: list[Command] = []
    while todo and isinstance(head := todo[0], Commands) and len(commands) < STORED_AT_ONCE:
        commands += head.commands
        todo.popleft()
    if rest := commands[STORED_AT_ONCE:]:
        todo.appendleft(Commands(tuple(rest)))
    return tuple(commands[:STORED_AT_ONCE])


def _grouped(rows: Sequence[Durable]) -> Iterator[Results | Durable]:
    """Neighbouring results share a frame; everything else has its own."""
    gathered: list[tuple[int, CommandResult | CommandMark]] = []
    for row in rows:
        if isinstance(row.item, CommandResult | CommandMark):
            gathered.append((row.seq, row.item))
        if gathered and (len(gathered) == RESULTS_IN_A_FRAME or not isinstance(row.item, CommandResult | CommandMark)):
            yield Results(tuple(gathered))
            gathered = []
        if not isinstance(row.item, CommandResult | CommandMark):
            yield row
    if gathered:
        yield Results(tuple(gathered))

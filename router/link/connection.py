"""One agent link as a protocol without I/O: frames and times in, actions out. A driver carries them.

    AWAITING_HELLO ──hello──▶ OPEN ──an hour, or the router stops──▶ DRAINING
                               └──────────┴── goodbye, bad frames, silence, patience ──▶ CLOSED

Everything about what may come when lives here; nothing here knows a stream, a database or a clock.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf

from router.domain.delta import SaidDelta
from router.domain.errors import Reason
from router.domain.frames import (
    PROTOCOL,
    AgentFrame,
    Drain,
    FrameError,
    Goodbye,
    Handled,
    Heartbeat,
    HeartbeatAck,
    Hello,
    Receipts,
    RouterFrame,
    Unknown,
    Upstream,
)
from router.domain.screen import Screen
from router.domain.session_event import EventsQuery, SessionEvents

HELLO_TIMEOUT = 10.0  # seconds
HEARTBEAT_INTERVAL = 20.0  # seconds; below the 30 s in which a person begins to wonder
HEARTBEATS_PER_SECOND = 200.0  # over all links
HEARTBEATS_MISSED = 3
AGENT_GRACE = 10.0  # seconds beyond two unanswered heartbeats
MAX_BAD_FRAMES = 3
ROTATE_EVERY = 3600.0  # seconds: so often every link is renewed, so that resuming is no rare event
ROTATE_PATIENCE = 10.0  # seconds for the agent to finish and leave
MAX_ID = 128  # characters
SPREAD = 0.1  # of an interval, up and down, so that links do not march in step

_NO_ID = "{name} must have 1 to 128 characters: {made}"
_MADE = {
    "instance_id": "make one at each start of the process.",
    "inbox_id": "make one with the inbox and keep it there, so that a lost inbox is noticed.",
    "outbox_id": "make one with the outbox and keep it there, so that its numbers mean something.",
}
_OUT_OF_ORDER = (
    "upstream_seq {came} may not come now: the next one is {next}. Begin with 1 in a new outbox, leave no gap, and"
    " number anew from welcome's upstream_acked_seq + 1 what an older outbox holds."
)


def heartbeat_interval(links: int, jitter: float) -> float:
    """Seconds between an agent's heartbeats when there are so many links; `jitter` in [0, 1)."""
    return spread(max(HEARTBEAT_INTERVAL, links / HEARTBEATS_PER_SECOND), jitter)


def agent_patience(interval: float) -> float:
    """Seconds without a frame after which an agent gives a link up: it does so before the router."""
    return 2.0 * interval + AGENT_GRACE


def spread(seconds: float, jitter: float) -> float:
    """A tenth more or less; `jitter` in [0, 1)."""
    return seconds * (1.0 - SPREAD + 2.0 * SPREAD * jitter)


class Phase(Enum):
    """Where a link stands."""

    AWAITING_HELLO = "awaiting hello"
    OPEN = "open"
    DRAINING = "draining"
    CLOSED = "closed"


_LIVE = (Phase.OPEN, Phase.DRAINING)


@dataclass(frozen=True, slots=True)
class Greet:
    """A well-formed hello came: give it an epoch."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class Handle:
    """Something for the services, in order."""

    frame: Handled


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this."""

    frame: RouterFrame


@dataclass(frozen=True, slots=True)
class Close:
    """End the stream. `clean` when the agent said so itself."""

    reason: Reason
    text: str
    clean: bool = False


Step = Greet | Handle | Reply | Close


class Connection:
    """The state of one link. `now` is monotonic, in seconds."""

    def __init__(self, machine_id: str, now: float) -> None:
        self.phase = Phase.AWAITING_HELLO
        self._machine_id = machine_id
        self._epoch = 0
        self._upstream = 0  # the number of the last durable frame
        self._opened = now
        self._last_frame = now
        self._bad_frames = 0
        self._silence = HEARTBEAT_INTERVAL * HEARTBEATS_MISSED
        self._leave_by = inf
        self._rotate_at = inf

    def welcomed(
        self, epoch: int, *, upstream_acked: int = 0, interval: float = HEARTBEAT_INTERVAL, rotate_at: float = inf
    ) -> None:
        """The hello was accepted under this epoch, with so many seconds between heartbeats."""
        self._epoch = epoch
        self._upstream = upstream_acked
        # By the interval that this welcome dictated, which grows with the number of links.
        self._silence = interval * HEARTBEATS_MISSED
        self._rotate_at = rotate_at

    def drain(self, now: float, patience: float, reconnect_after: float) -> list[Step]:
        """Ask the agent to leave within `patience` seconds and to come back; asking again changes nothing."""
        # One request is enough, and the first deadline holds.
        if self.phase is not Phase.OPEN:
            return []
        self.phase = Phase.DRAINING
        self._leave_by = now + patience
        return [Reply(Drain(patience, reconnect_after))]

    def receive(self, epoch: int, frame: AgentFrame, now: float) -> list[Step]:
        """What follows from a frame. Any frame counts as life."""
        self._last_frame = now
        if self.phase is Phase.AWAITING_HELLO:
            return self._first(frame)
        if isinstance(frame, Hello):
            return self._close(Reason.BAD_FRAME, "hello may come only once")
        # The fence: what was meant for an earlier link must not count on this one.
        if epoch != self._epoch:
            return self.bad_frame(f"frame of epoch {epoch}; this link's epoch is {self._epoch}", now)
        if isinstance(frame, Upstream):
            return self._in_order(frame, now)
        return self._open(frame)

    def bad_frame(self, text: str, now: float, about: str = "frame") -> list[Step]:
        """What follows from bytes that are no frame, or may not come now: a word, and the third time the end."""
        self._last_frame = now
        self._bad_frames += 1
        # Without a hello there is nobody to talk with; three times is no accident.
        if self.phase is Phase.AWAITING_HELLO or self._bad_frames >= MAX_BAD_FRAMES:
            return self._close(Reason.BAD_FRAME, text)
        return [Reply(FrameError(about, Reason.BAD_FRAME, text))]

    def tick(self, now: float) -> list[Step]:
        """What follows from the passing of time."""
        if self.phase is Phase.AWAITING_HELLO and now >= self._opened + HELLO_TIMEOUT:
            return self._close(Reason.SILENCE, f"no hello within {HELLO_TIMEOUT:.0f} s")
        if self.phase in _LIVE and now >= self._last_frame + self._silence:
            return self._close(Reason.SILENCE, "no sign of life: three heartbeats are missing")
        if self.phase is Phase.DRAINING and now >= self._leave_by:
            return self._close(Reason.DRAINING, "the link is being renewed; come again")
        return self.drain(now, ROTATE_PATIENCE, 0.0) if now >= self._rotate_at else []

    def behind(self, now: float) -> None:
        """The router has not written yet what came, and reads no more until then: that is no silence."""
        self._last_frame = now

    def deadline(self) -> float:
        """When `tick` has something to say unless a frame comes first."""
        if self.phase is Phase.AWAITING_HELLO:
            return self._opened + HELLO_TIMEOUT
        next_step = self._leave_by if self.phase is Phase.DRAINING else self._rotate_at
        # What tick looks at, no more: who sleeps until then misses nothing.
        return min(self._last_frame + self._silence, next_step)

    def _first(self, frame: AgentFrame) -> list[Step]:
        if not isinstance(frame, Hello):
            return self._close(Reason.BAD_FRAME, "the first frame must be hello")
        # The credential decides who it is; hello must not claim another's queue.
        if frame.machine_id != self._machine_id:
            return self._close(Reason.PERMISSION_DENIED, "hello names another machine than the credential")
        if not frame.protocol_min <= PROTOCOL <= frame.protocol_max:
            text = f"this router speaks protocol {PROTOCOL}, the agent {frame.protocol_min} to {frame.protocol_max}"
            return self._close(Reason.PROTOCOL_VERSION, text)
        for name in ("instance_id", "inbox_id", "outbox_id"):
            if not 0 < len(getattr(frame, name)) <= MAX_ID:
                return self._close(Reason.BAD_FRAME, _NO_ID.format(name=name, made=_MADE[name]))
        self.phase = Phase.OPEN
        return [Greet(frame)]

    def _in_order(self, frame: Upstream, now: float) -> list[Step]:
        """Durable frames come in the order of their numbers, without a gap: none is acknowledged that did not come."""
        for number, item in enumerate(frame.items, self._upstream + 1):
            if item.upstream_seq != number:
                text = _OUT_OF_ORDER.format(came=item.upstream_seq, next=number)
                # None of the frame is taken: its numbers would be counted, and what is missing acknowledged.
                return self.bad_frame(text, now, str(item.upstream_seq))
        self._upstream += len(frame.items)
        return [Handle(frame)]

    def _open(self, frame: AgentFrame) -> list[Step]:
        match frame:
            case Receipts() | SessionEvents() | EventsQuery() | Screen() | SaidDelta():
                return [Handle(frame)]
            case Unknown(text):
                return [Reply(FrameError("frame", Reason.UNSUPPORTED, text))]
            case Heartbeat(nonce, typed):
                return [Reply(HeartbeatAck(nonce)), *([Handle(frame)] if typed else ())]
            case Goodbye(reason):
                self.phase = Phase.CLOSED
                return [Close(Reason.UNSPECIFIED, reason, clean=True)]
        raise TypeError(f"unexpected frame {frame!r}")

    def _close(self, reason: Reason, text: str) -> list[Step]:
        self.phase = Phase.CLOSED
        return [Close(reason, text)]

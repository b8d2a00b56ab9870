"""What is to be done later, and its life. Everything that affects its state lives here.

    WAITING ⇄ PAUSED
    WAITING ─▶ WAITING (again) | DONE | FAILED      WAITING, PAUSED ─▶ CANCELLED | FAILED

An occurrence is carried out at most once, whatever crashes: that it was, and what it became, is one transaction.
"""

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from router.domain.command import Origin
from router.domain.errors import IllegalTransition
from router.domain.schedule import Schedule
from router.domain.session import Session

MAX_TEXT_BYTES = 4096
MOST_OF_ONE, MOST_OF_SESSION, MOST_OF_ALL = 50, 10, 1000  # that wait
TOO_LATE = 24 * 3600.0  # seconds after its moment; then what was meant to be done once is not done any more
AFTER_RESET, SPREAD = 60.0, 30  # seconds behind the end of a usage limit, as clocks differ; and those of all sessions
GO_ON = "Go on where you were."
OF_SESSION = "worker "  # before the name of an owner that is the program of a session


class Task(Enum):
    """What is done."""

    TEXT = "text"
    REMINDER = "reminder"
    START = "start"
    CONTINUE = "continue"
    SUMMARY = "summary"


class DeferredState(Enum):
    """Where it stands."""

    WAITING = "waiting"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def live(self) -> bool:
        return self in LIVE


LIVE = frozenset({DeferredState.WAITING, DeferredState.PAUSED})


class Owner(Struct, frozen=True):
    """Who wants it: that they still may is looked up when it is done. Empty: not let in by a code, or no key."""

    name: str  # whose quota it counts against
    person_id: str = ""
    user_id: str = ""  # with which that person writes in the chat
    key_id: str = ""

    @property
    def is_session(self) -> bool:
        """The program in a session wants it, for itself."""
        return self.name.startswith(OF_SESSION)

    @property
    def most(self) -> int:
        """So many of theirs may wait."""
        return MOST_OF_SESSION if self.is_session else MOST_OF_ONE


class Wanted(Struct, frozen=True):
    """What is not accepted yet. `session_id` or `machine_id` as the task needs them."""

    task: Task
    schedule: Schedule
    zone: str
    text: str
    origin: Origin
    owner: Owner
    session_id: str = ""
    machine_id: str = ""
    folder: str = ""


class Deferred(Struct, frozen=True):
    """One of them. Times are seconds since the epoch, `next_at` by the clock of its schedule."""

    deferred_id: str
    task: Task
    session_id: str
    generation: int  # of the session, when it was asked for; 0 where that was not known
    text: str
    schedule: Schedule
    zone: str
    next_at: float | None
    origin: Origin
    owner: Owner
    created_at: float
    machine_id: str = ""
    folder: str = ""
    state: DeferredState = DeferredState.WAITING
    occurrence: int = 0
    fired_for: float | None = None  # the moment that was carried out last
    sequence: int = 0  # of the next command of the session, when it was asked for
    limit: float | None = None  # CONTINUE: the end of the usage limit that it waits for
    started: str = ""  # START: the session that it began last
    detail: str = ""
    ended_at: float | None = None

    @property
    def request_id(self) -> str:
        """Of its next occurrence."""
        return f"deferred/{self.deferred_id}/{self.occurrence + 1}"


def after_reset(session: Session) -> float | None:
    """When a session is written to again that came to a usage limit, by the wall clock; None for one at none.

    All that waits for it at the same moment, in order; not all sessions of one account.
    """
    ends = session.limited_until
    return None if ends is None else ends + AFTER_RESET + sum(session.session_id.encode()) % SPREAD


class Fired(Struct, frozen=True):
    """An occurrence was carried out, or passed over: then `detail` says why. Without a next moment it was the last."""

    next_at: float | None
    moment: float | None = None  # that it was due at; None where a person wanted it now
    started: str = ""
    detail: str = ""


class Paused(Struct, frozen=True):
    """A person lets it wait."""


class Resumed(Struct, frozen=True):
    """And go on."""

    next_at: float


class Moved(Struct, frozen=True):
    """It has another time: what was carried out before is no moment of that."""

    schedule: Schedule
    zone: str
    next_at: float


class Cancelled(Struct, frozen=True):
    """Nobody wants it any more."""


class Failed(Struct, frozen=True):
    """It cannot be done any more; the detail is for people."""

    detail: str


Event = Fired | Paused | Resumed | Moved | Cancelled | Failed

_WAITING = frozenset({DeferredState.WAITING})
SOURCES: dict[type[Event], frozenset[DeferredState]] = {
    Fired: LIVE,  # a person may want one that pauses done now
    Paused: _WAITING,
    Resumed: frozenset({DeferredState.PAUSED}),
    Moved: LIVE,
    Cancelled: LIVE,
    Failed: LIVE,
}


def apply(deferred: Deferred, event: Event, now: float) -> Deferred:
    """It after an event. Raises IllegalTransition, and changes nothing, where the table has no such row."""
    if deferred.state not in SOURCES[type(event)]:
        raise IllegalTransition(f"{type(event).__name__} in state {deferred.state.name} of {deferred.deferred_id}")
    match event:
        case Fired(next_at, moment, started, detail):
            fired = replace(
                deferred, occurrence=deferred.occurrence + 1, next_at=next_at, detail=detail,
                fired_for=deferred.fired_for if moment is None else moment, started=started or deferred.started,
            )  # fmt: skip
            return fired if next_at is not None else _over(fired, DeferredState.DONE, detail, now)
        case Paused():
            return replace(deferred, state=DeferredState.PAUSED)
        case Resumed(next_at):
            return replace(deferred, state=DeferredState.WAITING, next_at=next_at)
        case Moved(schedule, zone, next_at):
            return replace(deferred, schedule=schedule, zone=zone, next_at=next_at, fired_for=None)
        case Cancelled():
            return _over(deferred, DeferredState.CANCELLED, "", now)
        case Failed(detail):
            return _over(deferred, DeferredState.FAILED, detail, now)


def _over(deferred: Deferred, state: DeferredState, detail: str, now: float) -> Deferred:
    return replace(deferred, state=state, detail=detail, next_at=None, ended_at=now)

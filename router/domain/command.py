"""A command's life. Everything that affects a command's state lives here; nothing here knows a database or a link.

    accept ─▶ QUEUED ─▶ SENT ─▶ RECEIVED ─▶ DONE | FAILED | UNCERTAIN | CANCELLED | EXPIRED
                ▲         │
                └─────────┘ Returned: the link ended before the machine confirmed
    QUEUED, SENT ─▶ DEAD      QUEUED ─▶ CANCELLED | EXPIRED

On DONE follow marks of what the program did with the text: NotTaken, Taken, WorkFinished.

A result can overtake its receipt on a new link, so Ended is legal from QUEUED and SENT too. Terminal states never
change: what the machine says later is kept beside them.
"""

from enum import Enum
from typing import final

from msgspec import Struct
from msgspec.structs import replace

from router.domain.action import Action, Lane, text_of
from router.domain.errors import IllegalTransition, Reason

MAX_TEXT_BYTES = 64 * 1024
MAX_LIVE_PER_SESSION = 1_000
MAX_LIVE_PER_MACHINE = 10_000
MAX_AGE = 24 * 3600.0  # seconds; then nobody remembers what was meant


class CommandState(Enum):
    """Where a command stands."""

    __hash__ = object.__hash__  # Enum's own is Python's, and each command asks many times

    QUEUED = "queued"
    SENT = "sent"
    RECEIVED = "received"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DEAD = "dead"

    @property
    def live(self) -> bool:
        return self in LIVE


_SENT, _RECEIVED = CommandState.SENT, CommandState.RECEIVED  # by names of their own: found at a tenth of the price
LIVE = frozenset({CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED})
# Uncertain is one, too: nobody but a person can tell whether it was typed.
DEAD_LETTERS = frozenset({CommandState.DEAD, CommandState.UNCERTAIN})
REDRIVABLE = frozenset(set(CommandState) - LIVE - {CommandState.DONE})


class Hold(Enum):
    """Whether a queued command waits for a person's word before it is sent."""

    NONE = 0
    ASKED = 1  # "still send?"
    ALLOWED = 2  # a person said yes


class ChatRef(Struct, frozen=True):
    """One place in a chat platform."""

    transport: str
    chat_id: str
    thread_id: str = ""
    message_id: str = ""


class Origin(Struct, frozen=True):
    """Who asked, and from where."""

    source: str
    actor: str = ""
    chat: ChatRef | None = None


class Command(Struct, frozen=True):
    """One command as it is on disk. Times are seconds since the epoch by the router's steady clock."""

    command_id: str
    session_id: str
    machine_id: str
    generation: int
    sequence: int
    lane: Lane
    action: Action
    origin: Origin
    created_at: float
    expires_at: float
    has_ttl: bool = False  # the sender's own limit: EXPIRED, else DEAD
    state: CommandState = CommandState.QUEUED
    reason: Reason = Reason.UNSPECIFIED
    detail: str = ""
    attempt: int = 0
    charged: int = 0
    epoch: int = 0
    inbox_id: str = ""
    redrive_of: str = ""
    sent_at: float | None = None
    received_at: float | None = None
    typed_at: float | None = None
    taken_at: float | None = None
    finished_at: float | None = None
    ended_at: float | None = None
    dropped: bool = False
    hold: Hold = Hold.NONE
    names_session: bool = False  # its status messages do: the sender named none, or it went to another

    @property
    def size(self) -> int:
        """Bytes it takes of a link's window."""
        # The text, and about what ids and origin take.
        return len(text_of(self.action).encode()) + 256

    @property
    def doubt(self) -> str:
        """What must be added to an end that the machine has not confirmed; empty when it was never sent."""
        return "it was sent before, and may have been typed" if self.attempt else ""


@final
class Sent(Struct, frozen=True):
    """Handed to a link."""

    epoch: int
    inbox_id: str


class Returned(Struct, frozen=True):
    """The link ended before the machine confirmed; `charged` counts it as a failed attempt."""

    charged: bool


@final
class Stored(Struct, frozen=True):
    """On the machine's disk."""


@final
class Ended(Struct, frozen=True):
    """The machine said how it ended, or the router knows."""

    state: CommandState
    reason: Reason = Reason.UNSPECIFIED
    detail: str = ""
    typed_at: float | None = None


class GivenUp(Struct, frozen=True):
    """Nobody will carry it out: a dead letter."""

    reason: Reason
    detail: str = ""


class TakenBack(Struct, frozen=True):
    """Cancelled or out of its time while it waited here."""

    state: CommandState
    reason: Reason
    detail: str = ""


class LateResult(Struct, frozen=True):
    """The machine spoke after the end, which stays; `words` for people, where they add something."""

    words: str = ""


class Taken(Struct, frozen=True):
    """The agent program was seen to take the prompt."""


class NotTaken(Struct, frozen=True):
    """The agent program has not said in time that it took the prompt; `shown` is what its screen shows."""

    shown: str


class WorkFinished(Struct, frozen=True):
    """The agent program finished the work it started."""


Event = Sent | Returned | Stored | Ended | GivenUp | TakenBack | LateResult | NotTaken | Taken | WorkFinished

# event -> the states it is legal in. Stores build their conditional updates from it.
SOURCES: dict[type[Event], frozenset[CommandState]] = {
    Sent: frozenset({CommandState.QUEUED}),
    Returned: frozenset({CommandState.SENT}),
    Stored: frozenset({CommandState.SENT}),
    Ended: LIVE,
    GivenUp: frozenset({CommandState.QUEUED, CommandState.SENT}),
    TakenBack: frozenset({CommandState.QUEUED}),
    LateResult: frozenset(set(CommandState) - LIVE),
    NotTaken: frozenset({CommandState.DONE}),
    Taken: frozenset({CommandState.DONE}),
    WorkFinished: frozenset({CommandState.DONE}),
}


def _check_legal(command: Command, event: Event) -> None:
    # Here and in the stores' conditional updates alike: the table is the one judge.
    if command.state not in SOURCES[type(event)]:
        raise IllegalTransition(f"{type(event).__name__} in state {command.state.name} of {command.command_id}")


def apply(command: Command, event: Event, now: float) -> Command:
    """The command after an event. Raises IllegalTransition, and changes nothing, where the table has no such row."""
    _check_legal(command, event)
    if type(event) is Sent:  # what every command sees comes first: to find no match costs more than one
        return replace(
            command, state=_SENT, attempt=command.attempt + 1, epoch=event.epoch,
            inbox_id=event.inbox_id, sent_at=now,
        )  # fmt: skip
    if type(event) is Stored:
        return replace(command, state=_RECEIVED, received_at=now)
    if type(event) is Ended:
        return replace(
            command, state=event.state, reason=event.reason, detail=event.detail, typed_at=event.typed_at,
            ended_at=now,
        )  # fmt: skip
    match event:
        case Returned(charged):
            return replace(command, state=CommandState.QUEUED, charged=command.charged + charged)
        case GivenUp(reason, detail):
            return replace(command, state=CommandState.DEAD, reason=reason, detail=detail, ended_at=now)
        case TakenBack(state, reason, detail):
            return replace(command, state=state, reason=reason, detail=detail, ended_at=now)
        case LateResult(words):
            # A machine may say it again on each new link.
            known = words in command.detail
            return command if known else replace(command, detail="; ".join(filter(None, (command.detail, words))))
        case NotTaken() | Taken() | WorkFinished():
            return _marked(command, event, now)


def _marked(command: Command, mark: NotTaken | Taken | WorkFinished, now: float) -> Command:
    """A DONE command with a word on what its program did with the text."""
    match mark:
        case NotTaken(shown):
            return replace(command, reason=Reason.NOT_TAKEN, detail=shown)
        case Taken():
            # It was taken after all: the screen that said otherwise is not shown any more.
            detail = "" if command.reason is Reason.NOT_TAKEN else command.detail
            return replace(command, taken_at=now, reason=Reason.UNSPECIFIED, detail=detail)
        case WorkFinished():
            return replace(command, finished_at=now)

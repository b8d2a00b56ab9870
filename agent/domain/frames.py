"""What travels on the link to the router, as values: nothing below the edge knows protobuf.

Down: RouterFrame with Welcome, Commands, Cancel, UpstreamAck, HeartbeatAck, Drain, FrameError, EventsAck,
ScreenQuery or DeltasWanted.
Up: AgentFrame with Hello, Receipts, Results, Durable, Heartbeat, Goodbye, EventsQuery, SessionEvents, Screen
or SaidDelta.

What is durable has a number and stays in
the outbox until the router acknowledges it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from agent.domain.command import Command, InboxState, Outcome, Reason
from agent.domain.permission import Over, Question
from agent.domain.program import Program
from agent.domain.proposal import Proposal
from agent.domain.session import Session
from agent.domain.session_event import Event
from agent.domain.workspace import WorkspaceChanged


@dataclass(frozen=True, slots=True)
class Welcome:
    """The link is accepted, on these terms. Times in seconds; 0 where the router did not say."""

    link_epoch: int
    router_id: str = ""
    heartbeat_interval: float = 0.0
    heartbeat_timeout: float = 0.0
    max_in_flight: int = 0
    upstream_acked_seq: int = 0
    resend_floors: Mapping[str, int] = field(default_factory=dict)  # by session: below it nothing is sent again
    recalled: tuple[str, ...] = ()  # commands that must not be started any more
    inbox_outdated: bool = False  # of those nothing is to be said: this inbox is an old copy
    protocol: int = 1
    capabilities: frozenset[str] = frozenset()
    key_wanted: bool = False  # another key of this machine


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands in the order in which they are to run."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take a command back if it has not started."""

    command_id: str


@dataclass(frozen=True, slots=True)
class UpstreamAck:
    """Everything up to a number is on the router's disk; some of it was refused for good."""

    acked_seq: int
    rejected: tuple[tuple[int, str, str], ...] = ()  # (number, reason, detail)


@dataclass(frozen=True, slots=True)
class HeartbeatAck:
    """The router's event loop is alive."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Leave within `deadline` seconds and come back after `reconnect_after`."""

    deadline: float
    reconnect_after: float


@dataclass(frozen=True, slots=True)
class FrameError:
    """The router could not take one item."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class EventsAck:
    """How far the router is with what a session did, and the cursor that came with that; else it takes nothing now."""

    session_id: str
    acked_seq: int = 0
    cursor: bytes = b""
    is_taken: bool = True


@dataclass(frozen=True, slots=True)
class ScreenQuery:
    """What does the terminal of a session show? The answer has this number."""

    query_id: int
    session_id: str


@dataclass(frozen=True, slots=True)
class DeltasWanted:
    """Somebody wants what a session says while it says it, for so many seconds."""

    session_id: str
    seconds: float


OfSessions = EventsAck | ScreenQuery | DeltasWanted  # what the router wants of what sessions do, and has
Down = Welcome | Commands | Cancel | UpstreamAck | HeartbeatAck | Drain | FrameError | OfSessions


@dataclass(frozen=True, slots=True)
class RouterFrame:
    """One frame from the router. `body` is None for a kind this agent does not know."""

    link_epoch: int
    body: Down | None


class ReceiptOutcome(Enum):
    """What became of one command sent; names as in agentlink.v1."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One confirmation. `state` comes with DUPLICATE, `reason` with REFUSED."""

    command_id: str
    outcome: ReceiptOutcome
    state: InboxState | None = None
    reason: Reason = Reason.NONE


@dataclass(frozen=True, slots=True)
class Receipts:
    """Confirmations in the order of the commands."""

    items: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended here. `typed_at` is in seconds since the epoch, None when nothing was typed."""

    command_id: str
    outcome: Outcome
    typed_at: float | None = None


class Mark(Enum):
    """What a program did with a text that was typed into it; names as in agentlink.v1."""

    TAKEN = "TAKEN"
    FINISHED = "FINISHED"
    NOT_TAKEN = "NOT_TAKEN"


@dataclass(frozen=True, slots=True)
class CommandMark:
    """A later word on a command that ended DONE. `shown` comes with NOT_TAKEN: what the screen shows."""

    command_id: str
    mark: Mark
    shown: str = ""


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """A session began or changed."""

    session: Session


@dataclass(frozen=True, slots=True)
class SessionGone:
    """A session ended."""

    session_id: str
    generation: int
    detail: str


@dataclass(frozen=True, slots=True)
class Button:
    """A choice under a notice."""

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class NotificationFile:
    """A file that comes with a notice: a copy of our own, kept under its id."""

    file_id: str
    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Notify:
    """A message for people about a session. With files it does not travel on the link, but beside it."""

    notification_id: str
    session_id: str
    text: str
    buttons: tuple[Button, ...] = ()
    files: tuple[NotificationFile, ...] = ()
    is_markdown: bool = False
    ends_turn: bool = False  # these are the last words of a turn
    output_tokens: int = 0  # that the answer of a model took, where it was asked without a program
    proposal: Proposal | None = None  # which work that model would hand over


@dataclass(frozen=True, slots=True)
class PermissionAsked:
    """A program asks for permission."""

    question: Question


@dataclass(frozen=True, slots=True)
class PermissionOver:
    """A permission question is over without an answer from afar."""

    permission_id: str
    over: Over
    detail: str = ""


OfSession = SessionChanged | SessionGone | Notify | PermissionAsked | PermissionOver
Item = CommandResult | CommandMark | OfSession | WorkspaceChanged


@dataclass(frozen=True, slots=True)
class Durable:
    """One row of the outbox."""

    seq: int
    item: Item


@dataclass(frozen=True, slots=True)
class Results:
    """Rows of the outbox that are all results and marks, in the order of their numbers."""

    rows: tuple[tuple[int, CommandResult | CommandMark], ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """What the router judges this machine by before it starts anything here."""

    programs: tuple[Program, ...] = ()  # that would be started
    free_bytes: int = 0  # on the disk of the inbox; 0 for unknown


@dataclass(frozen=True, slots=True)
class Hello:
    """Introduces this process."""

    machine_id: str
    instance_id: str
    inbox_id: str
    outbox_id: str
    last_link_epoch: int
    agent_version: str
    sessions: tuple[Session, ...]
    unresolved: tuple[tuple[str, InboxState], ...]
    start_folders: tuple[str, ...] = ()  # in and below which sessions may be started
    upstream_acked_seq: int = 0
    capabilities: tuple[str, ...] = ()
    condition: Condition = Condition()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The agent's event loop is alive; `loop_lag` in seconds."""

    nonce: int
    inbox_depth: int
    loop_lag: float
    typed: tuple[str, ...] = ()  # sessions at whose terminal somebody typed since the one before


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The agent ends the link on purpose."""

    reason: str
    will_return: bool


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """How far is the router with what these sessions did?"""

    session_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionEvents:
    """What a session did, in order; `cursor` is where it is read on, kept with it."""

    session_id: str
    generation: int
    first_seq: int
    events: tuple[Event, ...]
    cursor: bytes


@dataclass(frozen=True, slots=True)
class Screen:
    """What a terminal shows; or why nobody can see it."""

    query_id: int
    text: str = ""
    reason: Reason = Reason.NONE
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SaidDelta:
    """What a session has said so far of an answer: its end, behind so many characters."""

    session_id: str
    answer_id: str
    before: int
    text: str


Up = Hello | Receipts | Results | Durable | Heartbeat | Goodbye | EventsQuery | SessionEvents | Screen | SaidDelta


@dataclass(frozen=True, slots=True)
class AgentFrame:
    """One frame to the router; epoch 0 in hello."""

    link_epoch: int
    body: Up

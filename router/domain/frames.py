"""What travels on an agent link, as values: the protocol core and the services know no protobuf."""

from enum import Enum

from msgspec import Struct

from router.domain.command import ChatRef, Command
from router.domain.delta import DeltasWanted, SaidDelta
from router.domain.errors import Reason
from router.domain.machine import ProgramTold
from router.domain.notification import Button, File
from router.domain.permission import Option, PermissionKind, PermissionState
from router.domain.permission_input import NO_DETAILS, Details
from router.domain.proposal import Proposal
from router.domain.screen import Screen, ScreenQuery
from router.domain.session import SessionState
from router.domain.session_event import EventsAck, EventsQuery, SessionEvents
from router.domain.workspace import Figures, WorkspaceState

PROTOCOL = 1
# Of this router.
CAPABILITIES = ("command_batch", "events", "files", "permissions", "result_batch", "start", "workspaces")


class SessionReport(Struct, frozen=True):
    """A session as its agent tells it. `upstream_seq` is 0 inside hello."""

    upstream_seq: int
    session_id: str
    generation: int
    label: str
    backend: str
    cwd: str
    state: SessionState
    waiting_for: str = ""
    mode: str = ""
    model: str = ""
    modes: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    limited_until: float | None = None  # a usage limit, by the wall clock


class Hello(Struct, frozen=True):
    """An agent process introduces itself."""

    machine_id: str
    instance_id: str
    inbox_id: str
    outbox_id: str
    last_link_epoch: int
    agent_version: str
    protocol_min: int
    protocol_max: int
    capabilities: frozenset[str]
    max_in_flight: int
    sessions: tuple[SessionReport, ...]
    unresolved: tuple[str, ...] = ()  # commands it holds that have not ended for it
    waiting: tuple[str, ...] = ()  # those of them that it has not started
    start_folders: tuple[str, ...] = ()  # in and below which it starts sessions
    upstream_acked: int = 0  # its outbox has forgotten what comes before, as it was acknowledged
    programs: tuple[ProgramTold, ...] = ()  # that it would start
    free_bytes: int | None = None


class ReceiptOutcome(Enum):
    """What became of one command sent."""

    STORED = 1
    DUPLICATE = 2
    REFUSED = 3


class Receipt(Struct, frozen=True):
    """One confirmation."""

    command_id: str
    outcome: ReceiptOutcome
    reason: Reason = Reason.UNSPECIFIED
    has_ended: bool = False  # a DUPLICATE that has ended there


class ResultOutcome(Enum):
    """How a command ended at the agent, or a later mark on it."""

    DONE = 1
    FAILED = 2
    UNCERTAIN = 3
    CANCELLED = 4
    EXPIRED = 5
    TAKEN = 6
    FINISHED = 7
    NOT_TAKEN = 8


class Result(Struct, frozen=True):
    """The end of a command, or a mark on it."""

    upstream_seq: int
    command_id: str
    outcome: ResultOutcome
    reason: Reason
    detail: str
    typed_at: float | None


class SessionClosed(Struct, frozen=True):
    """A session ended."""

    upstream_seq: int
    session_id: str
    generation: int
    detail: str


class Notify(Struct, frozen=True):
    """A message for people about a session."""

    upstream_seq: int
    notification_id: str
    session_id: str
    text: str
    buttons: tuple[Button, ...]
    targets: tuple[ChatRef, ...]
    files: tuple[File, ...] = ()
    is_markdown: bool = False
    ends_turn: bool = False  # its last words: the turn of the session is over
    output_tokens: int = 0  # that a model took for it
    proposal: Proposal | None = None  # which work that model would hand over


class PermissionRequest(Struct, frozen=True):
    """A program asks for permission. `expires_in` in seconds."""

    upstream_seq: int
    permission_id: str
    session_id: str
    kind: PermissionKind
    tool: str
    input: str
    input_digest: str
    expires_in: float
    options: tuple[Option, ...]
    details: Details = NO_DETAILS


class PermissionWithdrawn(Struct, frozen=True):
    """A permission question is over without an answer of ours."""

    upstream_seq: int
    permission_id: str
    state: PermissionState
    detail: str


class WorkspaceReport(Struct, frozen=True):
    """A workspace as its agent tells it."""

    upstream_seq: int
    key: str
    state: WorkspaceState
    figures: Figures
    digest: str = ""  # of an archive that it has put here, or put back
    size: int = 0


class Unfit(Struct, frozen=True):
    """A durable frame that is malformed, or newer than this router; it has its number all the same."""

    upstream_seq: int
    reason: Reason
    text: str


OfPeople = Notify | PermissionRequest | PermissionWithdrawn
Durable = Result | SessionReport | SessionClosed | OfPeople | WorkspaceReport | Unfit


class Receipts(Struct, frozen=True):
    """Confirmations, in the order the commands came."""

    items: tuple[Receipt, ...]


class Upstream(Struct, frozen=True):
    """Durable frames, in the order of their numbers."""

    items: tuple[Durable, ...]


class Heartbeat(Struct, frozen=True):
    """Sign of life; `typed` are sessions at whose terminal somebody typed since the one before."""

    nonce: int
    typed: tuple[str, ...] = ()


class Goodbye(Struct, frozen=True):
    """The agent ends the link on purpose."""

    reason: str


class Unknown(Struct, frozen=True):
    """A frame that is newer than this router, and not durable."""

    text: str


Handled = Receipts | Upstream | SessionEvents | EventsQuery | Screen | SaidDelta | Heartbeat
AgentFrame = Hello | Handled | Goodbye | Unknown


class Welcome(Struct, frozen=True):
    """Accepts a link and dictates its terms. Times in seconds."""

    link_epoch: int
    router_id: str
    router_time: float
    heartbeat_interval: float
    heartbeat_timeout: float
    max_in_flight: int
    upstream_acked: int
    resend_floors: tuple[tuple[str, int], ...]
    recalled: tuple[str, ...] = ()  # commands that it must not start any more
    inbox_outdated: bool = False  # what it would say of those is not worth hearing
    protocol: int = PROTOCOL
    capabilities: tuple[str, ...] = CAPABILITIES
    key_wanted: bool = False  # another one


class Cancel(Struct, frozen=True):
    """Take a command back if it has not started."""

    command_id: str
    reason: Reason


class Rejection(Struct, frozen=True):
    """A durable frame that was refused for good; the text is for people."""

    upstream_seq: int
    reason: Reason
    text: str


class UpstreamAck(Struct, frozen=True):
    """Everything up to a number is on disk."""

    acked: int
    rejected: tuple[Rejection, ...] = ()


class HeartbeatAck(Struct, frozen=True):
    """Answer to a heartbeat."""

    nonce: int


class Drain(Struct, frozen=True):
    """Leave soon and come again. Times in seconds."""

    deadline: float
    reconnect_after: float


class FrameError(Struct, frozen=True):
    """One item could not be taken."""

    about: str
    reason: Reason
    text: str


OfSessions = EventsAck | ScreenQuery | DeltasWanted
RouterFrame = Welcome | Command | Cancel | UpstreamAck | HeartbeatAck | Drain | FrameError | OfSessions

"""What the router tells, as frozen values. Names and meanings are those of agentlink.v1 (protos/agentlink/v1).

A time is None until that step is reached. A state that only a newer router knows is UNKNOWN, never an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pointsman.client.gates import NO_POLICY, ClosedGate, MachinePolicy, ProgramVersion


class CommandState(Enum):
    """How far a command got: docs/protocol.md, "A command"."""

    UNKNOWN = "UNKNOWN"
    QUEUED = "QUEUED"
    SENT = "SENT"
    RECEIVED = "RECEIVED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNCERTAIN = "UNCERTAIN"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    DEAD = "DEAD"

    @property
    def ended(self) -> bool:
        """It never changes any more."""
        return self not in _LIVE


# UNKNOWN is among them: who follows a command must not take a state of a newer router for its end.
_LIVE = {CommandState.UNKNOWN, CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED}


class NotificationState(Enum):
    """How far a message to people got."""

    UNKNOWN = "UNKNOWN"
    QUEUED = "QUEUED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    REFUSED = "REFUSED"
    DEAD = "DEAD"


class SessionState(Enum):
    """What a session is doing."""

    UNKNOWN = "UNKNOWN"
    IDLE = "IDLE"
    BUSY = "BUSY"
    WAITING = "WAITING"
    ENDED = "ENDED"
    STARTING = "STARTING"


class Role(Enum):
    """What an API key may do: docs/protocol.md, "Services"."""

    UNKNOWN = "UNKNOWN"
    ADMIN = "ADMIN"
    OPERATOR = "OPERATOR"
    CHAT = "CHAT"
    VIEWER = "VIEWER"
    APPROVER = "APPROVER"
    ADAPTER = "ADAPTER"


@dataclass(frozen=True, slots=True)
class Chat:
    """A place in a chat platform; without `message_id`, the whole chat or thread."""

    transport: str
    chat_id: str
    thread_id: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends, for people to read: the way in ("cli", "rest", …), the person, and the chat it came from."""

    source: str
    actor: str = ""
    chat: Chat | None = None


SCRIPT = Origin("script")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with an agent. `quarantined`: two processes use its identity, and both are held off."""

    machine_id: str
    connected: bool
    revoked: bool
    quarantined: bool
    agent_version: str
    created_at: datetime | None
    last_seen_at: datetime | None
    start_folders: tuple[str, ...] = ()  # in and below which sessions may be started there
    link_epoch: int = 0  # counts its links
    policy: MachinePolicy = NO_POLICY
    closed_gates: tuple[ClosedGate, ...] = ()  # what keeps it, or starts there, off now
    programs: tuple[ProgramVersion, ...] = ()
    key_made_at: datetime | None = None
    key_wanted: bool = False  # another one, at its next welcome


@dataclass(frozen=True, slots=True)
class Session:
    """One program that can be typed into. `generation` counts its restarts."""

    session_id: str
    machine_id: str
    label: str
    backend: str
    cwd: str
    state: SessionState
    generation: int
    connected: bool
    created_at: datetime | None
    updated_at: datetime | None
    waiting_for: str = ""  # in the state WAITING: for what, in the program's own words
    distinction: str = ""  # what tells it from others of its name on its machine, where there are some
    mode: str = ""  # its program's permission mode, as last heard of
    model: str = ""
    modes: tuple[str, ...] = ()  # that can be chosen from afar
    controls: tuple[str, ...] = ()  # what a control signal can change there: MODEL, COMPACT, …
    limited_until: datetime | None = None  # its account is at a usage limit, as its program says
    home: tuple[Chat, ...] = ()  # chats that are told of it for its own sake; none: those that hear of all


@dataclass(frozen=True, slots=True)
class Command:
    """Something for a session, and how far it got. `text` or `key` is what it brings, by its `kind`."""

    command_id: str
    session_id: str
    machine_id: str
    sequence: int  # within its session, from 1
    text: str  # typed, or the caption's file, the prompt of a start, the words of a decision
    key: str
    state: CommandState
    reason: str  # a name of agentlink.v1.Reason without its prefix; empty while it lives
    detail: str
    attempt: int
    source: str
    actor: str
    redrive_of: str  # the command that this one repeats
    dropped: bool
    created_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    typed_at: datetime | None
    taken_at: datetime | None
    finished_at: datetime | None
    ended_at: datetime | None
    generation: int = 0  # of the session that it is for
    kind: str = "input"  # as the field of agentlink.v1.Action: input, key, stop_session, …
    option_id: str = ""  # of a permission decision: what was chosen


@dataclass(frozen=True, slots=True)
class Button:
    """A choice offered with a notification: what it says and what it does."""

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class NotificationFile:
    """A file that comes with a notification."""

    file_id: str
    name: str  # letters, digits, ".", "_" and "-"
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to people, on one platform, and how far it got."""

    notification_id: str
    session_id: str
    chat: Chat
    text: str
    buttons: tuple[Button, ...]
    token: str = field(repr=False)  # whoever knows it may answer
    state: NotificationState
    detail: str
    message_ids: tuple[str, ...]
    command_id: str  # whose receipt it is; else empty
    attempt: int
    created_at: datetime | None
    delivered_at: datetime | None
    permission_id: str = ""  # of the permission question that it shows, or whose end it tells
    files: tuple[NotificationFile, ...] = ()
    edits: str = ""  # the notification whose messages it changes


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """What was given up, or is in doubt, and waits for a person; messages that did not arrive."""

    commands: list[Command]
    notifications: list[Notification]


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who wrote to a chat platform's adapter and is not allowed."""

    chat: Chat
    user_id: str
    name: str
    times: int = 0  # reports, not messages
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    key_id: str
    label: str
    role: Role
    created_at: datetime | None
    revoked: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    machines: tuple[str, ...] = ()  # patterns that limit it; none: all
    sessions: tuple[str, ...] = ()
    old_secret_good: bool = False  # that from before its last rotation
    old_secret_until: datetime | None = None  # None also where the new one was not used yet


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`secret` is shown once."""

    key_id: str
    label: str
    role: Role
    expires_at: datetime | None
    secret: str = field(repr=False)  # logs and tracebacks show a repr


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step in the story of a command, a notification or an update; states by name."""

    at: datetime | None
    subject_id: str
    event: str
    from_state: str
    to_state: str
    actor: str
    detail: str
    identity: str = ""  # whom the router had authenticated, where a key caused it; the actor may be a claim


@dataclass(frozen=True, slots=True)
class SaidDelta:
    """What a session has said so far of an answer: its end, behind so many characters. Another id is another answer."""

    answer_id: str
    before: int
    text: str


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One thing that a session did; `content` is what the protocol has of that kind, as JSON has it."""

    seq: int
    generation: int
    at: datetime | None
    kind: str  # said, tool, plan, usage, status, metadata, gap; empty for one that only a newer router knows
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `event_id` resumes after it."""

    event_id: int
    session_id: str
    step: TraceStep


@dataclass(frozen=True, slots=True)
class CleanedUp:
    """How much was removed, by kind."""

    commands: int
    notifications: int
    messages: int
    updates: int
    sessions: int
    steps: int


@dataclass(frozen=True, slots=True)
class Stats:
    """The router's figures; ages and times in seconds, counts of commands and notifications by name of their state."""

    commands: dict[str, int]
    notifications: dict[str, int]
    oldest_command_age: float
    agent_links: int
    chat_links: int
    commits: int
    commit_p99: float
    wal_bytes: int
    resends: int
    writable: bool
    uptime: float
    version: str

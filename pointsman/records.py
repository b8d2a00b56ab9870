"""What the router tells, as values. Field names in JSON are these in camelCase."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum


class CommandState(Enum):
    """Where a command stands; names as in agentlink.v1."""

    UNSPECIFIED = ""
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
    def ended(self) -> bool:
        return self not in _LIVE


_LIVE = {CommandState.UNSPECIFIED, CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED}


class NotificationState(Enum):
    """Where a notification stands."""

    UNSPECIFIED = ""
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DEAD = "dead"


class SessionState(Enum):
    """What a session is doing."""

    UNSPECIFIED = ""
    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"
    ENDED = "ended"
    STARTING = "starting"


class Role(Enum):
    """What an API key may do."""

    UNSPECIFIED = ""
    ADMIN = "admin"
    OPERATOR = "operator"
    CHAT = "chat"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Machine:
    machine_id: str
    connected: bool
    revoked: bool
    quarantined: bool
    link_epoch: int
    created_at: datetime | None
    last_seen_at: datetime | None
    agent_version: str


@dataclass(frozen=True, slots=True)
class Session:
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


@dataclass(frozen=True, slots=True)
class Command:
    command_id: str
    session_id: str
    machine_id: str
    sequence: int
    generation: int
    state: CommandState
    reason: str
    detail: str
    attempt: int
    redrive_of: str
    created_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    typed_at: datetime | None
    taken_at: datetime | None
    finished_at: datetime | None
    ended_at: datetime | None
    dropped: bool
    text: str
    key: str
    source: str
    actor: str


@dataclass(frozen=True, slots=True)
class Notification:
    notification_id: str
    session_id: str
    text: str
    token: str
    state: NotificationState
    detail: str
    message_ids: tuple[str, ...]
    command_id: str
    created_at: datetime | None
    delivered_at: datetime | None
    attempt: int
    transport: str
    chat_id: str
    thread_id: str
    buttons: tuple[str, ...]  # "label=action"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who wrote to a chat platform's adapter and is not allowed."""

    transport: str
    chat_id: str
    user_id: str
    name: str
    times: int
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Permission:
    """A question; `kind` and `state` as in agentlink.v1, without their prefix."""

    permission_id: str
    session_id: str
    machine_id: str
    kind: str
    tool: str
    input: str
    input_digest: str
    options: tuple[str, ...]  # "id=label"
    state: str
    decided_by: str
    option_id: str
    text: str
    detail: str
    command_id: str
    created_at: datetime | None
    expires_at: datetime | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    key_id: str
    label: str
    role: Role
    created_at: datetime | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`secret` is shown once."""

    key_id: str
    label: str
    role: Role
    secret: str


@dataclass(frozen=True, slots=True)
class JoinToken:
    """`join_token` is shown once."""

    join_token: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TraceStep:
    at: datetime | None
    subject_id: str
    event: str
    from_state: str
    to_state: str
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `event_id` resumes after it."""

    event_id: int
    session_id: str
    step: TraceStep


@dataclass(frozen=True, slots=True)
class CleanedUp:
    commands: int
    notifications: int
    messages: int
    updates: int
    sessions: int
    steps: int


@dataclass(frozen=True, slots=True)
class Stats:
    version: str
    writable: bool
    agent_links: int
    chat_links: int


Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def to_json(value: object) -> Json:
    """A record as JSON data: camelCase keys, times in RFC 3339, states by name."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.name if value.value else "UNKNOWN"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case list() | tuple():
            return [to_json(item) for item in value]
        case dict():
            return {str(key): to_json(item) for key, item in value.items()}
    return {_camel(name): to_json(getattr(value, name)) for name in _names(value)}


def _names(record: object) -> list[str]:
    return [field.name for field in fields(record)]  # type: ignore[arg-type]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)

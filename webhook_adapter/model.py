"""What the adapter's parts tell each other: frozen values, no protocol buffers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class CommandState(Enum):
    """Where a command stands."""

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


class NotificationState(Enum):
    """Where a notification stands."""

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


@dataclass(frozen=True, slots=True)
class Chat:
    """A place in a chat platform."""

    transport: str
    chat_id: str
    thread_id: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A button offered with a notification: what it says and what it does."""

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the router has, whole."""

    file_id: str
    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """One inbound message or button press, verified and authorised."""

    update_key: str
    chat: Chat
    actor: str
    text: str = ""
    reply_to_message_id: str = ""
    reply_to_ours: bool = False  # our bot wrote that message
    button: str | None = None
    session_id: str = ""
    edited: bool = False  # changed after it was handed in
    file: StoredFile | None = None  # that came with it
    file_problem: str = ""  # why a file that came with it is not here, for people
    album: str = ""  # the platform's name for what one person sent at once


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who wrote and is not allowed."""

    chat: Chat
    user_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """It is on the router's disk, and this is what became of it."""

    command_id: str
    state: CommandState
    session_id: str
    answer: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One program that can be typed into."""

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


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with an agent."""

    machine_id: str
    connected: bool
    revoked: bool
    quarantined: bool
    agent_version: str
    created_at: datetime | None
    last_seen_at: datetime | None
    start_folders: tuple[str, ...] = ()  # in and below which sessions may be started there


@dataclass(frozen=True, slots=True)
class Command:
    """A command and how far it got. A time is None until that step is reached."""

    command_id: str
    session_id: str
    machine_id: str
    sequence: int
    text: str
    key: str
    state: CommandState
    reason: str
    detail: str
    attempt: int
    source: str
    actor: str
    redrive_of: str
    dropped: bool
    created_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    typed_at: datetime | None
    taken_at: datetime | None
    finished_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationFile:
    """A file that comes with a notification."""

    file_id: str
    name: str  # letters, digits, ".", "_" and "-"
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to people and how far it got."""

    notification_id: str
    session_id: str
    chat: Chat
    text: str
    buttons: tuple[Choice, ...]
    token: str = field(repr=False)
    state: NotificationState
    detail: str
    message_ids: tuple[str, ...]
    command_id: str
    attempt: int
    created_at: datetime | None
    delivered_at: datetime | None
    permission_id: str = ""  # of the permission question that it shows, or whose end it tells
    files: tuple[NotificationFile, ...] = ()
    edits: str = ""  # the notification whose messages it changes


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step in the story of a command, a notification or an update."""

    at: datetime | None
    subject_id: str
    event: str
    from_state: str
    to_state: str
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How much was removed, by kind."""

    commands: int
    notifications: int
    messages: int
    updates: int
    sessions: int
    steps: int


@dataclass(frozen=True, slots=True)
class JoinToken:
    """Lets one machine enrol; shown once."""

    token: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stats:
    """The router's figures; ages and times in seconds."""

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

"""A command's life in the agent's inbox. Everything that affects its state lives here.

    RECEIVED ── Started ──▶ STARTED ── Ended, Interrupted ──▶ FINISHED
        └────────── Ended, TakenBack, Disowned ──────────────────▲

STARTED is on disk before the first byte is typed. So what is found STARTED when the agent comes back may or may not
have been typed: it was Interrupted, and ends UNCERTAIN. FINISHED never changes.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum

from agent.domain.control import ControlSignal
from agent.domain.permission import Decision, FormAnswer
from agent.domain.workspace import Workspace


class InboxState(Enum):
    """How far a command is on this machine."""

    RECEIVED = "received"
    STARTED = "started"  # on disk before the first byte is typed
    FINISHED = "finished"  # kept until the router has the result and will not send it again


class Lane(Enum):
    """Order class: urgent commands do not wait for normal ones."""

    NORMAL = "normal"
    URGENT = "urgent"


class Ending(Enum):
    """How a command ended here."""

    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # it may have been typed: never typed again by itself
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Reason(Enum):
    """Why it did not end DONE; names as in agentlink.v1."""

    NONE = "UNSPECIFIED"
    SESSION_RESTARTED = "SESSION_RESTARTED"
    SESSION_ENDED = "SESSION_ENDED"
    SESSION_UNKNOWN = "SESSION_UNKNOWN"
    TTL_EXPIRED = "TTL_EXPIRED"
    CANCELLED = "CANCELLED"
    AGENT_RESTARTED = "AGENT_RESTARTED"
    BACKEND_ERROR = "BACKEND_ERROR"
    TARGET_GONE = "TARGET_GONE"
    EXIT_CODE = "EXIT_CODE"
    UNSUPPORTED = "UNSUPPORTED"
    TOO_LARGE = "TOO_LARGE"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    ILLEGAL_STATE = "ILLEGAL_STATE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    QUESTION_OVER = "QUESTION_OVER"
    INPUT_CHANGED = "INPUT_CHANGED"
    DIALOG_OPEN = "DIALOG_OPEN"
    LINE_IN_USE = "LINE_IN_USE"
    FOLDER_NOT_ALLOWED = "FOLDER_NOT_ALLOWED"
    TOO_MANY_SESSIONS = "TOO_MANY_SESSIONS"
    CONVERSATION_OPEN = "CONVERSATION_OPEN"
    FILE_GONE = "FILE_GONE"
    MODE_NOT_ALLOWED = "MODE_NOT_ALLOWED"
    WORKSPACE_FAILED = "WORKSPACE_FAILED"
    WORKSPACE_FULL = "WORKSPACE_FULL"


@dataclass(frozen=True, slots=True)
class Input:
    """Text to type, and whether Enter follows."""

    text: str
    submit: bool = True


@dataclass(frozen=True, slots=True)
class FileInput:
    """A file that a person sent: to be fetched from the router; its path is typed behind the caption."""

    file_id: str
    name: str
    size: int  # bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key, by its name in typing_rules."""

    name: str


Action = Input | KeyPress | ControlSignal


@dataclass(frozen=True, slots=True)
class PermissionDecision:
    """The answer to a permission question of this machine."""

    permission_id: str
    input_digest: str
    option_id: str
    text: str = ""
    updated_input: str = ""
    answers: tuple[FormAnswer, ...] = ()

    @property
    def chosen(self) -> Decision:
        """What was decided."""
        return Decision(self.option_id, self.text, self.updated_input, self.answers)


@dataclass(frozen=True, slots=True)
class StartSession:
    """Begin the session that the command is for. Empty: the first folder allowed here; a new conversation."""

    prompt: str
    folder: str = ""
    conversation_id: str = ""
    keep: bool = False  # beyond its 24 hours
    agent: str = ""  # which coding agent; empty for Claude Code
    workspace: Workspace | None = None  # in place of a folder
    platform: str = ""  # of the chat that began it


@dataclass(frozen=True, slots=True)
class StopSession:
    """End the session and its program."""


@dataclass(frozen=True, slots=True)
class KeepSession:
    """Let the session go on beyond its 24 hours."""


@dataclass(frozen=True, slots=True)
class CloseWorkspace:
    """Remove a workspace, where nothing in it is nowhere else; or archive it."""

    key: str
    archive: bool = False


@dataclass(frozen=True, slots=True)
class PackWorkspace:
    """Give the router an archive of a workspace, for another machine; it stays as it is."""

    key: str


@dataclass(frozen=True, slots=True)
class TakeWorkspace:
    """Fetch the archive of a workspace that was packed elsewhere, and put it back here."""

    workspace: Workspace
    digest: str  # SHA-256, hexadecimal
    size: int  # bytes

    @property
    def is_sound(self) -> bool:
        """Whether it can be carried out at all."""
        return self.workspace.is_sound and _DIGEST.fullmatch(self.digest) is not None


Order = (
    Action
    | FileInput
    | PermissionDecision
    | StartSession
    | StopSession
    | KeepSession
    | CloseWorkspace
    | PackWorkspace
    | TakeWorkspace
)

MAX_TEXT_BYTES = 64 * 1024  # as the router's
MAX_ID_BYTES = 128  # what is longer is no id of ours: it is refused before it is stored
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")  # it becomes part of a path


@dataclass(frozen=True, slots=True)
class Command:
    """One command as the router sent it. `action` is None when this agent does not know its kind.

    `generation` 0 fits any; `ttl` is in seconds from receipt, None for no limit.
    """

    command_id: str
    session_id: str
    generation: int
    sequence: int
    lane: Lane
    action: Order | None
    ttl: float | None = None

    @property
    def typed(self) -> Action | None:
        """What a backend has to carry out; None when that is nothing."""
        match self.action:
            case Input() | KeyPress() | ControlSignal():
                return self.action
            case StartSession(prompt=prompt):
                return Input(prompt)
        return None


def objection(command: Command) -> Reason | None:
    """Why this command cannot be taken at all, ever; None when it can."""
    if not 0 < len(command.command_id) <= MAX_ID_BYTES or len(command.session_id) > MAX_ID_BYTES:
        return Reason.INVALID_ARGUMENT
    if command.action is None:  # of a newer router
        return Reason.UNSUPPORTED
    if isinstance(command.action, FileInput) and not _FILE_NAME.fullmatch(command.action.name):
        return Reason.INVALID_ARGUMENT
    if isinstance(command.action, ControlSignal) and not command.action.is_sound:
        return Reason.INVALID_ARGUMENT
    if isinstance(command.action, StartSession) and command.action.workspace and not command.action.workspace.is_sound:
        return Reason.INVALID_ARGUMENT
    if isinstance(command.action, TakeWorkspace) and not command.action.is_sound:
        return Reason.INVALID_ARGUMENT
    return Reason.TOO_LARGE if len(_text_of(command.action).encode()) > MAX_TEXT_BYTES else None


def _text_of(order: Order) -> str:
    match order:
        case Input(text=text) | PermissionDecision(text=text) | StartSession(prompt=text) | KeyPress(name=text):
            return text
        case FileInput(caption=text):
            return text
    return ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backend can say of one action."""

    ending: Ending
    reason: Reason = Reason.NONE
    detail: str = ""

    @classmethod
    def done(cls, detail: str = "") -> "Outcome":
        return cls(Ending.DONE, detail=detail)

    @classmethod
    def failed(cls, reason: Reason, detail: str = "") -> "Outcome":
        return cls(Ending.FAILED, reason, detail)

    @classmethod
    def uncertain(cls, reason: Reason, detail: str = "") -> "Outcome":
        return cls(Ending.UNCERTAIN, reason, detail)


class IllegalMove(Exception):
    """That state does not allow that event; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How far a command in the inbox is. Of one that is read from disk, `outcome` knows the ending alone."""

    command_id: str
    session_id: str
    kind: str
    state: InboxState = InboxState.RECEIVED
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Typing is about to begin."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over, this way: carried out, or refused, or out of its time before it began."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The router wants it back."""


@dataclass(frozen=True, slots=True)
class Disowned:
    """It waits in an old copy of this inbox, and may have been typed since the copy was made."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The agent ended while it was carried out; `taken`: its program has said that it took the text."""

    taken: bool


Event = Started | Ended | TakenBack | Disowned | Interrupted

# event -> the states it is legal in
SOURCES: dict[type[Event], frozenset[InboxState]] = {
    Started: frozenset({InboxState.RECEIVED}),
    Ended: frozenset({InboxState.RECEIVED, InboxState.STARTED}),
    TakenBack: frozenset({InboxState.RECEIVED}),
    Disowned: frozenset({InboxState.RECEIVED}),
    Interrupted: frozenset({InboxState.STARTED}),
}


def apply(entry: Entry, event: Event) -> Entry:
    """The entry after an event. Raises IllegalMove, and changes nothing, where the table has no such row."""
    if entry.state not in SOURCES[type(event)]:
        raise IllegalMove(f"{type(event).__name__} in state {entry.state.name} of {entry.command_id}")
    match event:
        case Started():
            return replace(entry, state=InboxState.STARTED)
        case Ended(outcome):
            return _finished(entry, outcome)
        # Of the second the router is told nothing: a later life of this file has told it.
        case TakenBack() | Disowned():
            return _finished(entry, Outcome(Ending.CANCELLED, Reason.CANCELLED))
        case Interrupted(taken):
            return _finished(entry, Outcome.done() if taken else _cut_short(entry))


def _finished(entry: Entry, outcome: Outcome) -> Entry:
    return Entry(entry.command_id, entry.session_id, entry.kind, InboxState.FINISHED, outcome)


def _cut_short(entry: Entry) -> Outcome:
    # Typed or not: nobody can know, and what may have been typed is never typed again.
    begun = entry.kind == "start"
    work = "it started this; whether it has the prompt cannot be known" if begun else "typing this"
    return Outcome.uncertain(Reason.AGENT_RESTARTED, f"The agent was restarted while {work}.")

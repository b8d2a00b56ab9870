"""What a session does, in words that are the same for every program."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from agent.domain.session import SessionState

MAX_SAID = 32 * 1024  # characters, like the next two; with their UTF-8 an event stays below the router's 64 KiB
MAX_PART = 16 * 1024
MAX_LINE = 300  # of what stands in one line
MAX_ENTRIES = 50
MAX_COMMANDS = 200
_BYTES_OF_ALL = 56 * 1024  # of an event's texts: many letters have more than a byte
_MORE = "…"


class Speaker(Enum):
    """Whose words; names as in agentlink.v1."""

    USER = "USER"
    ASSISTANT = "ASSISTANT"
    SYSTEM = "SYSTEM"


class ToolKind(Enum):
    """What a tool does, roughly; names as in agentlink.v1."""

    READ = "READ"
    EDIT = "EDIT"
    RUN = "RUN"
    SEARCH = "SEARCH"
    FETCH = "FETCH"
    OTHER = "OTHER"


class WorkState(Enum):
    """How far something is; names as in agentlink.v1."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Said:
    """Words."""

    by: Speaker
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool in use, or how that ended; then what is empty is as it was."""

    tool_id: str
    state: WorkState
    name: str = ""
    kind: ToolKind | None = None
    title: str = ""
    input: str = ""
    output: str = ""
    diff: str = ""
    parent_id: str = ""  # of the use within which a subagent does it


@dataclass(frozen=True, slots=True)
class Planned:
    """What it means to do."""

    entries: tuple[tuple[str, WorkState], ...]


@dataclass(frozen=True, slots=True)
class Used:
    """What one answer of the model used, in tokens; without new ones what is known by then of the rest."""

    model: str
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_written: int = 0
    context: int = 0
    context_size: int = 0
    cost: float = 0.0  # US dollars, of the conversation so far


@dataclass(frozen=True, slots=True)
class Became:
    """What it does now; its account is at a limit until then, in seconds since the epoch, or at none."""

    state: SessionState
    waiting_for: str = ""
    limited_until: float = 0.0
    by_screen: bool = False  # as far as a screen tells that changes, or does not


@dataclass(frozen=True, slots=True)
class Described:
    """What has changed about the session; what is empty is as it was."""

    title: str = ""
    model: str = ""
    mode: str = ""
    branch: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Something could not be read."""

    why: str


What = Said | ToolUsed | Planned | Used | Became | Described | Missing


@dataclass(frozen=True, slots=True)
class Event:
    """One thing, when the program did it, in seconds since the epoch; None where it does not say."""

    what: What
    at: float | None = None


def fit(event: Event, mask: Callable[[str], str]) -> Event:
    """The event with its secrets masked, as long as it may be. Masked before it is cut: half a secret is one, too."""
    match event.what:
        case Said(text=text) as said:
            return replace(event, what=replace(said, text=_head(mask(text), MAX_SAID, _BYTES_OF_ALL)))
        case ToolUsed() as used:
            return replace(event, what=_fit_tool(used, mask))
        case Planned(entries):
            fitting = tuple((_head(mask(text), MAX_LINE), state) for text, state in entries[:MAX_ENTRIES])
            return replace(event, what=Planned(fitting))
        case Described() as about:
            names = ("title", "model", "mode", "branch")
            lines = {name: _head(mask(getattr(about, name)), MAX_LINE) for name in names}
            return replace(event, what=replace(about, **lines, commands=about.commands[:MAX_COMMANDS]))
    return event


def _fit_tool(used: ToolUsed, mask: Callable[[str], str]) -> ToolUsed:
    return replace(
        used,
        tool_id=used.tool_id[:MAX_LINE],
        parent_id=used.parent_id[:MAX_LINE],
        name=used.name[:MAX_LINE],
        title=_head(mask(used.title), MAX_LINE),
        input=_head(mask(used.input), MAX_PART, _BYTES_OF_ALL // 4),
        output=_tail(mask(used.output), MAX_PART, _BYTES_OF_ALL // 2),
        diff=_head(mask(used.diff), MAX_PART, _BYTES_OF_ALL // 4),
    )


def _head(text: str, most: int, most_bytes: int = _BYTES_OF_ALL) -> str:
    data = text[:most].encode(errors="replace")
    if len(text) <= most and len(data) <= most_bytes:
        return data.decode()
    return data[:most_bytes].decode(errors="ignore") + _MORE


def _tail(text: str, most: int, most_bytes: int) -> str:
    data = text[-most:].encode(errors="replace")
    if len(text) <= most and len(data) <= most_bytes:
        return data.decode()
    return _MORE + data[-most_bytes:].decode(errors="ignore")

"""What a command does, and how urgent that is."""

from enum import Enum

from msgspec import Struct

from router.domain.control import ControlKind, ControlSignal
from router.domain.permission_input import FormAnswer
from router.domain.workspace import Workspace


class Lane(Enum):
    """Order class: urgent commands do not wait for normal ones."""

    __hash__ = object.__hash__  # Enum's own is Python's, and each command asks

    NORMAL = 1
    URGENT = 2


_NORMAL = Lane.NORMAL  # looked up in its enum, for each command, it costs ten times as much


class Input(Struct, frozen=True):
    """Text to type, and whether Enter follows."""

    text: str
    submit: bool = True


class FileInput(Struct, frozen=True):
    """A file that a person sent: the machine keeps it and types its path behind the caption."""

    file_id: str
    name: str
    size: int  # bytes
    caption: str = ""


class KeyPress(Struct, frozen=True):
    """One named key."""

    name: str


class PermissionDecision(Struct, frozen=True):
    """The answer to a permission question. The machine refuses one about another input than it asked about."""

    permission_id: str
    input_digest: str
    option_id: str
    text: str = ""
    updated_input: str = ""  # that is allowed in the place of what was asked about
    answers: tuple[FormAnswer, ...] = ()  # to a whole form


class StartSession(Struct, frozen=True):
    """Begin the session that the command is for. Empty: its first folder; a new conversation; Claude Code."""

    prompt: str
    folder: str = ""
    conversation_id: str = ""
    keep: bool = False  # beyond its 24 hours
    agent: str = ""
    workspace: Workspace | None = None  # in place of a folder
    platform: str = ""  # of the chat that began it

    @property
    def place(self) -> str:
        """The folder by which a machine's policy judges it: a workspace is in none of those that it may name."""
        return "/.workspaces" if self.workspace else self.folder


class CloseWorkspace(Struct, frozen=True):
    """Remove a workspace, where nothing in it is nowhere else; or archive it."""

    key: str
    archive: bool = False


class PackWorkspace(Struct, frozen=True):
    """Give us an archive of a workspace, which stays as it is."""

    key: str


class TakeWorkspace(Struct, frozen=True):
    """Fetch the archive of a workspace that another machine has packed, and put it back."""

    workspace: Workspace
    digest: str
    size: int  # bytes
    file_id: str  # under which its parts are here


class StopSession(Struct, frozen=True):
    """End the session and its program."""


class KeepSession(Struct, frozen=True):
    """Let the session go on beyond its 24 hours."""


Action = (
    Input
    | FileInput
    | KeyPress
    | PermissionDecision
    | StartSession
    | StopSession
    | KeepSession
    | ControlSignal
    | CloseWorkspace
    | PackWorkspace
    | TakeWorkspace
)
OF_WORKSPACES = frozenset({CloseWorkspace, PackWorkspace, TakeWorkspace})
"""Those that no session has to live for."""
KEYS = frozenset([
    "esc", "enter", "ctrl-c", "ctrl-d", "tab", "up", "down", "left", "right", "backspace", "space", "shift-tab",
    "page-up", "page-down", "ctrl-r", "ctrl-o", "ctrl-z",
])  # fmt: skip
# Keys that interrupt; any other key answers what is on the screen, and must keep its place.
URGENT_KEYS = frozenset({"esc", "ctrl-c"})
# A decision is what the session waits for: behind a queued text it would wait for itself.
_URGENT = frozenset({PermissionDecision, StopSession})


def lane_of(action: Action) -> Lane:
    """Interrupts, decisions and stops overtake what is queued; everything else keeps its place."""
    if type(action) is Input:  # asked of every command, and what a thing is not costs more to ask
        return _NORMAL
    urgent = type(action) in _URGENT
    urgent = urgent or (isinstance(action, KeyPress) and action.name in URGENT_KEYS)
    urgent = urgent or (isinstance(action, ControlSignal) and action.kind is ControlKind.INTERRUPT)
    return Lane.URGENT if urgent else _NORMAL


def text_of(action: Action) -> str:
    """The text that an action brings along; empty where it has none."""
    if type(action) is Input:
        return action.text
    match action:
        case PermissionDecision(text=text) | StartSession(prompt=text):
            return text
        case FileInput(caption=text):
            return text
    return ""

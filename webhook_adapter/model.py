"""What the adapter's parts tell each other beside the records of pointsman.client."""

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from pointsman.client.permission_records import FormAnswer
from pointsman.client.records import Chat, Command, CommandState

_VERDICTS = {"allow": "Allow", "always": "Allow always", "deny": "Deny"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the router has, whole."""

    file_id: str
    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class PermissionAnswer:
    """An answer to a permission question, as a page gives it: an option with what comes with it, or a whole form."""

    input_digest: str
    option_id: str = ""
    text: str = ""
    updated_input: str = ""  # a JSON object
    answers: tuple[FormAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """One whose meaning the router wants to know, as a vector of this model."""

    text_id: str
    text: str = field(repr=False)  # a note, which no log is to show
    model: str
    seconds: float  # after which nobody waits for it


@dataclass(frozen=True, slots=True)
class Voice:
    """A recording that the router has, whole, and whose words nobody knows."""

    voice_id: str
    file_id: str
    name: str  # letters, digits, ".", "_" and "-"
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Workspace:
    """A clone that a session is to work in; as in agentlink.v1."""

    key: str
    repository: str
    ref: str = ""
    base_ref: str = ""
    foreign: bool = False  # what `ref` brings is a stranger's


@dataclass(frozen=True, slots=True)
class ChatChange:
    """What became of a chat itself, by its platform's word."""

    moved_to: str = ""  # the id that it has from now on
    closed: bool = False  # it takes no messages from now on
    words: str = ""  # for those who hear of all sessions


class Submission(msgspec.Struct, frozen=True):
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
    user_id: str = ""  # the platform's own
    needs_pairing: bool = False  # no setting lets them in: the router says whether a code did
    login_id: str = ""  # of the browser that it came from
    passkey: str = ""  # what a passkey signed there, as the browser gave it
    answer: PermissionAnswer | None = None  # to the question that it answers
    control: tuple[str, str] | None = None  # changes how the session works: what, and to which value
    transcribe: bool = False  # the file is a recording: its words are to be known first
    space: str = ""  # what holds the chat, as a repository holds its issues: no more is done than is bound there
    context: str = ""  # for a session: where the words were written
    takes_back: str = ""  # the update_key of a message that is gone since
    written_at: datetime | None = None
    workspace: Workspace | None = None  # that a session begun with this works in
    change: ChatChange | None = None  # nobody wrote anything: the chat itself changed


@dataclass(frozen=True, slots=True)
class Submitted:
    """It is on the router's disk, and this is what became of it."""

    command_id: str
    state: CommandState
    session_id: str
    answer: str
    duplicate: bool
    needs_second_factor: bool = False  # a rule wants a code or a passkey of whoever allows this
    reason: str = ""  # why it became no command, a name of agentlink.v1.Reason; mostly empty


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser at the console, as the router knows it."""

    is_open: bool  # it is let in
    is_known: bool  # it was, whatever became of it
    person_name: str = ""  # whose it is; empty for whoever has the key
    role: str = ""  # what that person may, by its name in agentlink.v1; empty: everything


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser takes pushes, with its keys. Whoever knows it can have the vendor called."""

    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    origin: str  # of the page that it subscribed at
    is_open: bool = True  # it is let in still


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser came with: a link's id, or a pairing code; neither where it showed the key."""

    link_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What the router says of somebody whom no setting lets in."""

    is_new: bool
    is_paired: bool  # a code let them in


def command_text(command: Command) -> str:
    """What a command brings along, in words for people."""
    match command.kind:
        case "stop_session":
            return "End the session"
        case "keep_session":
            return "Keep the session"
        case "close_workspace":
            return f"Close the workspace {command.text}"
        case "pack_workspace" | "take_workspace":
            return f"Move the workspace {command.text}"
        case "permission_decision":
            # "Deny: use the sandbox"; an answer in one's own words stands for itself.
            name = _VERDICTS.get(command.option_id.partition("-")[0], "")
            return ": ".join(filter(None, (name, command.text))) or "An answer"
    return command.text

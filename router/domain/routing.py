"""Which session an inbound message is for, and what it does there: pure, the look-ups come as arguments.

Order: a session chosen outright; `/cmd TOKEN text`; a reply; a chat command; the topic it stands in; else the session
that the chat has chosen. A button belongs to the message it stands under.
"""

import re

from msgspec import Struct

from router.domain.action import Action, FileInput, Input, KeepSession, KeyPress
from router.domain.command import ChatRef
from router.domain.control import ControlSignal
from router.domain.notification import Button
from router.domain.permission_input import Answer
from router.domain.person import Person
from router.domain.workspace import Workspace

_CMD = re.compile(r"/cmd(?:@\w+)?\s+(\S+)(?:[ \t]+|\n)(.+)", re.DOTALL)
_CHAT_COMMAND = re.compile(r"/(\w+)(?:@\w+)?(?:\s+(.*))?", re.DOTALL)
CONTROLS = frozenset(["mode", "model", "compact", "clear"])
"""How the program in a session works; where that is none of ours to change, they are words for it."""
ABOUT_A_SESSION = frozenset(["stop", "key", "cancel", "end", "keep", "mute", "unmute"]) | CONTROLS
"""Ours in a reply too, where they speak of the session answered. Other slash commands may be the agent's own."""
TAKE_BACK = "take-back"  # /cancel with more behind it, which is about many
IN_A_REPLY = (
    ABOUT_A_SESSION
    | {"later", "every", "remind", "follow", "unfollow", "allow", "deny", "rules"}
    | {"remember", "recall", "ask", "scheduled"}
)
"""Ours in a reply, too; for what these do there need be no session."""
CHAT_COMMANDS = IN_A_REPLY | {
    "start", "help", "sessions", "use", "status", "new", "dead", "topics", "policy", "quiet", "settings", "cmd",
    "zone", "limits", "iam", "escalate", "summary", "retry", "drop", "notes", "forget",
    "workspaces",
}  # fmt: skip
START = re.compile(r"/new(?:@\w+)?\s+(.+)", re.DOTALL)
"""What begins a session when its time comes."""
ANSWERS: dict[str, Action] = {
    "continue": KeyPress("enter"),
    "yes": Input("y"),
    "y": Input("y"),
    "no": Input("n"),
    "n": Input("n"),
    "exit": Input("/exit"),
}
_KEEP = "/keep"  # a button with it is a command to the router, as the same word in a reply is


class ChatChange(Struct, frozen=True):
    """What became of a chat itself, by its platform's word."""

    moved_to: str = ""  # the id that it has from now on
    is_closed: bool = False  # it takes no messages from now on
    words: str = ""  # for those who hear of all sessions


class Inbound(Struct, frozen=True):
    """One message or button press, as a door hands it in."""

    update_key: str
    chat: ChatRef
    actor: str
    text: str = ""
    reply_to: str = ""
    button: str | None = None
    session_id: str = ""
    edited: bool = False  # changed after it was sent
    file: FileInput | None = None  # that came with it; the text is its caption
    file_problem: str = ""  # why a file that came with it could not be taken
    album: str = ""  # what one person sent at once
    reply_to_ours: bool = False  # we wrote the message that it answers
    user_id: str = ""  # the platform's own
    needs_pairing: bool = False  # the door does not know who wrote it
    login_id: str = ""  # what the browser shows that it came from
    passkey: str = ""  # what a passkey signed to allow the question that it answers
    answer: Answer | None = None  # of a page to the question that it answers, as it was shown with this digest
    digest: str = ""
    control: ControlSignal | None = None  # of a page, for the session that it chose
    transcribe: bool = False  # the file is a recording, and somebody at the door turns it into text
    space: str = ""  # what holds the chat, where only that may be done there which its binding allows
    context: str = ""  # for a session: where the words were written
    takes_back: str = ""  # the update_key of a message that is gone since
    written_at: float = 0.0  # by the platform's clock, where it is known
    workspace: Workspace | None = None  # that a session begun with this works in
    change: ChatChange | None = None  # nobody wrote anything: the chat itself changed
    person: Person | None = None  # whose it is; None for somebody who may do everything

    @property
    def who(self) -> str:
        """Whoever wrote or pressed, for people."""
        return self.actor or self.chat.transport


class ToSession(Struct, frozen=True):
    """Type this into that session."""

    session_id: str
    text: str


class ByToken(Struct, frozen=True):
    """Type this into the session that the token names in this chat."""

    token: str
    text: str


class ByReply(Struct, frozen=True):
    """Type this into the session that the message speaks of; else treat it as if it answered nothing."""

    message_id: str
    text: str


class ByButton(Struct, frozen=True):
    """Do what the button of that notification offered."""

    token: str
    action: str


class ChatCommand(Struct, frozen=True):
    """A command to the router itself."""

    name: str
    argument: str


class ToPlace(Struct, frozen=True):
    """Type this into the session of the topic it was written in, else into the one the chat has chosen."""

    text: str


class Changed(Struct, frozen=True):
    """A message that was changed after it was handed in: what it first said was acted upon."""


class Unreadable(Struct, frozen=True):
    """A button that is none of ours."""


Route = ToSession | ByToken | ByReply | ByButton | ChatCommand | ToPlace | Changed | Unreadable


def route(inbound: Inbound) -> Route:
    """What the message itself says about where it belongs."""
    # First: a press belongs to the message under it, whatever else came along.
    if inbound.button is not None:
        return _button(inbound.button)
    # What it first said may have been typed already; the new words are a new message, if they are meant.
    if inbound.edited:
        return Changed()
    if inbound.session_id:
        return ToSession(inbound.session_id, inbound.text)
    if match := _CMD.fullmatch(inbound.text):
        return ByToken(match[1], match[2])
    if inbound.reply_to:
        return ByReply(inbound.reply_to, inbound.text)
    return without_reply(inbound.text)


def without_reply(text: str) -> Route:
    """The route of a message that answers nothing we know."""
    return chat_command(text, CHAT_COMMANDS) or ToPlace(text)


def chat_command(text: str, known: frozenset[str]) -> ChatCommand | None:
    """The command that a text is; None where it is none of those known."""
    if (match := _CHAT_COMMAND.fullmatch(text)) and match[1] in known:
        argument = (match[2] or "").strip()
        return ChatCommand(TAKE_BACK if argument and match[1] == "cancel" else match[1], argument)
    return None


def _button(data: str) -> Route:
    kind, _, rest = data.partition(":")
    token, separator, action = rest.partition(":")
    if kind != "cmd" or not separator or not token:
        return Unreadable()
    return ByButton(token, action)


def action_of(name: str, offered: tuple[Button, ...]) -> Action | None:
    """What a pressed button does; None when it was never offered."""
    if name in ANSWERS:
        return ANSWERS[name]
    if all(button.action != name for button in offered):
        return None
    return KeepSession() if name == _KEEP else Input(name)

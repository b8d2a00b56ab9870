"""The seam between the courier and a chat platform: one message in, one outcome out.

A Transport brings messages. What else a platform can do it says by having the method: TellsNews, Edits, Reacts,
Deletes, ShowsTyping. courier/verbs.py tells what becomes of a message where it has not.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable


class Kind(Enum):
    """What kind of message it is; a platform may show them differently."""

    QUESTION = "question"
    STATUS = "receipt"
    PROGRESS = "progress"
    ANSWER = "answer"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class ChatRef:
    """A chat, and perhaps a topic in it."""

    chat_id: str
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A choice under a message; `data` is what a press sends back."""

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file of a message. `parts` gives its bytes, from the beginning at each call; it raises RouterError."""

    name: str  # letters, digits, ".", "_" and "-"
    size: int  # bytes
    parts: Callable[[], Iterable[bytes]] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to bring, in plain text or in Markdown; the platform formats it.

    Without a text it brings nothing: the last of `edit_message_ids` loses its buttons.
    """

    chat: ChatRef
    text: str
    heading: str = ""  # "devbox · api-refactor"; empty for the system's own words
    buttons: tuple[Button, ...] = ()
    kind: Kind = Kind.PROGRESS
    reply_to_message_id: str = ""
    edit_message_ids: tuple[str, ...] = ()  # edit these instead of sending new ones
    notification_id: str = ""  # the same for every try to bring it
    as_mark: bool = False  # a mark on the answered message says it all, where there are marks
    topic_title: str = ""  # bring it to a topic of this name: made where the place names none, or one that is gone
    close_topic: bool = False  # and close the topic after it
    silent: bool = False
    files: tuple[OutgoingFile, ...] = ()
    session_id: str = ""  # the session that it is about, and its machine
    machine_id: str = ""
    is_markdown: bool = False  # a platform that has no formats shows it as it is
    session_label: str = ""  # what people call that session
    attempt: int = 1  # which try this is: from the second on it may be there already
    command_state: str = ""  # of a status message: how far the command was, by its name in agentlink.v1


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform took it. `thread_id`: of the topic that was made for it; `topic_problem`: why none could be.

    `detail`: what is missing although it was taken.
    """

    message_ids: tuple[str, ...]
    thread_id: str = ""
    topic_problem: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform refused it for good; its own words. `chat_closed`: it takes nothing for this chat."""

    detail: str
    chat_closed: bool = False


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Not now. `after` in seconds where the platform said it, else None: the router chooses.

    `alone`: the platform answers other calls, so it may be about this message alone.
    """

    detail: str
    after: float | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class ChatNews:
    """What is to be known of a chat before its next message: how long it rests, and all chats; the id it has now."""

    rest: float = 0.0  # seconds
    pause: float = 0.0  # seconds
    moved_to: str = ""


SendOutcome = Delivered | Refused | RetryLater


class Transport(Protocol):
    """A chat platform as the courier sees it. Calls come one at a time per chat, from several threads over all."""

    name: str

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message. What the platform does is an outcome and never raises; what reading a file raises may."""


@runtime_checkable
class TellsNews(Protocol):
    """It has limits, or chats that get other ids."""

    def news(self, chat: ChatRef) -> ChatNews:
        """How things stand with a chat, asked after each message to it."""


@runtime_checkable
class Edits(Protocol):
    """It can change what it has brought."""

    def edit(self, message: Outgoing) -> SendOutcome:
        """Let the messages of `edit_message_ids` say this instead; one that is gone comes anew. As `send` else."""


@runtime_checkable
class Reacts(Protocol):
    """It has marks for messages."""

    def react(self, chat: ChatRef, message_id: str, mark: str) -> SendOutcome:
        """Put a mark, one emoji, on somebody's message; "" takes ours off. Refused: not here, or not now."""


@runtime_checkable
class Deletes(Protocol):
    """It can take back what it has brought."""

    def delete(self, chat: ChatRef, message_id: str) -> bool:
        """Take a message of ours away; False where it still stands."""


@runtime_checkable
class ShowsTyping(Protocol):
    """It can show that somebody is at work."""

    def typing(self, chat: ChatRef) -> bool:
        """Show it for some seconds, if that keeps no message waiting. False where this chat will never show it.

        Called beside `send`: where a message is on its way to the chat, it goes first.
        """

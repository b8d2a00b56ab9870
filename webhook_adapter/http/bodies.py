"""What REST takes and answers, field by field. The schemas of the OpenAPI document are made of these too."""

import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec import field as named

from pointsman.client import records, workspaces
from pointsman.client.records import CommandState, SessionState
from webhook_adapter.endpoints import Answer, Body, Query
from webhook_adapter.json_bodies import InvalidRequest, convert, parse
from webhook_adapter.model import command_text

# A year, in seconds: beyond any use, and what a protobuf Duration surely holds.
_LONGEST_TTL = 366 * 24 * 3600
# Telegram's ids have at most 52 bits; its names five letters, or four where they were bought.
_CHAT_ID = re.compile(r"-?[0-9]{1,16}|@[A-Za-z0-9_]{4,32}")

A = TypeVar("A", bound=Answer)
C = TypeVar("C", bound="Command")
True_ = Annotated[bool, Meta(extra_json_schema={"const": True})]
Time = Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
Label = Annotated[str, Meta(extra_json_schema={"maxLength": 200})]  # the router counts, and says 413
# Said for the document's sake: what is empty counts as missing before this is looked at.
Filled = Annotated[str, Meta(min_length=1)]


class RegisterSession(Body):
    """A session to make known."""

    session_id: str
    machine_id: str
    label: Label | None = None


class UnregisterSession(Body):
    """A session to end."""

    session_id: str


class WorkspacePlace(Body):
    """A clone to work in, made where it is not there yet."""

    key: Annotated[Filled, Meta(description="Names it; the same key is the same workspace.")]
    repository: Annotated[Filled, Meta(description="An https or ssh address without a password, or a path there.")]
    ref: Annotated[str, Meta(description='A full name, such as "refs/heads/main"; its own branch if left out.')] = ""
    base_ref: Annotated[str, Meta(description="With foreign: the branch that it is meant for.")] = ""
    foreign: Annotated[bool, Meta(description="What ref brings is a stranger's.")] = False

    @property
    def place(self) -> workspaces.Place:
        return workspaces.Place(self.key, self.repository, self.ref, self.base_ref, self.foreign)


class StartSession(Body):
    """A coding agent to start on a machine, without a terminal."""

    prompt: Annotated[Filled, Meta(description="The first text.")]
    machine_id: Annotated[str | None, Meta(description="May be left out where there is only one.")] = None
    agent: Annotated[
        str | None, Meta(description='One of the machine\'s programs, such as "gemini"; "claude" if left out.')
    ] = None
    folder: Annotated[
        str | None, Meta(description="One that the machine allows, or one below it; the first if left out.")
    ] = None
    workspace: Annotated[WorkspacePlace | None, Meta(description="In place of a folder.")] = None
    conversation_id: Annotated[str | None, Meta(description="An earlier conversation to go on with.")] = None
    keep: Annotated[bool, Meta(description="Let it go on when its 24 hours are over.")] = False
    idempotency_key: str | None = None
    ttl_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=_LONGEST_TTL)] | None,
        Meta(description="Do not begin it later than this from now."),
    ] = None


class InlineButton(Struct):
    """A button of Telegram's that is pressed. No other kind can be sent."""

    text: Filled
    callback_data: Annotated[
        Filled,
        Meta(
            description="What the button does: continue, yes, no, exit, or any text."
            ' "cmd:TOKEN:action" counts as its action.'
        ),
    ]

    @property
    def button(self) -> records.Button:
        """Callers who write a token of their own mean what stands behind it: the router knows ours."""
        parts = self.callback_data.split(":", 2)
        ours = len(parts) == 3 and parts[0] == "cmd" and parts[2]
        return records.Button(self.text, parts[2] if ours else self.callback_data)


class InlineKeyboard(Struct):
    """Telegram's inline keyboard. Its rows are joined."""

    inline_keyboard: list[list[InlineButton]]


class SendNotification(Body):
    """A message about a session, for one chat."""

    session_id: str
    chat_id: Annotated[
        int | str,
        Meta(description='A Telegram chat as a number, its text, or an @name; "console" for the web console.'),
    ]
    text: str
    reply_markup: Annotated[InlineKeyboard | str | None, Meta(description="An inline keyboard, or its JSON text.")] = (
        None
    )
    idempotency_key: str | None = None

    @property
    def chat(self) -> records.Chat:
        """Raises InvalidRequest."""
        # No chat of Telegram's has this name: those begin with @.
        if self.chat_id == "console":
            return records.Chat("web", "console")
        if not _CHAT_ID.fullmatch(chat_id := str(self.chat_id)):
            raise InvalidRequest('chatId must be a number, its text, an @name, or "console"')
        return records.Chat("telegram", chat_id)

    @property
    def buttons(self) -> tuple[records.Button, ...]:
        """Raises InvalidRequest."""
        markup = self.reply_markup
        # The Bot API wants it as JSON text in a form, so callers have it as that.
        if isinstance(markup, str):
            given = parse(markup, "replyMarkup")
            markup = None if given is None else convert(given, InlineKeyboard, "replyMarkup")
        return tuple(each.button for row in markup.inline_keyboard for each in row) if markup else ()


class SendCommand(Body):
    """A text to type."""

    session_id: str
    text: Filled
    idempotency_key: str | None = None
    ttl_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=_LONGEST_TTL)] | None,
        Meta(description="Do not type it later than this from now."),
    ] = None


class ControlSession(Body):
    """What to change about how the program in a session works."""

    signal: Literal["mode", "model", "interrupt", "compact", "clear"]
    value: Annotated[str, Meta(description="The mode or the model, as the program calls it; absent with others.")] = ""
    idempotency_key: str | None = None
    ttl_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=_LONGEST_TTL)] | None,
        Meta(description="Do not do it later than this from now."),
    ] = None


class ListCommands(Query):
    """Which commands to list."""

    state: Annotated[str, Meta(description="A comma list of states.")] = ""
    session_id: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    before: Annotated[str, Meta(description="Only older than this command.")] = ""

    @property
    def states(self) -> tuple[CommandState, ...]:
        """In any case of letters; empty means all. Raises InvalidRequest."""
        return tuple(self._states())

    def _states(self) -> Iterator[CommandState]:
        known = {state.value: state for state in CommandState if state is not CommandState.UNKNOWN}
        for word in filter(None, map(str.strip, self.state.upper().split(","))):
            if word not in known:
                raise InvalidRequest(f"state must be one of {', '.join(known)}")
            yield known[word]


class Ok(Answer):
    """It is so."""

    ok: True_ = True


class SessionRegistered(Answer):
    """It is known."""

    session_id: str
    machine_id: str
    ok: True_ = True


class Place(Struct, rename="camel"):
    """A chat."""

    transport: Annotated[str, Meta(description="telegram, mail, push, …")]
    chat_id: str


class Session(Answer):
    """A program that can be typed into."""

    session_id: str
    machine_id: str
    label: str
    state: SessionState
    created_at: Time | None
    updated_at: Time | None
    connected: bool
    mode: Annotated[str, Meta(description="Its program's permission mode, as last heard of.")]
    model: str
    modes: Annotated[tuple[str, ...], Meta(description="Modes that can be chosen from afar.")]
    controls: Annotated[tuple[str, ...], Meta(description="What can be changed: MODEL, INTERRUPT, COMPACT, CLEAR.")]
    limited_until: Annotated[Time | None, Meta(description="Its account is at a usage limit.")]
    home: Annotated[tuple[Place, ...], Meta(description="Chats told of it for its own sake; none: those of all.")]


class NotificationDelivered(Answer):
    """The platform took it."""

    message_id: Annotated[int | str, Meta(description="Of its last message; a number for Telegram.")]
    token: Annotated[str, Meta(description="Names it in /cmd TOKEN text.")]
    ok: True_ = True


class NotificationQueued(Answer):
    """Not within 10 s; it stays queued."""

    STATUS: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED
    notification_id: str
    token: str
    ok: True_ = True
    queued: True_ = True


class CommandAccepted(Answer):
    """On disk; it is typed once the machine is there."""

    STATUS: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED
    command_id: str
    state: CommandState
    ok: True_ = True


class SessionStarting(Answer):
    """On disk; it begins once the machine is there. The command is the first of the session."""

    STATUS: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED
    session_id: str
    command_id: str
    state: CommandState
    ok: True_ = True


class Command(Answer):
    """A command and how far it got. `text` or `key` says what is typed."""

    command_id: str
    session_id: str
    machine_id: str
    sequence: Annotated[int, Meta(description="Its number within the session, from 1.")]
    state: CommandState
    reason: Annotated[str, Meta(description="Why it ended; empty while it lives and when it is DONE.")]
    detail: str
    attempt: Annotated[int, Meta(description="How often it was sent.")]
    redrive_of: str
    created_at: Time | None
    sent_at: Time | None
    received_at: Time | None
    typed_at: Time | None
    taken_at: Time | None
    finished_at: Time | None
    ended_at: Time | None
    # Absent rather than null: callers tell a text from a key by which of them is there.
    text: Annotated[str | UnsetType, Meta(description="What is typed; absent for a key.")] = UNSET
    key: Annotated[str | UnsetType, Meta(description="The key that is pressed; absent for text.")] = UNSET


class Step(Answer):
    """A step of a command's history."""

    at: Time | None
    event: str
    from_state: str = named(name="from")
    to_state: str = named(name="to")
    actor: str
    detail: str
    identity: str = ""


class CommandWithHistory(Command):
    """A command, and what happened to it, oldest first."""

    history: list[Step] = named(default_factory=list)


class Removed(Answer):
    """How much of each kind was removed."""

    commands: int
    notifications: int
    messages: int
    updates: int
    sessions: int
    steps: int
    ok: True_ = True


class Error(Answer):
    """Why not."""

    error: Annotated[str, Meta(description="For people.")]
    code: Annotated[str, Meta(description="For programs.")]


class NotificationRefused(Error):
    """The chat platform refused it for good; its words."""

    STATUS: ClassVar[HTTPStatus] = HTTPStatus.BAD_GATEWAY


def shown(kind: type[A], known: object) -> A:
    """A record as REST tells it: the fields of `kind`, by their names."""
    # What a record has more than `kind` stays inside: a new field is shown once somebody names it above.
    return msgspec.convert(known, kind, from_attributes=True)


def command(kind: type[C], known: records.Command) -> C:
    """A command. A key has no text, and a text no key."""
    told = shown(kind, known)
    if known.key:
        told.text = UNSET
    else:
        told.key, told.text = UNSET, command_text(known)
    return told

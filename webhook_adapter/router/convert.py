"""The adapter's values as protobuf and back."""

from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, cast

from agentlink.v1 import chat_link_pb2, types_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from webhook_adapter import model
from webhook_adapter.router.errors import from_status
from webhook_adapter.router.submit_stream import Answer, Item

_VERDICTS = {"allow": "Allow", "always": "Allow always", "deny": "Deny"}
State = TypeVar("State", bound=Enum)
Value = TypeVar("Value")


def answer(item: chat_link_pb2.SubmitItemResponse) -> Answer:
    """What became of one item."""
    if item.HasField("error"):
        return item.item_id, from_status(item.error)
    done = item.response
    state = _state(model.CommandState, done.state)
    return item.item_id, model.Submitted(done.command_id, state, done.session_id, done.answer, done.duplicate)


def item(item: Item) -> chat_link_pb2.SubmitItem:
    """One item of a batch, with its number."""
    number, submission = item
    request = chat_link_pb2.SubmitRequest(
        update_key=submission.update_key,
        chat=chat_ref(submission.chat),
        actor=submission.actor,
        text=submission.text,
        reply_to_message_id=submission.reply_to_message_id,
        reply_to_ours=submission.reply_to_ours,
        session_id=submission.session_id,
        edited=submission.edited,
        file_problem=submission.file_problem,
        album=submission.album,
        file=types_pb2.FileInput(**asdict(submission.file)) if submission.file else None,
    )
    if submission.button is not None:
        request.button.data = submission.button
    return chat_link_pb2.SubmitItem(item_id=number, request=request)


def chat_ref(chat: model.Chat) -> types_pb2.ChatRef:
    """A place in a chat platform."""
    return types_pb2.ChatRef(**asdict(chat))


def session(session: types_pb2.Session) -> model.Session:
    """A session as the adapter has it."""
    state = _state(model.SessionState, session.state)
    return value(model.Session, session, state=state)


def command(command: types_pb2.Command) -> model.Command:
    """A command as the adapter has it."""
    return value(
        model.Command,
        command,
        text=_text(command.action),
        key=command.action.key.name,
        state=_state(model.CommandState, command.state),
        reason=_enum_name("Reason", command.reason).removeprefix("REASON_") if command.reason else "",
        source=command.origin.source,
        actor=command.origin.actor,
    )


def _text(action: types_pb2.Action) -> str:
    """What an action brings along, for people."""
    if action.WhichOneof("kind") == "stop_session":
        return "End the session"
    if action.WhichOneof("kind") == "keep_session":
        return "Keep the session"
    if decision := _decision(action.permission_decision):
        return decision
    return action.input.text or action.file.name or action.start_session.prompt


def _decision(made: types_pb2.PermissionDecision) -> str:
    """As in "Deny: use the sandbox"; an answer in one's own words stands for itself."""
    if not made.permission_id:
        return ""
    name = _VERDICTS.get(made.option_id.partition("-")[0], "")
    return ": ".join(filter(None, (name, made.text))) or "An answer"


def notification(sent: types_pb2.Notification) -> model.Notification:
    """A notification as the adapter has it."""
    return value(
        model.Notification,
        sent,
        chat=value(model.Chat, sent.chat),
        buttons=tuple(value(model.Choice, each) for each in sent.buttons),
        state=_state(model.NotificationState, sent.state),
        message_ids=tuple(sent.message_ids),
        files=tuple(value(model.NotificationFile, each) for each in sent.files),
    )


def value(kind: type[Value], message: Message, **given: object) -> Value:
    """The dataclass whose fields are named as the message's; `given` are those that need more than copying."""
    names = [each.name for each in fields(cast("Any", kind)) if each.name not in given]
    return kind(**{name: _plain(message, name) for name in names}, **given)


def _plain(message: Message, name: str) -> object:
    value = getattr(message, name)
    if isinstance(value, Timestamp):
        return time(message, name)
    if isinstance(value, Duration):
        return value.ToTimedelta().total_seconds()
    return value


def time(message: Message, name: str) -> datetime | None:
    """A time of a message; None where it is not set."""
    return getattr(message, name).ToDatetime(tzinfo=UTC) if message.HasField(name) else None


def duration(span: timedelta) -> Duration:
    """A span of time."""
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def _state(kind: type[State], number: int) -> State:
    """A state that a newer router knows and we do not is UNKNOWN, never an error."""
    name = _enum_name(kind.__name__, number).rpartition("_STATE_")[2]
    return kind[name] if name in kind.__members__ else kind["UNKNOWN"]


def _enum_name(kind: str, number: int) -> str:
    value = types_pb2.DESCRIPTOR.enum_types_by_name[kind].values_by_number.get(number)
    return value.name if value is not None else str(number)

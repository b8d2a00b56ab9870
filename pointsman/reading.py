"""Messages of the Control service as records."""

from datetime import UTC
from enum import Enum
from typing import Any, TypeVar

from agentlink.v1 import types_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from pointsman import records

R = TypeVar("R")

_ENUMS: dict[str, type[Enum]] = {
    "CommandState": records.CommandState,
    "NotificationState": records.NotificationState,
    "SessionState": records.SessionState,
    "Role": records.Role,
}


def command(message: types_pb2.Command) -> records.Command:
    return read(
        records.Command,
        message,
        text=_text(message.action),
        key=message.action.key.name,
        source=message.origin.source,
        actor=message.origin.actor,
    )


def _text(action: types_pb2.Action) -> str:
    """What an action brings along, for people."""
    made = action.permission_decision
    if action.WhichOneof("kind") == "stop_session":
        return "[end]"
    if action.WhichOneof("kind") == "keep_session":
        return "[keep]"
    if made.permission_id:
        return f"[{made.option_id}] {made.text}".rstrip()
    return action.input.text or action.file.name or action.start_session.prompt


def notification(message: types_pb2.Notification) -> records.Notification:
    return read(
        records.Notification,
        message,
        transport=message.chat.transport,
        chat_id=message.chat.chat_id,
        thread_id=message.chat.thread_id,
        buttons=tuple(f"{button.label}={button.action}" for button in message.buttons),
    )


def permission(message: types_pb2.Permission) -> records.Permission:
    options = tuple(f"{each.option_id}={each.label}" for each in message.options)
    return read(records.Permission, message, options=options)


def read(record: type[R], message: Message, **given: object) -> R:
    """A record whose fields have the names of the message's, except those given."""
    names = [name for name in getattr(record, "__match_args__", ()) if name not in given]
    return record(**{name: _value(message, name) for name in names}, **given)


def _value(message: Message, name: str) -> object:
    value: Any = getattr(message, name)
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.enum_type is not None:
        # Enum values are named TYPE_NAME_VALUE, and the zero value TYPE_NAME_UNSPECIFIED.
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        known = field.enum_type.values_by_number.get(value)
        short = known.name.removeprefix(prefix) if known else "UNSPECIFIED"
        record = _ENUMS.get(field.enum_type.name)
        return record[short] if record else short.removesuffix("UNSPECIFIED")
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC) if message.HasField(name) else None
    if field.message_type is None and not isinstance(value, str | int | bool):
        return tuple(value)
    return value

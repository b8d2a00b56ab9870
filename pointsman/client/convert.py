"""Messages of the Control service as records, and the few records that go the other way."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, timedelta
from enum import Enum
from typing import Any, TypeVar, cast

from agentlink.v1 import types_pb2
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from pointsman.client import gates, people_records, permission_records, records

R = TypeVar("R")
E = TypeVar("E", bound=Enum)
PEOPLE = (people_records.PairedChat, people_records.PersonBrowser)

_ENUMS: dict[str, type[Enum]] = {
    each.__name__: each
    for each in (
        records.CommandState,
        records.NotificationState,
        records.SessionState,
        records.Role,
        people_records.PersonRole,
    )
}
# Only what stands inside of other messages: of those on top, whoever asks names the record.
_RECORDS: dict[str, type] = {
    "ChatRef": records.Chat,
    **{
        each.__name__: each
        for each in (
            records.Button,
            records.NotificationFile,
            permission_records.PermissionOption,
            permission_records.PermissionDetails,
            permission_records.FormQuestion,
            permission_records.FormOption,
            records.TraceStep,
            gates.MachinePolicy,
            gates.ClosedGate,
            gates.ProgramVersion,
            *PEOPLE,
        )
    },
}


def read(record: type[R], message: Message, **given: object) -> R:
    """A record whose fields have the names of the message's, except those given."""
    names = [each.name for each in fields(record) if each.name not in given]  # type: ignore[arg-type]
    return record(**{name: _value(message, name) for name in names}, **given)


def member(kind: type[E], name: str) -> E:
    """Of a newer router's values: that they are not known here."""
    return kind[name] if name in kind.__members__ else kind["UNKNOWN"]


def read_all(record: type[R], messages: Iterable[Message]) -> list[R]:
    """As read, each of them."""
    return [read(record, message) for message in messages]


def command(message: types_pb2.Command) -> records.Command:
    """A command; what its action brings along becomes its text or key."""
    action = message.action
    kind = action.WhichOneof("kind") or "input"  # none where only a newer router knows the kind
    made = action.permission_decision
    return read(
        records.Command, message, kind=kind, key=action.key.name, option_id=made.option_id,
        text=made.text or action.input.text or action.file.name or action.start_session.prompt or control_words(action)
        or action.close_workspace.key or action.pack_workspace.key or action.take_workspace.workspace.key,
        source=message.origin.source, actor=message.origin.actor,
    )  # fmt: skip


def control_words(action: types_pb2.Action) -> str:
    """A control signal as people say it; empty where there is none."""
    kind = str(_named(types_pb2.ControlKind.DESCRIPTOR, action.control.kind)).lower()
    return f"/{kind} {action.control.value}".rstrip() if kind else ""


def control_kind(name: str) -> "types_pb2.ControlKind.ValueType":
    """The kind of that name; for one that there is not the unset one, which the router refuses."""
    known = types_pb2.ControlKind.DESCRIPTOR.values_by_name.get(f"CONTROL_KIND_{name.upper()}")
    return cast("types_pb2.ControlKind.ValueType", known.number if known else 0)


def _value(message: Message, name: str) -> object:
    value: Any = getattr(message, name)
    field: FieldDescriptor = message.DESCRIPTOR.fields_by_name[name]  # type: ignore[assignment]  # upb's is the same
    # Unset, it would read as the year 1970.
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC) if message.HasField(name) else None
    # Before the lists: to protobuf, a map is one.
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.is_repeated:
        return tuple(_plain(each, field) for each in value)
    return _plain(value, field)


def _plain(value: object, field: FieldDescriptor) -> object:
    if isinstance(value, Duration):
        return value.ToTimedelta().total_seconds()
    if isinstance(value, Message):
        return read(_RECORDS[value.DESCRIPTOR.name], value)
    if isinstance(value, int) and field.enum_type is not None:
        return _named(field.enum_type, value)
    return value


def _named(kind: EnumDescriptor, number: int) -> object:
    """A member of the record's enum; where it has none, the name without its prefix, empty where it is not set."""
    # Values are named TYPE_NAME_VALUE, and the zero value TYPE_NAME_UNSPECIFIED.
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    known = kind.values_by_number.get(number)
    name = known.name.removeprefix(prefix) if known else str(number)
    record = _ENUMS.get(kind.name)
    if record is None:
        return name if number else ""
    return record[name] if name in record.__members__ else record["UNKNOWN"]


def command_state(number: int) -> records.CommandState:
    """A command's state by its number in agentlink.v1."""
    return cast("records.CommandState", _named(types_pb2.CommandState.DESCRIPTOR, number))


def chat_ref(chat: records.Chat) -> types_pb2.ChatRef:
    """A place in a chat platform."""
    # Field by field: each message that somebody writes has one, and `asdict` would take five times as long.
    return types_pb2.ChatRef(
        transport=chat.transport, chat_id=chat.chat_id, thread_id=chat.thread_id, message_id=chat.message_id
    )


def origin(sender: records.Origin) -> types_pb2.Origin:
    """Who sends."""
    chat = chat_ref(sender.chat) if sender.chat else None
    return types_pb2.Origin(source=sender.source, actor=sender.actor, chat=chat)


def form_answer(given: permission_records.FormAnswer) -> types_pb2.FormAnswer:
    """The answer to one question of a form."""
    return types_pb2.FormAnswer(option_ids=given.option_ids, text=given.text)


def duration(span: timedelta | None) -> Duration | None:
    """Unset for nothing and for none at all: both leave it to the router."""
    if not span:
        return None
    duration = Duration()
    duration.FromTimedelta(span)
    return duration

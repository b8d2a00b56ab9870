"""Records as JSON. Names of fields are the records' in camelCase, times RFC 3339, states by name."""

from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum

from pointsman.client.permission_records import PermissionOption
from pointsman.client.records import Button, Chat, Command

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def command_text(command: Command) -> str:
    """What a command brings along, for people."""
    match command.kind:
        case "stop_session":
            return "[end]"
        case "keep_session":
            return "[keep]"
        case "close_workspace":
            return f"[close] {command.text}"
        case "pack_workspace" | "take_workspace":
            return f"[move] {command.text}"
        case "permission_decision":
            return f"[{command.option_id}] {command.text}".rstrip()
    return command.text


def to_json(value: object) -> Json:
    """A record, or anything made of them, as JSON data."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.name
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case list() | tuple():
            return [to_json(item) for item in value]
        case dict():
            return {str(key): to_json(item) for key, item in value.items()}
        case Button(label, action):
            return f"{label}={action}"
        case PermissionOption(option_id, label):
            return f"{option_id}={label}"
        case Command():
            return _object(value) | {"text": command_text(value)}
    return _object(value)


def _object(record: object) -> dict[str, Json]:
    """A place stands flat beside the rest, as it always has."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}  # type: ignore[arg-type]
    if isinstance(chat := values.pop("chat", None), Chat):
        values |= {"transport": chat.transport, "chat_id": chat.chat_id, "thread_id": chat.thread_id}
    return {_camel(name): to_json(value) for name, value in values.items()}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)

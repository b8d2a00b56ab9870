"""Fields of messages on the local socket, checked."""

from collections.abc import Mapping

from agent.domain.command import Reason
from agent.domain.errors import Refusal

Message = Mapping[str, object]
Answer = dict[str, object]


def text_of(message: Message, name: str, default: str = "") -> str:
    """A field that must be text when it is there. Raises Refusal naming it."""
    value = message.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise Refusal(Reason.INVALID_ARGUMENT, f"{name} must be text.")
    # A lone surrogate is legal JSON, but no database and no protobuf takes it.
    return value.encode(errors="replace").decode()


def texts_of(message: Message, name: str) -> dict[str, str]:
    """A field that must be an object with text values when it is there. Raises Refusal naming it."""
    values = message.get(name, {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise Refusal(Reason.INVALID_ARGUMENT, f"{name} must be an object with text values.")
    return values


def items_of(message: Message, name: str) -> list[Message]:
    """A field that must be a list of objects when it is there. Raises Refusal naming it."""
    items = message.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refusal(Reason.INVALID_ARGUMENT, f"{name} must be a list of objects.")
    return items


def strings_of(message: Message, name: str) -> list[str]:
    """A field that must be a list of strings when it is there. Raises Refusal naming it."""
    items = message.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Refusal(Reason.INVALID_ARGUMENT, f"{name} must be a list of strings.")
    return items

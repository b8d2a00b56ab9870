"""Frames that this router cannot read, being older than the agent or because they are malformed: what is known of them.

Every durable frame begins with its number. So it can be refused by that number, and ends nothing.
"""

from collections.abc import Iterator
from typing import Any

from agentlink.v1 import agent_link_pb2 as link_pb
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from router.domain import frames
from router.domain.errors import Reason

_VARINT, _LENGTH_DELIMITED = 0, 2  # wire types
_NEWER = "This router is older than the agent: it does not know field {field} of AgentFrame. Update the router."
_MALFORMED = "Field {field} of AgentFrame cannot be read: {why}"


def frame(message: link_pb.AgentFrame) -> frames.Upstream | frames.Unknown:
    """A frame of a kind that we do not know. Raises ValueError for an empty one."""
    for field, data in _messages(message):
        text = _NEWER.format(field=field)
        number = _number(data)
        return frames.Upstream((frames.Unfit(number, Reason.UNSUPPORTED, text),)) if number else frames.Unknown(text)
    raise ValueError("the frame is empty")


def malformed(raw: bytes, why: str) -> tuple[int, frames.Upstream]:
    """Epoch and number of a durable frame that is no message. Raises ValueError where they cannot be told."""
    try:
        message = Empty.FromString(raw)
    except DecodeError:
        raise ValueError(why) from None
    epoch = _number(raw)  # the frame, too, begins with one
    for field, data in _messages(message):
        if number := _number(data):
            text = _MALFORMED.format(field=field, why=why)
            return epoch, frames.Upstream((frames.Unfit(number, Reason.INVALID_ARGUMENT, text),))
    raise ValueError(why)


def _messages(message: Message) -> Iterator[tuple[int, bytes]]:
    for number, wire_type, data in _fields(message):
        if wire_type == _LENGTH_DELIMITED:
            yield number, bytes(data)


def _number(data: bytes) -> int:
    """The number with which a message begins: upstream_seq, of those that are durable. 0 for none."""
    try:
        fields = _fields(Empty.FromString(data))
        return next((int(value) for field, wire_type, value in fields if (field, wire_type) == (1, _VARINT)), 0)
    except DecodeError:
        return 0


def _fields(message: Message) -> Iterator[tuple[int, int, Any]]:
    unknown = UnknownFieldSet(message)
    for index in range(len(unknown)):
        yield unknown[index].field_number, unknown[index].wire_type, unknown[index].data

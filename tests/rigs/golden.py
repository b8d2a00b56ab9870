"""Frames as bytes, committed. `python -m tests.rigs.golden` adds a line for each kind without one; none changes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentlink.v1 import agent_link_pb2 as pb
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

FILE = Path(__file__).parents[1] / "unit" / "frames.jsonl"
FRAMES: tuple[type[Message], ...] = (pb.AgentFrame, pb.RouterFrame)
DEPTH = 6  # of messages within messages


def kinds() -> Iterator[tuple[type[Message], str]]:
    """Every kind of frame of both sides."""
    for frame in FRAMES:
        yield from ((frame, field.name) for field in frame.DESCRIPTOR.oneofs_by_name["frame"].fields)


def committed() -> dict[str, dict[str, Any]]:
    """What is in the file, by kind."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return {line["frame"]: line for line in map(json.loads, lines)}


def says(frame: Message) -> dict[str, Any]:
    """What a frame says, field by field."""
    return MessageToDict(frame, preserving_proto_field_name=True)


def full(frame: type[Message], kind: str) -> Message:
    """A frame of a kind in which every field says something; of a oneof the first."""
    made = frame()
    made.link_epoch = 7  # type: ignore[attr-defined]
    _fill(getattr(made, kind), DEPTH)
    return made


def _fill(message: Message, depth: int) -> None:
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        return
    message.SetInParent()
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
            continue
        _set(message, field, depth)


def _set(message: Message, field: FieldDescriptor, depth: int) -> None:
    several = field.is_repeated
    if field.message_type is not None:
        if depth:
            held = getattr(message, field.name)
            _fill(held.add() if several else held, depth - 1)
        return
    value = _value(field)
    if several:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def _value(field: FieldDescriptor) -> object:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return field.name.encode() if field.type == FieldDescriptor.TYPE_BYTES else field.name
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return field.enum_type.values[1].number
    return True if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else field.number


def main() -> None:
    known = committed()
    for frame, kind in kinds():
        name = f"{frame.DESCRIPTOR.name}.{kind}"
        if name not in known:
            made = full(frame, kind)
            data = made.SerializeToString(deterministic=True)
            known[name] = {"frame": name, "hex": data.hex(), "says": says(made)}
    FILE.write_text("".join(json.dumps(line) + "\n" for line in known.values()))


if __name__ == "__main__":
    main()

"""What is fuzzed: a parser that meets the outside, some sound inputs, and which words of refusal are its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

Check = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Target:
    """Any exception of `check` but those that it catches itself is a finding. `seeds` are inputs to begin with."""

    name: str
    check: Check
    seeds: Sequence[bytes]


TARGETS: dict[str, Target] = {}


def target(*seeds: bytes | str) -> Callable[[Check], Check]:
    """Makes a function the target of its name."""

    def add(check: Check) -> Check:
        raw = tuple(seed.encode() if isinstance(seed, str) else seed for seed in seeds)
        TARGETS[check.__name__] = Target(check.__name__, check, raw)
        return check

    return add


def messages(kind: type[Message], oneof: str = "") -> tuple[bytes, ...]:
    """A message with every field set; with `oneof`, one for each of its cases."""
    if not oneof:
        return (filled(kind()).SerializeToString(),)
    made = []
    for case in kind.DESCRIPTOR.oneofs_by_name[oneof].fields:
        message = filled(kind())
        message.ClearField(oneof)
        filled(getattr(message, case.name), 2).SetInParent()
        made.append(message.SerializeToString())
    return tuple(made)


def filled(message: Message, depth: int = 3) -> Message:
    """The message with something in every field, as deep as that."""
    for field in message.DESCRIPTOR.fields:
        _fill(message, field, depth)
    return message


def _fill(message: Message, field: FieldDescriptor, depth: int) -> None:
    if field.message_type is not None and depth <= 0:
        return
    if field.is_repeated:
        held = getattr(message, field.name)
        if field.message_type is None:
            held.append(_value(field))
        else:
            filled(held.add(), depth - 1)
    elif field.message_type is not None:
        filled(getattr(message, field.name), depth - 1).SetInParent()
    else:
        setattr(message, field.name, _value(field))


def _value(field: FieldDescriptor) -> object:
    values: Mapping[int, object] = {
        FieldDescriptor.CPPTYPE_STRING: b"s-1" if field.type == FieldDescriptor.TYPE_BYTES else "s-1",
        FieldDescriptor.CPPTYPE_BOOL: True,
        FieldDescriptor.CPPTYPE_DOUBLE: 1.5,
        FieldDescriptor.CPPTYPE_FLOAT: 1.5,
    }
    return values.get(field.cpp_type, 1)

"""Edits of JSON that leave every other byte as it is, and that can be taken back exactly.

    { <gap> "a": 1 , <gap> "b": 2 <tail> }

What is added last goes behind the last child, with the gap that the first child has; in an empty container right
behind its bracket. What is removed takes with it exactly what adding it would have put there.
"""

import json
from dataclasses import dataclass

_DECODER = json.JSONDecoder()
_SPACE = " \t\n\r"
_UNIT = "  "  # of indentation, where the text shows none


class NotEditable(Exception):
    """The text is not JSON, or not what was expected; the message says where."""


@dataclass(frozen=True, slots=True)
class Child:
    """A member of an object or an item of an array: text[start:end]; its value begins at `value_at`."""

    key: str
    start: int
    value_at: int
    end: int
    value: object


def children(text: str, at: int) -> list[Child]:
    """The children of the container whose bracket is at `at`. Raises NotEditable when it cannot be edited safely."""
    found: list[Child] = []
    named, place = text[at] == "{", _skip(text, at + 1)
    while text[place] not in "}]":
        found.append(_child(text, place, named=named))
        place = _skip(text, found[-1].end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    if named and len({child.key for child in found}) < len(found):
        raise NotEditable("a key is there twice")
    return found


def root(text: str) -> int:
    """Where the one object of a document begins. Raises NotEditable when the text is anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotEditable(f"it is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise NotEditable("it is no JSON object")
    return _skip(text, 0)


def added(text: str, at: int, value: object, key: str = "") -> str:
    """The text with one more child, the last, in the container at `at`."""
    there = children(text, at)
    gap = _gap(text, at, there)
    lines = "\n" in gap
    shown = _rendered(text, value, gap.rpartition("\n")[2]) if lines else json.dumps(value)
    new = f"{json.dumps(key)}: {shown}" if key else shown
    if not there:
        return f"{text[: at + 1]}{gap}{new}{text[at + 1 :]}"
    end = there[-1].end
    return f"{text[:end]},{gap if lines else ' '}{new}{text[end:]}"


def removed(text: str, at: int, number: int) -> str:
    """The text without one child of the container at `at`, counted from 0."""
    there = children(text, at)
    if number > 0:
        start, end = there[number - 1].end, there[number].end
    elif len(there) > 1:
        start, end = there[0].start, there[1].start
    else:
        start, end = at + 1, there[0].end
    return text[:start] + text[end:]


def document(value: object) -> str:
    """A whole new text."""
    return f"{json.dumps(value, indent=_UNIT)}\n"


def _skip(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place


def _child(text: str, start: int, *, named: bool) -> Child:
    key, place = "", start
    if named:
        key, place = _DECODER.raw_decode(text, start)
        place = _skip(text, _skip(text, place) + 1)  # behind the colon
    value, end = _DECODER.raw_decode(text, place)
    return Child(key, start, place, end, value)


def _gap(text: str, at: int, there: list[Child]) -> str:
    """The white space that stands before a child of this container, or would in an empty one."""
    following = _skip(text, at + 1)
    gap = text[at + 1 : following]
    if there or "\n" not in gap:
        return gap
    return f"{gap[: gap.index(chr(10)) + 1]}{gap.rpartition(chr(10))[2]}{_unit(text)}"


def _unit(text: str) -> str:
    """One step of indentation, as the first member of the document shows it."""
    start = _skip(text, 0)
    gap = text[start + 1 : _skip(text, start + 1)]
    return gap.rpartition("\n")[2] or _UNIT


def _rendered(text: str, value: object, indentation: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    return json.dumps(value, indent=_unit(text)).replace("\n", newline + indentation)

"""Bodies and queries of HTTP requests, read strictly into structs: what is missing or of the wrong kind is named."""

import functools
import json
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from flask import request

Struct = TypeVar("Struct", bound=msgspec.Struct)

# msgspec's words for a kind of value, in those of whoever writes JSON.
_KINDS = {"str": "a string", "int": "a whole number", "float": "a number", "bool": "true or false"}
_KINDS |= {"object": "an object", "array": "a list"}
_SHOWN = 64  # characters of a value that an error repeats


class InvalidRequest(Exception):
    """The request is malformed; the message names the field and says what it must be."""


def body(kind: type[Struct]) -> Struct:
    """The body of the current request. Fields that `kind` does not know are passed over. Raises InvalidRequest."""
    given = parse(request.get_data(cache=False), "the body")
    if not isinstance(given, dict):
        raise InvalidRequest("the body must be a JSON object")
    _require(kind, given)
    return convert(given, kind)


def query(kind: type[Struct]) -> Struct:
    """The query of the current request; an empty value is none. Raises InvalidRequest."""
    given = {name: value for name, value in request.args.items() if value}
    _require(kind, given)
    return convert(given, kind, strict=False)  # all that a query holds is text


def parse(text: str | bytes, name: str) -> object:
    """JSON as Python has it. Raises InvalidRequest."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass
    # Python's own, slower, takes what some callers send: a byte order mark, UTF-16, half a surrogate pair.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{name} is not JSON") from None


def convert(given: object, kind: type[Struct], name: str = "", *, strict: bool = True) -> Struct:
    """What a field, or with no name a whole body, holds. Raises InvalidRequest."""
    try:
        made = msgspec.convert(given, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_told(str(error), name, given)) from None
    except UnicodeEncodeError:  # in the name of a field
        raise InvalidRequest(f"{name or 'the body'} is not valid Unicode text") from None
    # msgspec takes half a surrogate pair in a Python text for sound. It is rare: which field it is in is asked after.
    try:
        msgspec.json.encode(made)
    except UnicodeEncodeError:
        for field, value in zip(kind.__struct_encode_fields__, msgspec.structs.astuple(made), strict=True):
            sound(value, name or field)
    return made


def sound(value: object, name: str) -> None:
    """Raise InvalidRequest where a text cannot travel: JSON can carry half a surrogate pair, UTF-8 cannot."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise InvalidRequest(f"{name} is not valid Unicode text") from None


def _require(kind: type[msgspec.Struct], given: Mapping[str, object]) -> None:
    """All that `kind` requires must be there and say something: whoever lacks three fields hears of all three."""
    names = _required(kind)
    missing = [name for name in names if given.get(name) is None or given[name] == ""]
    if missing:
        listed = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])}, and {names[-1]}"
        raise InvalidRequest(f"{listed} required; missing: {', '.join(missing)}")


@functools.cache
def _required(kind: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind) if field.required]


def _told(error: str, name: str, given: object) -> str:
    """What msgspec says, "Expected `str`, got `int` - at `$.text`" as "text must be a string, not a whole number"."""
    problem, _, where = error.partition(" - at `$")
    path = f"{name}{where}".strip(".`")
    problem = re.sub(r"`([^`]*)`", lambda found: _spelled(found[1]), problem)
    if problem.startswith("Expected "):
        return f"{path} must be {problem.removeprefix('Expected ').replace(', got', ', not')}"
    value = functools.reduce(_inside, re.findall(r"\w+", where), given)
    problem = problem.replace("Object missing required field", "it lacks").replace("Number", "number")
    return f"{path} is malformed: {problem} in {json.dumps(value, ensure_ascii=False)[:_SHOWN]}"


def _spelled(kinds: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in kinds.split(" | "))


def _inside(value: object, step: str) -> object:
    """One step down a path that msgspec has gone before."""
    match value:
        case list():
            return value[int(step)]
        case dict():
            return value[step]
    return value

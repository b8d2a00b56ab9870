"""Columns that hold what the domain knows by another type: an enum by its value, what has parts as JSON."""

import json
from collections.abc import Callable
from enum import Enum
from operator import attrgetter
from typing import Any

from peewee import FloatField, IntegerField, TextField

Code = Callable[[Any], Any]
_VALUE = attrgetter("_value_")  # of an enum's member; `value` is a property of Python code, and slower


class TimeField(FloatField):
    """Seconds since the epoch, by the router's clock. Its store says whether it moves when that is set."""


class Coded:
    """What its column holds is `encode(value)`; None stays NULL."""

    def __init__(self, encode: Code, decode: Code, *, default: object = None, null: bool = False) -> None:
        super().__init__(default=default, null=null)  # type: ignore[call-arg]
        self.encode, self.decode = (_unless_none(encode), _unless_none(decode)) if null else (encode, decode)

    def db_value(self, value: object) -> object:
        """What stands in the text of a statement for a constant."""
        return self.encode(value)


class CodedText(Coded, TextField):
    """Text on disk, something else in the domain."""


class CodedInteger(Coded, IntegerField):
    """A number on disk, something else in the domain."""


def text_of(kind: type[Enum], *, default: object = None) -> CodedText:
    """A column for an enum whose values are text."""
    return CodedText(_VALUE, _member_of(kind), default=default)


def number_of(kind: type[Enum], *, default: object = None) -> CodedInteger:
    """A column for an enum whose values are numbers."""
    return CodedInteger(_VALUE, _member_of(kind), default=default)


def words(*, default: object = None, null: bool = False) -> CodedText:
    """A column for a tuple of words."""
    return CodedText(" ".join, lambda text: tuple(text.split()), default=default, null=null)


def json_list(*, default: object = None) -> CodedText:
    """A column for a tuple of texts."""
    return CodedText(
        lambda values: json.dumps(values) if values else "[]", lambda text: tuple(json.loads(text)), default=default
    )


def _member_of(kind: type[Enum]) -> Code:
    return {member.value: member for member in kind}.__getitem__  # a third of the time of `kind(value)`


def _unless_none(code: Code) -> Code:
    return lambda value: None if value is None else code(value)

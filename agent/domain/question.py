"""A coding agent asks whether it may do something, and what it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Question:
    """May this tool be used so? `suggestions` are the program's own ways of asking less, to be given back unchanged."""

    session_id: str
    tool: str
    arguments: Json
    suggestions: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Allow:
    """Yes; with other arguments where some are given, and with some of the suggestions taken up."""

    arguments: Json | None = None
    suggestions: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """No. The model reads the message; with `interrupt` it also stops."""

    message: str
    interrupt: bool = False


Decision = Allow | Deny

"""What an endpoint takes, answers and refuses, said once: Flask serves it so, and the OpenAPI document tells it."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from types import UnionType
from typing import Any, ClassVar, Self, TypeVar, get_args, get_type_hints

import msgspec
from flask import Flask
from flask.typing import ResponseReturnValue

from webhook_adapter import json_bodies

Json = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Any])

API_KEY: Mapping[str, str] = {"apiKey": "X-API-Key"}
"""Security of an endpoint: the name of a scheme, and the header that holds the key or secret."""

BEARER: Mapping[str, str] = {"bearer": "Authorization"}
"""The same key, as programs send it that know no header but this."""


NOTHING_TO_SAY = ("", HTTPStatus.OK)
"""What a view returns that has done what was asked: a 200 without a word, which costs less than one with words.

Not where an API key was shown: nobody looks at it as at other answers, to see what the router thinks of the key.
"""


class Body(msgspec.Struct, rename="camel"):
    """What a request holds."""

    @classmethod
    def asked(cls) -> Self:
        """Of the current request. Raises InvalidRequest."""
        return json_bodies.body(cls)


class Query(msgspec.Struct, rename="camel"):
    """What stands behind the question mark."""

    @classmethod
    def asked(cls) -> Self:
        """Of the current request. Raises InvalidRequest."""
        return json_bodies.query(cls)


class Answer(msgspec.Struct, rename="camel"):
    """What an endpoint says. The docstring of a kind is its description for callers."""

    STATUS: ClassVar[HTTPStatus] = HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as callers see it. The view's name and docstring say the rest."""

    tag: str
    refuses: frozenset[int]
    security: tuple[Mapping[str, str], ...]
    takes: type[Body] | type[Query] | Json | None = None  # a schema where the adapter does not know what is in it
    answers: Mapping[HTTPStatus, Any] = field(default_factory=dict)  # kinds, by status
    content: Mapping[str, Json] = field(default_factory=dict)  # of 200, where it is no kind: schemas by media type
    on_loop: bool = False  # served by the server's loop: whatever blocks in it goes through `webhook_adapter.loop`


def endpoint(
    tag: str, *refuses: int, security: tuple[Mapping[str, str], ...] = (API_KEY,), on_loop: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., ResponseReturnValue]]:
    """For a view that takes a Body or a Query, and returns an Answer or a list of some; `refuses` are statuses.

    What it takes and answers stands in its signature alone.
    """
    return lambda view: _served(view, Endpoint(tag, frozenset(refuses), security, on_loop=on_loop))


def described(
    tag: str,
    *refuses: int,
    security: tuple[Mapping[str, str], ...] = (),
    takes: type[Query] | Json | None = None,
    content: Mapping[str, Json] | None = None,
    on_loop: bool = False,
) -> Callable[[View], View]:
    """For a view of Flask's that is left as it is: what it takes and answers with 200, as schemas."""

    def describe(view: View) -> View:
        told = Endpoint(tag, frozenset(refuses), security, takes, content=content or {}, on_loop=on_loop)
        view.endpoint = told  # type: ignore[attr-defined]
        return view

    return describe


def served_on_loop(view: View) -> View:
    """For a page's view, which nobody else is told of: as `on_loop` of those that are described."""
    view.on_loop = True  # type: ignore[attr-defined]
    return view


def straight(serve: Callable[..., ResponseReturnValue]) -> Callable[[View], View]:
    """For a view that `serve` can stand for, which needs nothing of Flask's: what is around it costs more than it does.

    It is called with the view's arguments, the WSGI environ, what reads the body, and the request's id; nothing that
    Flask does before and after all views is left out but its contexts and signals. A hook of a blueprint is not asked.
    """

    def mark(view: View) -> View:
        view.straight = serve  # type: ignore[attr-defined]
        return view

    return mark


def on_loop(app: Flask) -> tuple[bytes, ...]:
    """How requests begin that are served on the loop."""
    served = [rule for rule in app.url_map.iter_rules() if _is_on_loop(app.view_functions[rule.endpoint])]
    return tuple(f"{method} {rule.rule.partition('<')[0]}".encode() for rule in served for method in rule.methods or ())


def straight_of(view: Callable[..., Any]) -> Callable[..., ResponseReturnValue] | None:
    """What may stand for a view."""
    return getattr(view, "straight", None)


def endpoint_of(view: Callable[..., Any]) -> Endpoint | None:
    """What a view was described as; None for pages, which are for people."""
    return getattr(view, "endpoint", None)


def _is_on_loop(view: Callable[..., Any]) -> bool:
    told = endpoint_of(view)
    return bool(getattr(view, "on_loop", False)) if told is None else told.on_loop


def _served(view: Callable[..., Any], told: Endpoint) -> Callable[..., ResponseReturnValue]:
    hints = get_type_hints(view)
    said = hints.pop("return")
    name, takes = next((hint for hint in hints.items() if issubclass(hint[1], Body | Query)), ("", None))

    @functools.wraps(view)
    def serve(**path: str) -> ResponseReturnValue:
        for part, value in path.items():
            json_bodies.sound(value, part)
        answer = view(**path | ({name: takes.asked()} if takes else {}))
        # Flask writes it, and its times, as it writes errors: sorted, and in ASCII alone.
        return msgspec.to_builtins(answer, builtin_types=(datetime,)), _status(answer)

    kinds = get_args(said) if isinstance(said, UnionType) else (said,)
    answers = {_status(kind): kind for kind in kinds}
    # What reading refuses, before the view is asked.
    malformed = {400, 413} if takes and issubclass(takes, Body) else {400} if hints else set()
    told = replace(told, refuses=told.refuses | malformed, takes=takes, answers=answers)
    serve.endpoint = told  # type: ignore[attr-defined]
    return serve


def _status(answer: object) -> HTTPStatus:
    """Of an answer or of its kind; a list of some has none of its own."""
    return getattr(answer, "STATUS", HTTPStatus.OK)

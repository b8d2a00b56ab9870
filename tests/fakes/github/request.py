"""A call as it came, and what it is answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github.credentials import Caller
from tests.fakes.github.throttle import Weight
from tests.fakes.github.world import Json


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # their names in lower case
    body: Json


@dataclass(slots=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, who makes it, and what its path names."""

    request: Request
    caller: Caller
    names: dict[str, str]

    @property
    def body(self) -> Json:
        return self.request.body

    def text(self, name: str, default: str = "") -> str:
        return str(self.request.query.get(name, default))


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: re.Pattern[str]
    handler: Handler
    weight: Weight
    by_app: bool  # with the JWT, and not with a token


def route(method: str, path: str, handler: Handler, weight: Weight | None = None, *, by_app: bool = False) -> Route:
    """`path` as GitHub's docs write it: /repos/{owner}/{repo}/issues."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Route(method, re.compile(pattern), handler, weight or Weight(), by_app)


def page(items: list[Json], call: Call) -> list[Json]:
    """The page of a list that was asked for."""
    size, number = min(100, int(call.text("per_page", "30"))), int(call.text("page", "1"))
    return items[(number - 1) * size : number * size]

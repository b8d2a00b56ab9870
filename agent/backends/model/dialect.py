"""The two ways in which models are asked, and what of their answers is understood. Pure.

Anthropic's Messages and OpenAI's chat completions, which ollama, vLLM, LM Studio, OpenRouter and many others speak.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

Json = dict[str, object]

MOST_TOKENS = 4096  # of one answer: it is read in a chat
MOST_EVENT = 1024 * 1024  # bytes
MOST_CALLS = 8  # of tools in one answer
MOST_GIVEN = 64 * 1024  # characters that a tool is given


class Odd(Exception):
    """What came is not what the dialect says; the text is for people."""


class Api(Enum):
    """Which one an endpoint speaks; the values are those of the setting."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said."""

    is_persons: bool
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """What the model may ask for."""

    name: str
    description: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Words:
    """It goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What it used, in tokens; 0 for what is not said here."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_written: int = 0


NOTHING = Counted()


@dataclass(frozen=True, slots=True)
class Wants:
    """It asks for a tool; the arguments are JSON as it wrote them."""

    tool: str
    given: str


@dataclass(frozen=True, slots=True)
class Over:
    """It is whole; `why` in the endpoint's own word."""

    why: str = ""


Piece = Words | Counted | Wants | Over


class Events:
    """Server-sent events from bytes, however these are cut; of each its data."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[str]:
        """Raises Odd for one that has no end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        size = len(self._rest) + sum(map(len, self._data))
        _check(size)
        for line in (each.removesuffix(b"\r") for each in lines):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                size += len(line)
            elif not line and self._data:
                yield b"\n".join(self._data).decode(errors="replace")
                self._data = []
                size = len(self._rest)
            _check(size)


def _check(size: int) -> None:
    """Raises Odd for more bytes than an event has."""
    if size > MOST_EVENT:
        raise Odd("an event of its answer has no end")


class Answer(ABC):
    """Reads one answer."""

    @abstractmethod
    def hear(self, data: str) -> Iterator[Piece]:
        """What an event says. Raises Odd."""

    def left(self) -> Iterator[Piece]:
        """What is known at the end of all events; without an Over among it the answer was cut."""
        yield from ()


@dataclass(slots=True)
class _Call:
    name: str = ""
    given: str = ""

    def more(self, text: str) -> None:
        self.given = (self.given + text)[: MOST_GIVEN + 1]


class OfAnthropic(Answer):
    """Messages."""

    def __init__(self) -> None:
        self._call: _Call | None = None
        self._why = ""

    def hear(self, data: str) -> Iterator[Piece]:
        event = _object(data)
        match event.get("type"):
            case "message_start":
                yield from _counted(_part(_part(event, "message"), "usage"))
            case "content_block_start" if _text(block := _part(event, "content_block"), "type") == "tool_use":
                self._call = _Call(_text(block, "name"))
            case "content_block_delta":
                delta = _part(event, "delta")
                if self._call is not None:
                    self._call.more(_text(delta, "partial_json"))
                elif words := _text(delta, "text"):
                    yield Words(words)
            case "content_block_stop" if self._call is not None:
                yield Wants(self._call.name, self._call.given)
                self._call = None
            case "message_delta":
                self._why = _text(_part(event, "delta"), "stop_reason") or self._why
                yield from _counted(_part(event, "usage"))
            case "message_stop":
                yield Over(self._why)
            case "error":
                raise Odd(error_of(data) or "it broke off with an error")


class OfOpenAi(Answer):
    """Chat completions."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._why = ""

    def hear(self, data: str) -> Iterator[Piece]:
        if data.strip() == "[DONE]":
            yield from self._wanted()
            yield Over(self._why)
            return
        event = _object(data)
        if "error" in event:
            raise Odd(error_of(data) or "it broke off with an error")
        usage = _part(event, "usage")
        yield from _told(Counted(_number(usage, "prompt_tokens"), _number(usage, "completion_tokens")))
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        delta = _part(choice, "delta")
        if words := _text(delta, "content"):
            yield Words(words)
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._calling(call)
        self._why = _text(choice, "finish_reason") or self._why

    def left(self) -> Iterator[Piece]:
        if self._why:  # some say why they stop, and no [DONE]
            yield from self._wanted()
            yield Over(self._why)

    def _calling(self, call: Mapping[str, object]) -> None:
        if len(self._calls) >= MOST_CALLS:
            return
        known = self._calls.setdefault(_number(call, "index"), _Call())
        function = _part(call, "function")
        known.name = _text(function, "name") or known.name
        known.more(_text(function, "arguments"))

    def _wanted(self) -> Iterator[Piece]:
        yield from (Wants(call.name, call.given) for call in self._calls.values())
        self._calls = {}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, and how its answer is read."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    answer: Answer


def request(
    api: Api,
    model: str,
    key: str,
    system: str,
    turns: Sequence[Turn],
    tools: Sequence[Tool] = (),
    *,
    is_own: bool = True,
) -> Request:
    """One to that API. `is_own`: to whoever invented it, whose newest models want a field renamed."""
    said = merged(turns)
    if api is Api.ANTHROPIC:
        headers = {"anthropic-version": "2023-06-01", **({"x-api-key": key} if key else {})}
        asked: Json = {
            "model": model,
            "max_tokens": MOST_TOKENS,
            "stream": True,
            **({"system": system} if system else {}),
        }
        asked |= {"messages": [{"role": _role(turn), "content": turn.text} for turn in said]}
        if tools:
            offered = [{"name": o.name, "description": o.description, "input_schema": o.schema} for o in tools]
            asked |= {"tools": offered}
        return _request("/v1/messages", headers, asked, OfAnthropic())
    headers = {"authorization": f"Bearer {key}"} if key else {}
    asked = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    asked |= {"max_completion_tokens" if is_own else "max_tokens": MOST_TOKENS}
    first: list[Json] = [{"role": "system", "content": system}] if system else []
    asked |= {"messages": [*first, *({"role": _role(turn), "content": turn.text} for turn in said)]}
    if tools:
        described = [{"name": o.name, "description": o.description, "parameters": o.schema} for o in tools]
        asked |= {"tools": [{"type": "function", "function": one} for one in described]}
    return _request("/chat/completions", headers, asked, OfOpenAi())


def merged(turns: Sequence[Turn]) -> list[Turn]:
    """In turns, a person's first, as both want it: an answer that never came left two of a person's."""
    said: list[Turn] = []
    for turn in turns:
        if said and said[-1].is_persons is turn.is_persons:
            said[-1] = Turn(turn.is_persons, f"{said[-1].text}\n\n{turn.text}")
        elif said or turn.is_persons:
            said.append(turn)
    return said


def error_of(data: str) -> str:
    """What an endpoint says went wrong, in its own words; empty where it says nothing that is understood."""
    try:
        said = _object(data)
    except Odd:
        return ""
    error = said.get("error")
    words = error if isinstance(error, str) else _text(_part(said, "error"), "message") or _text(said, "message")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())[:300]


def _request(path: str, headers: Mapping[str, str], asked: Json, answer: Answer) -> Request:
    every = {"content-type": "application/json", "accept": "text/event-stream", "accept-encoding": "identity"}
    body = json.dumps(asked, ensure_ascii=False).encode(errors="replace")
    return Request(path, {**every, "user-agent": "pointsman", **headers}, body, answer)


def _role(turn: Turn) -> str:
    return "user" if turn.is_persons else "assistant"


def _counted(usage: Mapping[str, object]) -> Iterator[Counted]:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    yield from _told(Counted(*(_number(usage, name) for name in names)))


def _told(counted: Counted) -> Iterator[Counted]:
    if counted != NOTHING:
        yield counted


def _object(data: str) -> Json:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise Odd("it answered with something that is no JSON") from None
    if not isinstance(said, dict):
        raise Odd("it answered with something that means nothing here")
    return said


def _part(fields: Mapping[str, object], name: str) -> Json:
    part = fields.get(name)
    return part if isinstance(part, dict) else {}


def _text(fields: Mapping[str, object], name: str) -> str:
    text = fields.get(name)
    return text if isinstance(text, str) else ""


def _number(fields: Mapping[str, object], name: str) -> int:
    number = fields.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53 else 0

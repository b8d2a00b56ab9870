"""JSON-RPC 2.0, a message a line: what a line says, as values, and what we say, as lines. Pure.

The program may be of any make: a line that is no message says nothing, and of one that is only what is needed is read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

Json = Mapping[str, object]

NO_SUCH_METHOD, CANCELLED, NOT_LOGGED_IN = -32601, -32800, -32000
MAX_WORDS = 2000  # characters of what it says of an error


@dataclass(frozen=True, slots=True)
class Asks:
    """It wants an answer. `name` is echoed as it is: some count, some use UUIDs."""

    name: int | str
    method: str
    params: Json


@dataclass(frozen=True, slots=True)
class Tells:
    """It wants no answer."""

    method: str
    params: Json


@dataclass(frozen=True, slots=True)
class Answers:
    """The answer to a request of ours; with an `error` there is no result."""

    name: int | str
    result: Json
    error: str = ""
    code: int = 0


Message = Asks | Tells | Answers


def parse(line: bytes) -> Message | None:
    """What a line says; None when it is nothing to us."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # the program goes on, whatever a line of its is
        return None
    if not isinstance(message, dict):
        return None
    name, method, params = message.get("id"), message.get("method"), message.get("params")
    known = params if isinstance(params, dict) else {}
    if isinstance(name, bool) or not isinstance(name, int | str):
        return Tells(method, known) if isinstance(method, str) and name is None else None
    if isinstance(method, str):
        return Asks(name, method, known)
    return _answer(name, message)


def _answer(name: int | str, message: Json) -> Answers | None:
    error, result = message.get("error"), message.get("result")
    if isinstance(error, dict):
        code = error.get("code")
        return Answers(name, {}, words_of(error), code if isinstance(code, int) else 0)
    if "error" in message and error is not None:
        return Answers(name, {}, str(error)[:MAX_WORDS] or "an error without words")
    # Some answer nothing with null, or leave it out.
    return Answers(name, result if isinstance(result, dict) else {})


def words_of(error: Json) -> str:
    """What it says of an error: its message, and what stands beside it in words."""
    message, data = error.get("message"), error.get("data")
    if isinstance(data, dict):
        data = data.get("details") or data.get("message")
    parts = [part.strip() for part in (message, data) if isinstance(part, str) and part.strip()]
    words = ": ".join(dict.fromkeys(parts)) or "an error without words"
    return words.encode(errors="replace").decode()[:MAX_WORDS]


def request(name: int, method: str, params: Json) -> bytes:
    """Something that is answered."""
    return _line({"id": name, "method": method, "params": params})


def notification(method: str, params: Json) -> bytes:
    """Something that is not."""
    return _line({"method": method, "params": params})


def response(name: int | str, result: Json) -> bytes:
    """The answer to what it asks."""
    return _line({"id": name, "result": result})


def refusal(name: int | str, code: int, words: str) -> bytes:
    """The no to what it asks."""
    return _line({"id": name, "error": {"code": code, "message": words}})


def _line(message: Json) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"

"""Bodies and queries of REST requests, read strictly: what is missing or of the wrong kind is named."""

import json
import math
import re
from collections.abc import Mapping
from datetime import timedelta

from flask import request

from pointsman.client.records import Button, Chat, CommandState

_CHAT_ID = re.compile(r"-?[0-9]{1,16}|@[A-Za-z0-9_]{4,32}")
_LONGEST_TTL = 366 * 24 * 3600.0  # seconds; beyond any use, and what a protobuf Duration surely holds


class InvalidRequest(Exception):
    """The request is malformed; the message says where."""


def json_object() -> Mapping[str, object]:
    """The body of the current request."""
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    return body


def require(body: Mapping[str, object], *names: str) -> None:
    """All of these must be there and say something."""
    missing = [name for name in names if body.get(name) is None or body[name] == ""]
    if not missing:
        return
    listed = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])}, and {names[-1]}"
    raise InvalidRequest(f"{listed} required; missing: {', '.join(missing)}")


def text(body: Mapping[str, object], name: str) -> str:
    """A field of text; empty where it is missing or null."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string")
    return sound(value, name)


def sound(value: str, name: str) -> str:
    """The text, if it can travel: JSON can carry half a surrogate pair, UTF-8 cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(f"{name} is not valid Unicode text") from None
    return value


def chat(body: Mapping[str, object]) -> Chat:
    """chatId: a Telegram chat as a number or its text, or "console"."""
    value = body.get("chatId")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value == "console":
        return Chat("web", "console")
    if not isinstance(value, str) or not _CHAT_ID.fullmatch(value):
        raise InvalidRequest('chatId must be a number, its text, an @name, or "console"')
    return Chat("telegram", value)


def ttl(body: Mapping[str, object]) -> timedelta | None:
    """ttlSeconds; None where it is missing."""
    value = body.get("ttlSeconds")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest("ttlSeconds must be a number")
    if not math.isfinite(value) or not 0 < value <= _LONGEST_TTL:
        raise InvalidRequest("ttlSeconds must be above 0 and at most a year")
    return timedelta(seconds=value)


def buttons(body: Mapping[str, object]) -> tuple[Button, ...]:
    """replyMarkup: Telegram's inline keyboard, as an object or as its JSON text. Rows are joined."""
    markup = body.get("replyMarkup")
    if isinstance(markup, str):
        try:
            markup = json.loads(markup)
        except (ValueError, RecursionError):
            raise InvalidRequest("replyMarkup is not JSON") from None
    if markup is None:
        return ()
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise InvalidRequest("replyMarkup must be an inline keyboard: {'inline_keyboard': [[…], …]}")
    return tuple(_button(button) for row in rows for button in row)


def _button(button: object) -> Button:
    if not isinstance(button, dict):
        raise InvalidRequest("a button of replyMarkup must be an object")
    label, data = button.get("text"), button.get("callback_data")
    if not isinstance(label, str) or not label:
        raise InvalidRequest("a button of replyMarkup has no text")
    if not isinstance(data, str) or not data:
        raise InvalidRequest(f"button {label[:64]!r} of replyMarkup has no callback_data; no other kind can be sent")
    return Button(sound(label, "replyMarkup"), sound(_action(data), "replyMarkup"))


def _action(data: str) -> str:
    """Callers who write a token of their own into their buttons mean what stands behind it: the router knows ours."""
    parts = data.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "cmd" and parts[2] else data


def states() -> tuple[CommandState, ...]:
    """?state=QUEUED,SENT in any case; empty means all."""
    words = [word.strip().upper() for word in request.args.get("state", "").split(",") if word.strip()]
    known = {state.value: state for state in CommandState if state is not CommandState.UNKNOWN}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise InvalidRequest(f"state must be one of {', '.join(known)}")
    return tuple(known[word] for word in words)


def limit() -> int:
    """?limit=1…1000; 0 where it is missing."""
    value = request.args.get("limit", "")
    if not value:
        return 0
    if not re.fullmatch(r"[0-9]{1,4}", value) or not 1 <= int(value) <= 1000:
        raise InvalidRequest("limit must be 1 to 1000")
    return int(value)

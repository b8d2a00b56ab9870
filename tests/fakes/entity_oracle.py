"""Telegram's own parser of markup: TDLib, on which the Bot API server stands, asked offline."""

import json
from dataclasses import dataclass
from typing import Any

import tdjson


class Refused(Exception):
    """Telegram would answer 400; these are its words."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text as people see it, and what is marked in it: kinds as the Bot API names them, with their language."""

    text: str
    marks: tuple[tuple[str, str], ...]


_KINDS = {
    "textEntityTypeBold": "bold",
    "textEntityTypeCode": "code",
    "textEntityTypePre": "pre",
    "textEntityTypePreCode": "pre",
}


def parsed(html: str) -> Parsed:
    """What Telegram makes of HTML. Raises Refused."""
    request = {"@type": "parseTextEntities", "text": html, "parse_mode": {"@type": "textParseModeHTML"}}
    answer = _execute(request)
    if answer["@type"] == "error":
        raise Refused(answer["message"])
    kinds = [entity["type"] for entity in answer["entities"]]
    return Parsed(answer["text"], tuple((_KINDS.get(k["@type"], k["@type"]), k.get("language", "")) for k in kinds))


def _execute(request: dict[str, Any]) -> dict[str, Any]:
    answer = tdjson.td_execute(json.dumps(request).encode())
    if answer is None:
        raise AssertionError("TDLib gave no answer")
    return dict(json.loads(answer))


_execute({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})

"""What a browser is told in a push: JSON that its service worker (console/static/sw.js) reads."""

import json
from typing import Any

from webhook_adapter.transports.transport import Kind, Outgoing

MAX_BYTES = 3000  # of the JSON: the words come as far as they fit, all of them stand in the console
_TITLE, _LABEL = 120, 40  # characters
_CUT = "…"
_OURS = "Pointsman"
_LOG_IN = "Something waits for you. Log in to see what it is."


def payload(message: Outgoing, *, is_open: bool) -> bytes:
    """A message for one browser. One that is let in no more (not `is_open`) learns that there is one, no word of it."""
    told: dict[str, Any] = {"id": shown_id(message), "chat": message.chat.chat_id, "kind": _kind(message)}
    if message.edit_message_ids:
        told["change"] = True
    if message.silent or message.edit_message_ids:  # a change makes no sound
        told["silent"] = True
    if not is_open:
        return _json(told | {"title": _OURS, "body": _LOG_IN, "over": True})
    told |= {"session": message.session_id, "title": _cut(message.heading or _OURS, _TITLE)}
    told["options"] = [[_cut(each.label, _LABEL), each.data] for each in message.buttons]
    return _with_words(told, message.text)


def shown_id(message: Outgoing) -> str:
    """What names it on the screen; a change has the name of what it changes."""
    return message.edit_message_ids[-1] if message.edit_message_ids else message.notification_id


def _kind(message: Outgoing) -> str:
    return "question" if message.kind is Kind.QUESTION else "words"


def _with_words(told: dict[str, Any], words: str) -> bytes:
    if not words:  # nothing but buttons to take away
        return _json(told)
    length = len(words)
    while len(whole := _json(told | {"body": _cut(words, length)})) > MAX_BYTES:
        # A character is one byte at least: that many are too many. In JSON some take six.
        length -= max(1, (len(whole) - MAX_BYTES) // 6)
    return whole


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else words[: max(0, length - len(_CUT))] + _CUT


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

"""Which calls of the Bot API bring a message: one for each part, as sendMessage, sendDocument, sendPhoto or an edit."""

from collections.abc import Iterator
from typing import Any

from webhook_adapter.transports.telegram.outbound.format import FilePart, Part, TextPart, keyboard, parts
from webhook_adapter.transports.telegram.outbound.upload import Upload
from webhook_adapter.transports.transport import Kind, Outgoing, OutgoingFile

Params = dict[str, Any]

TAKE_BUTTONS, CHANGE_CAPTION = "editMessageReplyMarkup", "editMessageCaption"

_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
_MOST_OF_PHOTO = 10_000_000  # bytes; and whatever else Telegram wants of a photo, a document need not have


def steps(message: Outgoing, sent: list[str]) -> Iterator[tuple[str, Params, Upload | None]]:
    """The calls that bring the message, but for those whose messages are sent; the caller adds each to these."""
    bring = parts(message) if message.text else []
    if message.kind is Kind.WORK:  # an extra is one call
        bring = [*filter(_is_text, bring)][:1]
    if not bring or _is_reshaped(message, bring):
        # The buttons at least: what is no longer offered must not be pressed.
        for message_id in message.edit_message_ids[-1:]:
            yield TAKE_BUTTONS, {"message_id": int(message_id), "plain": ""}, None
        return
    # Of several messages that now say less, the last ones change: there stand the buttons.
    old = message.edit_message_ids[-len(bring) :]
    # From where an earlier try stopped: a part that came twice would be read twice.
    for number, part in list(enumerate(bring))[len(sent) :]:
        params: Params = {"plain": part.plain}
        edited = old[number : number + 1]
        if edited:
            yield _change(part), params | {"message_id": int(edited[0])} | _content(part), None
            continue
        answered = message.reply_to_message_id if number == 0 else sent[0] if isinstance(part, FilePart) else ""
        params |= _where(message, answered) | _content(part)
        yield _method(part), params, _upload(part)


def _is_text(part: Part) -> bool:
    return isinstance(part, TextPart)


def _is_reshaped(message: Outgoing, bring: list[Part]) -> bool:
    """Whether a file would come where a text stands, or the other way: no edit can do that."""
    texts_only = all(isinstance(part, TextPart) for part in bring)
    return bool(message.edit_message_ids) and not texts_only and len(bring) != len(message.edit_message_ids)


def _change(part: Part) -> str:
    """What changes a message; a file stays what it is."""
    if isinstance(part, TextPart):
        return "editMessageText"
    return CHANGE_CAPTION if part.html else TAKE_BUTTONS


def _method(part: Part) -> str:
    if isinstance(part, TextPart):
        return "sendMessage"
    return "sendPhoto" if _may_be_photo(part.file) else "sendDocument"


def _may_be_photo(file: OutgoingFile) -> bool:
    return file.name.lower().endswith(_PHOTOS) and file.size <= _MOST_OF_PHOTO


def _upload(part: Part) -> Upload | None:
    return Upload(part.file.name, part.file.size, part.file.parts) if isinstance(part, FilePart) else None


def _content(part: Part) -> Params:
    shown: Params = {"caption": part.html, "parse_mode": "HTML"} if part.html else {}
    if isinstance(part, TextPart):
        # A preview would let Telegram fetch whatever address a session wrote.
        shown = {"text": part.html, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
    markup = keyboard(part.buttons)
    return shown | ({"reply_markup": markup} if markup else {})


def _where(message: Outgoing, answered: str) -> Params:
    """How a message is brought, and the one it answers."""
    found: Params = {"disable_notification": True} if message.silent else {}
    if answered:
        # Else a message that somebody deleted would keep its answer from coming.
        reply = {"message_id": int(answered), "allow_sending_without_reply": True}
        found["reply_parameters"] = reply
    return found

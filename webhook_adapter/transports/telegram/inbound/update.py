"""Reads Telegram updates: a pure function from the JSON to what a person said, or why it is ignored.

Only `message`, `edited_message` and `callback_query` count. What did not come from one person's own hand, in this chat,
now, is ignored: forwarded, automatic, sent by or through a bot, written in the name of a chat.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

from webhook_adapter.config import NEVER_ALLOWED

Json = Mapping[str, object]

_NOT_WRITTEN_HERE = ("sender_chat", "via_bot", "is_automatic_forward", "sender_business_bot", "business_connection_id")
# Somebody else's words: whoever forwards a command has not meant it for a machine.
_FORWARDED = ("forward_origin", "forward_date", "forward_from", "forward_from_chat", "forward_sender_name")
_NOT_OWN = frozenset([*_NOT_WRITTEN_HERE, *_FORWARDED])
_COMMAND = re.compile(r"(?P<command>/[A-Za-z0-9_]{1,64})@(?P<bot>[A-Za-z0-9_]{1,64})(?=\s|$)")
_FILES = {  # kinds of messages that are a file, and what it is called where nobody named it
    "animation": "animation.mp4",  # before document: it comes with one, too
    "document": "file",
    "voice": "voice.ogg",
    "audio": "audio.mp3",
    "video": "video.mp4",
    "video_note": "video.mp4",
    "sticker": "sticker.webp",
}
_ATTACHING = frozenset(["photo", *_FILES])
_SPEECH = frozenset(["voice", "audio", "video_note"])
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# What a terminal or a chat could take for more than a name.
_UNSPEAKABLE = re.compile(r"[^\w .,'-]")
_MAX_ID = 2**63


class Reason(Enum):
    """Why an update is ignored."""

    KIND = "kind"  # nothing we take: a channel post, a reaction, …
    MALFORMED = "malformed"
    FORWARDED = "forwarded"
    NOT_A_PERSON = "not_a_person"
    NO_TEXT = "no_text"
    OTHER_BOT = "other_bot"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to hand in."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message. `size` in bytes where Telegram tells it."""

    file_id: str
    name: str
    size: int
    is_speech: bool = False  # somebody speaks in it, as far as its kind says


class Inbound(msgspec.Struct, frozen=True):
    """What one person wrote or pressed, not yet authorised."""

    update_key: str
    chat_id: int
    user_id: int
    user_name: str
    message_id: str
    thread_id: str = ""
    text: str = ""
    reply_to_message_id: str = ""
    reply_to_ours: bool = False
    button: str | None = None
    edited: bool = False
    attached: Attached | None = None
    album: str = ""  # of messages that were sent at once
    callback_id: str = ""  # what answerCallbackQuery wants; empty for messages

    @property
    def actor(self) -> str:
        """The person, for other people to read."""
        return f"telegram:{self.user_id} ({self.user_name})" if self.user_name else f"telegram:{self.user_id}"


class _Malformed(Exception):
    """A field that every such update has is missing, or is of another kind."""


def parse(update: Json, bot_id: str, bot_username: str | None = None) -> Inbound | Ignored:
    """What the update says. With `bot_username` None, a command for any bot's name is taken for ours."""
    message, edited, callback = (update.get(name) for name in ("message", "edited_message", "callback_query"))
    try:
        if isinstance(message, dict):
            return _message(message, _update_key(update, bot_id), bot_id, bot_username)
        if isinstance(edited, dict):
            return _edited(_message(edited, _update_key(update, bot_id), bot_id, bot_username), edited)
        if isinstance(callback, dict):
            return _callback(callback, _update_key(update, bot_id), bot_id)
    except _Malformed:
        return Ignored(Reason.MALFORMED)
    return Ignored(Reason.KIND)


def _message(message: Json, key: str | None, bot_id: str, bot_username: str | None) -> Inbound | Ignored:
    reason = _not_own_words(message)
    if reason is not None:
        return Ignored(reason)
    sender = _sender(message)
    if sender is None:
        return Ignored(Reason.NOT_A_PERSON)
    text, attached = _text(message.get("text")) or _text(message.get("caption")), _attached(message)
    if not text.strip() and attached is None:
        return Ignored(Reason.NO_TEXT)
    addressed = _for_us(text, bot_username)
    if addressed is None:
        return Ignored(Reason.OTHER_BOT)
    chat_id, message_id = _id(_object(message, "chat"), "id"), _id(message, "message_id")
    return Inbound(
        update_key=key or f"telegram:{bot_id}:message:{chat_id}:{message_id}",
        chat_id=chat_id,
        user_id=_id(sender, "id"),
        user_name=_name(sender),
        message_id=str(message_id),
        thread_id=_thread(message),
        text=addressed,
        reply_to_message_id=(replied := _replied_to(message)),
        reply_to_ours=bool(replied) and _wrote(message, bot_id),
        attached=attached,
        album=_text(message.get("media_group_id"))[:64],
    )


def _attached(message: Json) -> Attached | None:
    """The file of a message; of a photo, which comes in several sizes, the largest."""
    if _ATTACHING.isdisjoint(message):
        return None
    sizes = message.get("photo")
    if isinstance(sizes, list) and sizes and isinstance(sizes[-1], dict):
        return _file(sizes[-1], "photo.jpg")
    for kind, name in _FILES.items():
        if isinstance(found := message.get(kind), dict):
            return dataclasses.replace(_file(found, name), is_speech=kind in _SPEECH)
    return None


def _file(found: Json, name: str) -> Attached:
    file_id, size = found.get("file_id"), found.get("file_size")
    if not isinstance(file_id, str):
        raise _Malformed
    given = _UNSAFE.sub("_", _text(found.get("file_name"))).lstrip(".")[-64:].lstrip(".")
    return Attached(file_id, given or name, size if isinstance(size, int) else 0)


def _edited(inbound: Inbound | Ignored, message: Json) -> Inbound | Ignored:
    """Without its update's number it would have the key of the message it changed."""
    if isinstance(inbound, Ignored):
        return inbound
    key = inbound.update_key
    if ":message:" in key:
        key = f"{key}:{_id(message, 'edit_date')}"
    return msgspec.structs.replace(inbound, update_key=key, edited=True)


def _callback(callback: Json, key: str | None, bot_id: str) -> Inbound | Ignored:
    sender, data = _sender(callback), callback.get("data")
    if sender is None:
        return Ignored(Reason.NOT_A_PERSON)
    if not isinstance(data, str) or not isinstance(callback.get("message"), dict):
        return Ignored(Reason.KIND)  # a game, or a button of an inline message: none of ours
    message = _object(callback, "message")  # may be an InaccessibleMessage: chat, message_id and date 0
    callback_id = callback.get("id")
    if not isinstance(callback_id, str) or not 0 < len(callback_id) <= 128:
        raise _Malformed
    return Inbound(
        update_key=key or f"telegram:{bot_id}:callback:{_text(callback_id)}",
        chat_id=_id(_object(message, "chat"), "id"),
        user_id=_id(sender, "id"),
        user_name=_name(sender),
        message_id=str(_id(message, "message_id")),
        thread_id=_thread(message),
        button=_text(data),
        callback_id=callback_id,
    )


def _update_key(update: Json, bot_id: str) -> str | None:
    return f"telegram:{bot_id}:{_id(update, 'update_id')}" if "update_id" in update else None


def _not_own_words(message: Json) -> Reason | None:
    if _NOT_OWN.isdisjoint(message):
        return None
    if any(message.get(name) for name in _FORWARDED):
        return Reason.FORWARDED
    if any(message.get(name) for name in _NOT_WRITTEN_HERE):
        return Reason.NOT_A_PERSON
    return None


def _sender(event: Json) -> Json | None:
    """The person it is from; None where it is from none."""
    sender = event.get("from")
    if not isinstance(sender, dict) or sender.get("is_bot") or _id(sender, "id") in NEVER_ALLOWED:
        return None
    return sender


def _thread(message: Json) -> str:
    """The forum topic. Plain groups number their reply threads too; those are no places."""
    chat = message.get("chat")
    in_topic = message.get("is_topic_message") or (isinstance(chat, dict) and chat.get("is_forum"))
    return str(_id(message, "message_thread_id")) if in_topic and "message_thread_id" in message else ""


def _replied_to(message: Json) -> str:
    """The message it answers. In a topic, Telegram adds a reply to the topic's start where a person made none."""
    reply = message.get("reply_to_message")
    if not isinstance(reply, dict):
        return ""
    replied = str(_id(reply, "message_id"))
    starts_topic = "forum_topic_created" in reply or bool(message.get("is_topic_message"))
    # There every message answers the service message that began the topic.
    if starts_topic and replied == str(message.get("message_thread_id")):
        return ""
    return replied


def _wrote(message: Json, bot_id: str) -> bool:
    """Whether the message that it answers is the bot's."""
    replied = message.get("reply_to_message")
    author = replied.get("from") if isinstance(replied, dict) else None
    return isinstance(author, dict) and str(author.get("id")) == bot_id


def _for_us(text: str, bot_username: str | None) -> str | None:
    """The text without our name behind its command; None where it names another bot."""
    named = _COMMAND.match(text)
    if named is None:
        return text
    if bot_username is not None and named["bot"].lower() != bot_username.lower():
        return None
    return named["command"] + text[named.end() :]


def _object(parent: Json, name: str) -> Json:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise _Malformed
    return value


def _id(parent: Json, name: str) -> int:
    value = parent.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not -_MAX_ID < value < _MAX_ID:
        raise _Malformed
    return value


def _text(value: object) -> str:
    """JSON can carry half a surrogate pair, UTF-8 cannot."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode(errors="replace").decode()


def _name(sender: Json) -> str:
    """A name that cannot pretend to be anything else in a log or a message."""
    return _UNSPEAKABLE.sub("", _text(sender.get("first_name")))[:32].strip()

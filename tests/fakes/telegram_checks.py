"""What the Bot API checks before it takes a message: chat, text, keyboard, reply, topic."""

import json
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram_state import BotError, Chat, Json, Message, World
from tests.fakes.telegram_text import CannotParse, parse

LONGEST_TEXT = 4096  # code points after parsing
LONGEST_RAW_TEXT = 32_768  # bytes before parsing
LONGEST_CAPTION = 1024
LONGEST_CALLBACK_DATA = 64  # bytes
MOST_BUTTONS, MOST_IN_ROW = 100, 8
WEBHOOK_PORTS = (80, 88, 443, 8443)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECRET_ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def bad(words: str, parameters: Json | None = None) -> BotError:
    return BotError(400, f"Bad Request: {words}", parameters)


def integer(params: Json, name: str, default: int = 0) -> int:
    try:
        return int(params.get(name) or default)
    except (TypeError, ValueError):
        raise bad(f'can\'t parse "{name}" as an integer') from None


def truth(params: Json, name: str) -> bool:
    return str(params.get(name, "")).lower() in ("true", "1", "yes")


def nested(params: Json, name: str) -> Any:
    """Return a parameter that is JSON, given as such or as a string."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        raise bad(f"can't parse {name.replace('_', ' ')} JSON object") from None


def chat_of(world: World, params: Json) -> Chat:
    if not params.get("chat_id"):
        raise bad("chat_id is empty")
    chat = world.chats.get(integer(params, "chat_id"))
    if chat is None:
        raise bad("chat not found")
    if chat.migrated_to:
        words = "group chat was upgraded to a supergroup chat"
        raise bad(words, {"migrate_to_chat_id": chat.migrated_to})
    if not chat.started:
        raise BotError(403, "Forbidden: bot can't initiate conversation with a user")
    if chat.closed:
        raise BotError(403, f"Forbidden: {chat.closed}")
    return chat


def message_of(world: World, params: Json, what: str) -> Message:
    chat = chat_of(world, params)
    message = world.messages.get((chat.id, integer(params, "message_id")))
    if message is None or message.deleted:
        raise bad(f"message to {what} not found")
    return message


def text_of(params: Json, name: str = "text", longest: int = LONGEST_TEXT) -> tuple[str, list[Json]]:
    raw = str(params.get(name) or "")
    if not raw and name == "text":
        raise bad("message text is empty")
    if len(raw.encode()) > LONGEST_RAW_TEXT:
        raise bad("text is too long")
    mode = str(params.get("parse_mode") or "")
    if mode.lower() not in ("", "html", "markdown", "markdownv2"):
        raise bad("unsupported parse_mode")
    try:
        text, entities = parse(raw, mode)
    except CannotParse as broken:
        raise bad(f"can't parse entities: {broken}") from None
    if not text and name == "text":
        raise bad("text must be non-empty")
    if len(text) > longest:
        raise bad("message is too long" if name == "text" else f"message {name} is too long")
    if not mode:
        entities = list(nested(params, "entities") or [])
    return text, entities[:100]


def keyboard_of(params: Json) -> Json | None:
    markup = nested(params, "reply_markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    rows = markup.get("inline_keyboard")
    if rows is None:
        return None if not markup else dict(markup)
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse inline keyboard: expected an Array of Array")
    for button in (button for row in rows for button in row):
        _check_button(button)
    if sum(map(len, rows)) > MOST_BUTTONS or any(len(row) > MOST_IN_ROW for row in rows):
        raise bad("reply markup is too long")
    return {"inline_keyboard": rows} if any(rows) else None


def _check_button(button: Any) -> None:
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise bad("can't parse inline keyboard button: Text buttons must be non-empty")
    kinds = [
        kind for kind in ("url", "callback_data", "copy_text", "web_app", "switch_inline_query") if button.get(kind)
    ]
    if not kinds:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(str(button.get("callback_data", "")).encode()) > LONGEST_CALLBACK_DATA:
        raise bad("BUTTON_DATA_INVALID")


def reply_of(world: World, chat: Chat, params: Json) -> Message | None:
    wanted = nested(params, "reply_parameters")
    if not isinstance(wanted, dict):
        optional = params.get("allow_sending_without_reply")
        wanted = {"message_id": params.get("reply_to_message_id"), "allow_sending_without_reply": optional}
    message_id = integer(wanted, "message_id")
    if not message_id:
        return None
    message = world.messages.get((chat.id, message_id))
    if message is not None and not message.deleted:
        return message
    if not truth(wanted, "allow_sending_without_reply"):
        raise bad("message to be replied not found")
    return None


def topic_of(chat: Chat, params: Json) -> int:
    topic = integer(params, "message_thread_id")
    if not topic or not chat.is_forum:
        return 0
    if topic not in chat.topics:
        raise bad("message thread not found")
    return topic


def check_webhook(url: str, secret_token: str) -> None:
    """Refuse what setWebhook refuses; http and any port are let pass on loopback, where the stand-in lives."""
    if len(secret_token) > 256:
        raise bad("secret token is too long")
    if not set(secret_token) <= SECRET_ALPHABET:
        raise bad("secret token contains unallowed characters")
    parts = urlsplit(url)
    if not url or parts.hostname in LOOPBACK:
        return
    if parts.scheme != "https":
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if (parts.port or 443) not in WEBHOOK_PORTS:
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")

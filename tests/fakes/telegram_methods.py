"""The methods of the Bot API that the stand-in answers."""

from collections.abc import Callable
from typing import Any

from tests.fakes.telegram_checks import (
    LONGEST_CAPTION,
    bad,
    chat_of,
    check_webhook,
    integer,
    keyboard_of,
    message_of,
    nested,
    reply_of,
    text_of,
    topic_of,
    truth,
)
from tests.fakes.telegram_images import dimensions
from tests.fakes.telegram_state import BotError, Json, Update, World

ANSWER_LIFE_S = 15.0
LONGEST_ANSWER = 200
LONGEST_TOPIC_NAME = 128
# Some of those bots may give.
REACTIONS = frozenset("👍👎❤🔥👏🤔🎉👌👀💯⚡✍🫡🤝")
CHAT_ACTIONS = frozenset(
    f"{does}_{what}" for does in ("record", "upload") for what in ("video", "voice", "video_note")
) | {"typing", "upload_photo", "upload_document", "choose_sticker", "find_location"}
BIGGEST_FILE = 50 * 1024 * 1024
BIGGEST_PHOTO = 10 * 1024 * 1024
MOST_PIXELS, LONGEST_SIDES = 10_000, 20  # width and height together; one to the other
LONGEST_POLL_S = 50

MESSAGE_TO_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
TERMINATED = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def get_me(world: World, _params: Json) -> Json:
    return world.bot.json() | {"can_join_groups": True, "can_read_all_group_messages": False}


def send_message(world: World, params: Json) -> Json:
    chat = chat_of(world, params)
    text, entities = text_of(params)
    topic, reply, keyboard = topic_of(chat, params), reply_of(world, chat, params), keyboard_of(params)
    return world.add_message(
        chat, world.bot, text=text, entities=entities, reply_markup=keyboard, reply_to=reply, thread_id=topic
    ).json()


def send_document(world: World, params: Json) -> Json:
    name, content = _uploaded(params, "document")
    return _send_file(world, params, content, {"file_name": name, "file_size": len(content)}, "document")


def send_photo(world: World, params: Json) -> Json:
    _, content = _uploaded(params, "photo")
    if len(content) > BIGGEST_PHOTO:
        size = len(content)
        raise bad(f"file of size {size} bytes is too big for a photo; the maximum size is {BIGGEST_PHOTO} bytes")
    if (found := dimensions(content)) is None:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = found
    if width + height > MOST_PIXELS or max(found) > LONGEST_SIDES * min(found):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return _send_file(world, params, content, {"width": width, "height": height, "file_size": len(content)}, "photo")


def _uploaded(params: Json, kind: str) -> tuple[str, bytes]:
    upload = params.get(kind)
    if not isinstance(upload, tuple):
        raise bad(f"there is no {kind} in the request")
    name, content = upload
    if len(content) > BIGGEST_FILE:
        raise BotError(413, "Request Entity Too Large")
    if not content:
        raise bad("file must be non-empty")
    return name, content


def _send_file(world: World, params: Json, content: bytes, about: Json, kind: str) -> Json:
    chat = chat_of(world, params)
    topic, reply, keyboard = topic_of(chat, params), reply_of(world, chat, params), keyboard_of(params)
    caption, entities = text_of(params, "caption", LONGEST_CAPTION)
    file_id = f"BQAC{world.rng.randrange(10**12):012}"
    world.files[file_id] = content
    file = {"file_id": file_id, "file_unique_id": file_id[4:]} | about
    extra: Json = {kind: [file] if kind == "photo" else file}
    if caption:
        extra |= {"caption": caption, "caption_entities": entities}
    message = world.add_message(
        chat, world.bot, reply_markup=keyboard, reply_to=reply, thread_id=topic, document=content, extra=extra
    )
    return message.json()


def edit_message_text(world: World, params: Json) -> Json:
    message = message_of(world, params, "edit")
    if not message.from_bot:
        raise bad("message can't be edited")
    if message.document:
        raise bad("there is no text in the message to edit")
    text, entities = text_of(params)
    keyboard = keyboard_of(params)
    if (text, entities, keyboard) == (message.text, message.entities, message.reply_markup):
        raise bad(NOT_MODIFIED)
    message.text, message.entities, message.reply_markup = text, entities, keyboard
    message.edits += 1
    return message.json()


def edit_message_caption(world: World, params: Json) -> Json:
    message = message_of(world, params, "edit")
    if not message.from_bot:
        raise bad("message can't be edited")
    if not message.document:
        raise bad("there is no caption in the message to edit")
    caption, entities = text_of(params, "caption", LONGEST_CAPTION)
    keyboard = keyboard_of(params)
    if (caption, keyboard) == (message.extra.get("caption", ""), message.reply_markup):
        raise bad(NOT_MODIFIED)
    message.extra |= {"caption": caption, "caption_entities": entities}
    message.reply_markup = keyboard
    message.edits += 1
    return message.json()


def edit_message_reply_markup(world: World, params: Json) -> Json:
    message = message_of(world, params, "edit")
    keyboard = keyboard_of(params)
    if keyboard == message.reply_markup:
        raise bad(NOT_MODIFIED)
    message.reply_markup = keyboard
    message.edits += 1
    return message.json()


def delete_message(world: World, params: Json) -> bool:
    message_of(world, params, "delete").deleted = True
    return True


def answer_callback_query(world: World, params: Json) -> bool:
    press = world.presses.get(str(params.get("callback_query_id", "")))
    now = world.clock.now()
    if press is None or press.answer is not None or now - press.at > ANSWER_LIFE_S:
        raise bad(QUERY_TOO_OLD)
    if len(str(params.get("text") or "")) > LONGEST_ANSWER:
        raise bad("MESSAGE_TOO_LONG")
    press.answer, press.answered_after = dict(params), now - press.at
    return True


def set_message_reaction(world: World, params: Json) -> bool:
    message = message_of(world, params, "react")
    reaction = list(nested(params, "reaction") or [])
    if len(reaction) > 1:
        raise bad("REACTIONS_TOO_MANY")
    emoji = [str(each.get("emoji")) for each in reaction]
    if message.chat.no_reactions or not set(emoji) <= REACTIONS:
        raise bad("REACTION_INVALID")
    message.reaction = reaction
    return True


def set_my_commands(world: World, params: Json) -> bool:
    commands = list(nested(params, "commands") or [])
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        name = str(command.get("command", ""))
        if not 1 <= len(name) <= 32 or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_"):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands = commands
    return True


def create_forum_topic(world: World, params: Json) -> Json:
    chat, name = chat_of(world, params), str(params.get("name") or "").strip()
    if not chat.is_forum:
        raise bad("the chat is not a forum")
    if not 1 <= len(name) <= LONGEST_TOPIC_NAME:
        raise bad("TOPIC_TITLE_INVALID")
    created = {"name": name, "icon_color": 7322096}
    message = world.add_message(chat, world.bot, extra={"forum_topic_created": created})
    message.thread_id = message.message_id
    chat.topics.add(message.message_id)
    return {"message_thread_id": message.message_id} | created


def close_forum_topic(world: World, params: Json) -> bool:
    chat = chat_of(world, params)
    topic = topic_of(chat, params)
    if not topic:
        raise bad("the chat is not a forum")
    if chat.kind == "private":
        raise bad("method is available for supergroup and channel chats only")
    if topic in chat.closed_topics:
        raise bad("TOPIC_NOT_MODIFIED")
    chat.closed_topics.add(topic)
    return True


def send_chat_action(world: World, params: Json) -> bool:
    if params.get("action") not in CHAT_ACTIONS:
        raise bad("wrong parameter action in request")
    world.chat_actions.append((chat_of(world, params).id, str(params.get("action", ""))))
    return True


def get_file(world: World, params: Json) -> Json:
    file_id = str(params.get("file_id", ""))
    content = world.files.get(file_id)
    if content is None:
        raise bad("invalid file_id")
    if len(content) > 20 * 1024 * 1024:
        raise bad("file is too big")
    found = {"file_id": file_id, "file_unique_id": file_id[4:], "file_size": len(content)}
    return found | {"file_path": f"files/{file_id}"}


def set_webhook(world: World, params: Json) -> tuple[bool, str]:
    url, secret = str(params.get("url") or ""), str(params.get("secret_token") or "")
    check_webhook(url, secret)
    before, hook = world.webhook.url, world.webhook
    hook.url, hook.secret_token = url, secret
    hook.max_connections = min(max(integer(params, "max_connections", 40), 1), 100)
    _allow(world, params)
    if truth(params, "drop_pending_updates"):
        world.updates.clear()
    return True, "Webhook is already set" if url == before else "Webhook was set"


def delete_webhook(world: World, params: Json) -> tuple[bool, str]:
    was_set = bool(world.webhook.url)
    world.webhook.url = world.webhook.secret_token = ""
    if truth(params, "drop_pending_updates"):
        world.updates.clear()
    return True, "Webhook was deleted" if was_set else "Webhook is already deleted"


def get_webhook_info(world: World, _params: Json) -> Json:
    world.forget_expired()
    hook = world.webhook
    info: Json = {"url": hook.url, "has_custom_certificate": False, "pending_update_count": len(world.updates)}
    if hook.url:
        info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
    if hook.last_error_date:
        info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    return info | ({"allowed_updates": hook.allowed_updates} if hook.allowed_updates else {})


def _allow(world: World, params: Json) -> None:
    if params.get("allowed_updates") is None:
        return  # what was set before stays
    names = nested(params, "allowed_updates") or []
    world.webhook.allowed_updates = [str(name) for name in names] or None


class Polls:
    """getUpdates: one poll at a time; a newer one ends the older."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._newest = 0
        self.waiting = 0

    def get_updates(self, params: Json) -> list[Json]:
        """Wait for updates with the world's lock released; BotError 409 as Telegram says it."""
        world = self._world
        with world.changed:
            self._refuse_beside_webhook()
            _allow(world, params)
            self._newest += 1
            mine = self._newest
            world.changed.notify_all()
            self._confirm(integer(params, "offset"))
            timeout = min(max(integer(params, "timeout"), 0), LONGEST_POLL_S)
            self.waiting += 1
            seconds = world.clock.real(timeout)
            world.wait_until(lambda: self._due(params) or mine != self._newest or world.webhook.url, seconds)
            self.waiting -= 1
            if mine != self._newest:
                raise BotError(409, TERMINATED)
            if world.webhook.url:
                raise BotError(409, "Conflict: terminated by setWebhook request")
            return [update.json for update in self._due(params)]

    def _refuse_beside_webhook(self) -> None:
        if self._world.webhook.url:
            raise BotError(409, MESSAGE_TO_WEBHOOK)

    def _confirm(self, offset: int) -> None:
        updates = self._world.updates
        if offset > 0:
            # An offset far ahead is left from before the ids started again lower; Telegram reads it as none.
            known = offset <= self._world.next_update_id + 10
            updates[:] = [update for update in updates if not known or update.update_id >= offset]
        elif offset < 0:
            updates[:] = updates[offset:]

    def _due(self, params: Json) -> list[Update]:
        self._world.forget_expired()
        return self._world.updates[: min(max(integer(params, "limit", 100), 1), 100)]


METHODS: dict[str, Callable[[World, Json], Any]] = {
    "getme": get_me,
    "sendmessage": send_message,
    "senddocument": send_document,
    "sendphoto": send_photo,
    "editmessagetext": edit_message_text,
    "editmessagecaption": edit_message_caption,
    "editmessagereplymarkup": edit_message_reply_markup,
    "deletemessage": delete_message,
    "answercallbackquery": answer_callback_query,
    "setmessagereaction": set_message_reaction,
    "setmycommands": set_my_commands,
    "createforumtopic": create_forum_topic,
    "closeforumtopic": close_forum_topic,
    "sendchataction": send_chat_action,
    "getfile": get_file,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
}
NOT_IN_ANSWERS = ("setwebhook", "deletewebhook", "close", "logout")  # nor anything that starts with "get"

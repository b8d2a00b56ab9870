"""What people do in a chat, as updates: writing, pressing, editing, forwarding, leaving."""

from typing import Any

from tests.fakes.telegram_state import PRESS_LIFE_S, Chat, Json, Message, Person, Press, Update, World

ANONYMOUS_ADMIN = 1087968824
CHANNEL_BOT = 136817688
SERVICE = 777000


def write(
    world: World, chat: Chat, person: Person, text: str, *, reply_to: Message | None, thread_id: int, extra: Json
) -> Message:
    """Write a message; in a forum topic without a reply it answers the topic's service message, as Telegram has it."""
    with world.changed:
        implicit = world.messages.get((chat.id, thread_id)) if chat.is_forum else None
        if chat.kind == "private":
            chat.started = True
        message = world.add_message(
            chat, person, text=text, reply_to=reply_to or implicit, thread_id=thread_id, extra=dict(extra)
        )
        world.add_update("message", message.json(), f"chat {chat.id}")
        return message


def press(world: World, message: Message, label: str, person: Person, *, data: str | None = None) -> Press:
    """Press a button that stands under the message now; `data` stands for a forged or old button."""
    with world.changed:
        if data is None:
            if message.deleted or label not in message.buttons:
                raise LookupError(f"message {message.message_id} has no button {label!r}: {list(message.buttons)}")
            data = message.buttons[label]
        pressed = Press(str(world.rng.randrange(10**17, 10**18)), person, message, data, world.clock.now())
        world.presses[pressed.id] = pressed
        gone = {"message_id": message.message_id, "chat": message.chat.json(), "date": 0}
        content = {
            "id": pressed.id,
            "from": person.json(),
            "message": gone if message.deleted else message.json(),
            "chat_instance": str(-abs(message.chat.id) * 7919),
            "data": data,
        }
        world.add_update("callback_query", content, f"user {person.id}", PRESS_LIFE_S)
        return pressed


def edit(world: World, message: Message, text: str) -> Update | None:
    """A person changes what they wrote."""
    with world.changed:
        message.text = text
        content = message.json() | {"edit_date": int(world.clock.now())}
        return world.add_update("edited_message", content, f"chat {message.chat.id}")


def post_in_channel(world: World, chat: Chat, text: str) -> Message:
    with world.changed:
        message = world.add_message(chat, None, text=text, extra={"sender_chat": chat.json()})
        world.add_update("channel_post", message.json(), f"chat {chat.id}")
        return message


def open_topic(world: World, chat: Chat, name: str) -> int:
    """Open a forum topic; return its thread id, which is the id of its service message."""
    with world.changed:
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        message = world.add_message(chat, world.person(ANONYMOUS_ADMIN), extra=created)
        message.thread_id = message.message_id
        chat.topics.add(message.message_id)
        return message.message_id


def migrate(world: World, chat: Chat, new_id: int) -> Chat:
    """A group becomes a supergroup with another id."""
    with world.changed:
        new = world.add_chat(new_id, "supergroup", chat.title, is_forum=False, started=True)
        chat.migrated_to = new_id
        for where, extra in ((chat, {"migrate_to_chat_id": new_id}), (new, {"migrate_from_chat_id": chat.id})):
            message = world.add_message(where, world.person(ANONYMOUS_ADMIN), extra=extra)
            world.add_update("message", message.json(), f"chat {where.id}")
        return new


def set_membership(world: World, chat: Chat, person: Person, *, closed: str) -> Update | None:
    """The person blocks the bot or removes it (`closed`: Telegram's words for sends from then on), or lets it back."""
    with world.changed:
        before, after = ("member", "kicked") if closed else ("kicked", "member")
        chat.closed = closed
        content = {
            "chat": chat.json(),
            "from": person.json(),
            "date": int(world.clock.now()),
            "old_chat_member": {"user": world.bot.json(), "status": before},
            "new_chat_member": {"user": world.bot.json(), "status": after},
        }
        return world.add_update("my_chat_member", content, f"member {chat.id}")


def forwarded_from(person: Person) -> Json:
    origin: dict[str, Any] = {"type": "user", "sender_user": person.json(), "date": 1}
    return {"forward_origin": origin}


def as_anonymous_admin(chat: Chat) -> Json:
    return {"sender_chat": chat.json()}


def automatic_forward(channel: Chat) -> Json:
    return {"is_automatic_forward": True, "sender_chat": channel.json()}


def through_bot(bot: Person) -> Json:
    return {"via_bot": bot.json()}


def with_caption(caption: str) -> Json:
    sizes = [{"file_id": "AgAC1", "file_unique_id": "u1", "width": 90, "height": 60}]
    return {"photo": sizes, "caption": caption}


def file(world: World, content: bytes, kind: str, name: str, size: int) -> Json:
    """What a message with a file of a person's holds; Telegram has the content."""
    with world.changed:
        file_id = f"BQAD{world.rng.randrange(10**12):012}"
        world.files[file_id] = content
    found: Json = {"file_id": file_id, "file_unique_id": file_id[4:], "file_size": size}
    if kind == "photo":
        small = found | {"file_id": "small", "width": 90, "height": 60}
        return {kind: [small, found | {"width": 1280, "height": 853}]}
    if kind == "voice":
        return {kind: found | {"duration": 3, "mime_type": "audio/ogg"}}
    return {kind: found | ({"file_name": name} if name else {})}


def voice(seconds: int) -> Json:
    return {"voice": {"file_id": "AwAC1", "file_unique_id": "u2", "duration": seconds, "mime_type": "audio/ogg"}}


def sticker() -> Json:
    sizes = {"file_id": "CAAC1", "file_unique_id": "u3", "type": "regular", "width": 512, "height": 512}
    return {"sticker": sizes | {"is_animated": False, "is_video": False, "emoji": "👍"}}

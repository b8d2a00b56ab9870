"""What the stand-in for Telegram knows: people, chats, messages, updates, button presses and recorded calls."""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
NOT_BY_DEFAULT = ("chat_member", "message_reaction", "message_reaction_count")
DAY_S = 24 * 3600.0
PRESS_LIFE_S = 150.0


class BotError(Exception):
    """The Bot API says no."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class StandInClock:
    """Time on the stand-in's side: `speed` times faster than ours, and it can be moved on."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._began = time.monotonic()
        self._base = time.time()

    def now(self) -> float:
        return self._base + (time.monotonic() - self._began) * self.speed

    def move(self, seconds: float) -> None:
        self._base += seconds

    def real(self, seconds: float) -> float:
        """Return how long `seconds` of the stand-in's time take on ours."""
        return seconds / self.speed


@dataclass(slots=True)
class Person:
    id: int
    first_name: str = "Ada"
    username: str = ""
    is_bot: bool = False

    def json(self) -> Json:
        known = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        return known | ({"username": self.username} if self.username else {})


@dataclass(slots=True)
class Chat:
    id: int
    kind: str
    title: str
    next_message_id: int
    is_forum: bool = False
    topics: set[int] = field(default_factory=set)
    closed_topics: set[int] = field(default_factory=set)
    no_reactions: bool = False
    started: bool = True  # the person has written to the bot
    closed: str = ""  # Telegram's words when the bot may not write here any more
    migrated_to: int = 0

    def json(self) -> Json:
        name = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        return {"id": self.id, "type": self.kind} | name | ({"is_forum": True} if self.is_forum else {})


@dataclass(slots=True)
class Message:
    """A message in a chat, as it stands now."""

    chat: Chat
    message_id: int
    sender: Person | None
    date: int
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    reply_markup: Json | None = None
    reply_to: "Message | None" = None
    thread_id: int = 0
    deleted: bool = False
    edits: int = 0
    reaction: list[Json] = field(default_factory=list)
    document: bytes = b""
    extra: Json = field(default_factory=dict)

    @property
    def chat_id(self) -> int:
        return self.chat.id

    @property
    def from_bot(self) -> bool:
        return self.sender is not None and self.sender.is_bot

    @property
    def buttons(self) -> dict[str, str]:
        """Label -> callback data, in the order of the keyboard."""
        rows = (self.reply_markup or {}).get("inline_keyboard", [])
        return {button["text"]: button.get("callback_data", "") for row in rows for button in row}

    def json(self, *, nested: bool = False) -> Json:
        body: Json = {"message_id": self.message_id}
        if self.sender is not None:
            body["from"] = self.sender.json()
        body |= {"chat": self.chat.json(), "date": self.date}
        if self.thread_id:
            body |= {"message_thread_id": self.thread_id, "is_topic_message": True}
        if self.reply_to is not None and not self.reply_to.deleted and not nested:
            body["reply_to_message"] = self.reply_to.json(nested=True)
        if self.text:
            body["text"] = self.text
        optional = {"entities": self.entities, "reply_markup": self.reply_markup}
        return body | {name: value for name, value in optional.items() if value} | self.extra


@dataclass(slots=True)
class Press:
    """A pressed button, and how the bot answered it."""

    id: str
    person: Person
    message: Message
    data: str
    at: float
    answer: Json | None = None
    answered_after: float | None = None


@dataclass(frozen=True, slots=True)
class Update:
    update_id: int
    kind: str
    key: str  # updates of one key are delivered one after the other
    body: bytes  # sent byte by byte the same every time
    expires_at: float

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a bot method, in the order of arrival."""

    at: float
    method: str
    params: Json
    status: int  # 0: the connection was broken without an answer
    answer: Json
    via: str = "http"


@dataclass(slots=True)
class Webhook:
    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    allowed_updates: list[str] | None = None
    last_error_date: int = 0
    last_error_message: str = ""


class World:
    """All state of one stand-in, behind one condition that is notified at every change."""

    def __init__(self, token: str, clock: StandInClock, rng: random.Random) -> None:
        self.token = token
        self.clock = clock
        self.rng = rng
        self.changed = threading.Condition(threading.RLock())
        self.stopping = False
        self.bot = Person(int(token.split(":", 1)[0]), "Stand-in", "standin_bot", is_bot=True)
        self.reset()

    def reset(self) -> None:
        with self.changed:
            self.people: dict[int, Person] = {}
            self.chats: dict[int, Chat] = {}
            self.messages: dict[tuple[int, int], Message] = {}
            self.presses: dict[str, Press] = {}
            self.calls: list[Call] = []
            self.updates: list[Update] = []
            self.files: dict[str, bytes] = {}
            self.files_gone = False  # links to files have run out
            self.commands: list[Json] = []
            self.chat_actions: list[tuple[int, str]] = []
            self.webhook = Webhook()
            self.next_update_id = self.rng.randrange(2_000_001, 10**9)
            self.changed.notify_all()

    def add_chat(self, chat_id: int, kind: str, title: str, *, is_forum: bool, started: bool) -> Chat:
        with self.changed:
            first = self.rng.randrange(1_000, 90_000)
            chat = Chat(chat_id, kind, title, first, is_forum=is_forum, started=started)
            self.chats[chat_id] = chat
            if kind == "private":
                self.people[chat_id] = Person(chat_id, title)
            return chat

    def person(self, person_id: int) -> Person:
        """Return the person; a stranger becomes known by it."""
        return self.people.setdefault(person_id, Person(person_id, f"User {person_id}"))

    def add_message(self, chat: Chat, sender: Person | None, **fields: Any) -> Message:
        with self.changed:
            chat.next_message_id += 1
            message = Message(chat, chat.next_message_id, sender, int(self.clock.now()), **fields)
            self.messages[chat.id, message.message_id] = message
            self.changed.notify_all()
            return message

    def add_update(self, kind: str, content: Json, key: str, life: float = DAY_S) -> Update | None:
        """Queue an update, unless the bot does not want its kind."""
        with self.changed:
            if not self._wanted(kind):
                return None
            body = json.dumps({"update_id": self.next_update_id, kind: content}, ensure_ascii=False)
            update = Update(self.next_update_id, kind, key, body.encode(), self.clock.now() + life)
            self.next_update_id += 1
            self.updates.append(update)
            self.changed.notify_all()
            return update

    def _wanted(self, kind: str) -> bool:
        allowed = self.webhook.allowed_updates
        return kind in allowed if allowed else kind not in NOT_BY_DEFAULT

    def forget_expired(self) -> None:
        now = self.clock.now()
        self.updates = [update for update in self.updates if update.expires_at > now]

    def record(self, call: Call) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def wait_until(self, ready: Callable[[], object], real_seconds: float) -> bool:
        """Wait until `ready` or the stand-in stops; True when ready."""
        with self.changed:
            self.changed.wait_for(lambda: self.stopping or ready(), timeout=real_seconds)
            return bool(ready())

    def stop(self) -> None:
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

"""A stand-in for Telegram: a real HTTP server on loopback that keeps the Bot API's rules, for tests and for people.

In a test: `with TelegramStandIn() as telegram: telegram.add_chat(4711); telegram.user_writes("hello")`.
As a program: `python -m tests.fakes.telegram --port 8081 --chat 4711`, driven over HTTP under `/_stub/`.
"""

import argparse
import random
import signal
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

from tests.fakes import telegram_updates as updates
from tests.fakes.telegram_api import BotApi
from tests.fakes.telegram_faults import Fault, FaultScript, ScriptedFault, TelegramLimits, WebhookFault
from tests.fakes.telegram_http import TelegramHttp
from tests.fakes.telegram_state import Call, Chat, Json, Message, Press, StandInClock, Update, World
from tests.fakes.telegram_stub import StubDoor
from tests.fakes.telegram_webhook import Delivery, WebhookEngine
from tests.waiting import PATIENCE

T = TypeVar("T")
TOKEN = "271828182:AAHf4k3-T0ken_0f_the-Stand-in_Server"
SUPERGROUPS_BELOW = -(10**12)


class TelegramStandIn:
    """One bot's Telegram.

    `speed`: the stand-in's seconds per real second (retries, expiries, long polls, rate limits follow it).
    `limits`: apply Telegram's rate limits. `seed`: makes ids repeatable.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        port: int = 0,
        speed: float = 1.0,
        limits: bool = False,
        seed: int | None = None,
        webhook_timeout_s: float = 60.0,
    ) -> None:
        self.token = token
        self.world = World(token, StandInClock(speed), random.Random(seed))
        self.limits = TelegramLimits(self.world.clock, enabled=limits)
        self._faults = FaultScript()
        self._api = api = BotApi(self.world, self._faults, self.limits)
        self._webhooks = WebhookEngine(self.world, api, self._faults, webhook_timeout_s)
        self._http = TelegramHttp(port, self.world, api, StubDoor(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="telegram-http")

    @property
    def base_url(self) -> str:
        """What goes into TELEGRAM_API_BASE."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> "TelegramStandIn":
        self._thread.start()
        self._webhooks.start()
        return self

    def stop(self) -> None:
        """End every wait, connection and thread."""
        self.world.stop()
        self._http.shutdown()
        self._http.close_all()
        self._thread.join()
        self._webhooks.join()

    def __enter__(self) -> "TelegramStandIn":
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    # --- people ---

    def add_chat(
        self, chat_id: int, *, kind: str = "", title: str = "Ada", is_forum: bool = False, started: bool = True
    ) -> Chat:
        """Make a chat known: positive ids are private chats with that person, negative ones groups."""
        group = "supergroup" if chat_id < SUPERGROUPS_BELOW or is_forum else "group"
        kind = kind or ("private" if chat_id > 0 else group)
        return self.world.add_chat(chat_id, kind, title, is_forum=is_forum, started=started)

    def add_topic(self, chat_id: int, name: str) -> int:
        """Open a topic in a forum; its thread id."""
        return updates.open_topic(self.world, self.world.chats[chat_id], name)

    def user_writes(
        self,
        text: str,
        *,
        chat_id: int | None = None,
        user_id: int | None = None,
        reply_to: Message | int | None = None,
        thread_id: int = 0,
        extra: Json | None = None,
    ) -> Message:
        """A person writes; without ids in the first chat, and in a group as person 4711."""
        with self.world.changed:
            replied = self._message(reply_to, chat_id)
            chat = replied.chat if replied else self._chat(chat_id)
            person = self.world.person(user_id or self._someone(chat))
            return updates.write(
                self.world, chat, person, text, reply_to=replied, thread_id=thread_id, extra=extra or {}
            )

    def user_sends(
        self, content: bytes, kind: str = "document", *, name: str = "", size: int | None = None, **written: Any
    ) -> Message:
        """A person sends a file: a kind of the Bot API's. `written` as of `user_writes`, with caption and album."""
        about = updates.file(self.world, content, kind, name, len(content) if size is None else size)
        about |= {"caption": written.pop("caption")} if "caption" in written else {}
        about |= {"media_group_id": written.pop("album")} if "album" in written else {}
        return self.user_writes("", extra=about, **written)

    def press(self, message: Message, label: str, *, user_id: int | None = None, data: str | None = None) -> Press:
        """A person presses a button; LookupError when it does not stand there (unless forged with `data`)."""
        person = self.world.person(user_id or self._someone(message.chat))
        return updates.press(self.world, message, label, person, data=data)

    def edits(self, message: Message, text: str) -> Update | None:
        """A person edits their message."""
        return updates.edit(self.world, message, text)

    def push_update(self, kind: str, content: Json, *, key: str = "other") -> Update | None:
        """Any update at all: unknown kinds, unknown fields."""
        return self.world.add_update(kind, content, key)

    def blocks_bot(self, chat_id: int, words: str = "bot was blocked by the user") -> None:
        """The bot may not write there any more."""
        chat = self.world.chats[chat_id]
        updates.set_membership(self.world, chat, self.world.person(self._someone(chat)), closed=words)

    def unblocks_bot(self, chat_id: int) -> None:
        chat = self.world.chats[chat_id]
        updates.set_membership(self.world, chat, self.world.person(self._someone(chat)), closed="")

    def migrate_chat(self, chat_id: int, new_id: int) -> Chat:
        """A group becomes a supergroup: sends to the old id are refused with the new one."""
        return updates.migrate(self.world, self.world.chats[chat_id], new_id)

    # --- the platform ---

    def fail(self, method: str, fault: Fault, *, chat_id: int | None = None, times: int = 1) -> ScriptedFault:
        """Let the next calls of a method ("" = any) go wrong. Wait for its `struck` to know that one has."""
        return self._faults.add(fault, method, chat_id=chat_id, times=times)

    def let_go(self, slow: ScriptedFault) -> None:
        """Answer the calls that are late because of it."""
        with self.world.changed:
            slow.fault.let_go.set()
            self.world.changed.notify_all()

    def fail_webhook(self, fault: WebhookFault, times: int = 1) -> None:
        """Let the next deliveries to the webhook go wrong."""
        self._faults.add_webhook(fault, times)

    @property
    def webhook_faults_waiting(self) -> int:
        """How many of those have met no delivery yet."""
        return self._faults.webhook_waiting

    def advance(self, seconds: float) -> None:
        """Move the stand-in's clock on."""
        with self.world.changed:
            self.world.clock.move(seconds)
            self.world.changed.notify_all()

    def restart_update_ids(self, first: int) -> None:
        """As after a quiet week: ids go on from anywhere, also below the last one."""
        with self.world.changed:
            self.world.next_update_id = first

    def reset(self) -> None:
        """Forget chats, messages, calls, faults and the webhook."""
        self._faults.clear()
        self._webhooks.reset()
        self.world.reset()

    # --- what is to be seen ---

    def messages(self, chat_id: int | None = None) -> list[Message]:
        """Messages that stand in the chat (or in all), oldest first."""
        with self.world.changed:
            found = [message for message in self.world.messages.values() if not message.deleted]
            return [message for message in found if chat_id in (None, message.chat.id)]

    def bot_messages(self, chat_id: int | None = None) -> list[Message]:
        """Those of them the bot wrote."""
        return [message for message in self.messages(chat_id) if message.from_bot]

    def calls(self, method: str = "") -> list[Call]:
        """Recorded calls, of one method or of all."""
        with self.world.changed:
            return [call for call in self.world.calls if method.lower() in ("", call.method.lower())]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every try to bring an update to the webhook."""
        with self.world.changed:
            return list(self._webhooks.deliveries)

    @property
    def pending_updates(self) -> list[Update]:
        with self.world.changed:
            return list(self.world.updates)

    @property
    def is_polled(self) -> bool:
        """A getUpdates is waiting now."""
        return self._api.polls.waiting > 0

    def wait_for(self, predicate: Callable[[], T], deadline: float = PATIENCE) -> T:
        """Wait until the predicate gives something true and return it; AssertionError after `deadline` real seconds."""
        with self.world.changed:
            found = self.world.changed.wait_for(predicate, timeout=deadline)
            if not found:
                seen = [(call.method, call.status) for call in self.world.calls[-20:]]
                raise AssertionError(f"not seen within {deadline} s; the last calls were {seen}")
            return found

    def wait_for_message(self, words: str, *, chat_id: int | None = None, deadline: float = PATIENCE) -> Message:
        """Wait until the bot has a message with these words in the chat."""
        messages = self.wait_for(
            lambda: [message for message in self.bot_messages(chat_id) if words in message.text], deadline
        )
        return messages[-1]

    def wait_for_calls(self, method: str, count: int = 1, deadline: float = PATIENCE) -> list[Call]:
        """Wait for at least `count` recorded calls of a method."""
        return self.wait_for(lambda: calls if len(calls := self.calls(method)) >= count else [], deadline)

    def _chat(self, chat_id: int | None) -> Chat:
        return self.world.chats[chat_id] if chat_id is not None else next(iter(self.world.chats.values()))

    def _message(self, message: Message | int | None, chat_id: int | None) -> Message | None:
        return self.world.messages[self._chat(chat_id).id, message] if isinstance(message, int) else message

    def _someone(self, chat: Chat) -> int:
        return chat.id if chat.kind == "private" else 4711


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until SIGINT or SIGTERM."""
    options = _options(arguments)
    stand_in = TelegramStandIn(token=options.token, port=options.port, speed=options.speed, limits=options.limits)
    for chat_id in options.chat or [4711]:
        stand_in.add_chat(chat_id)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with stand_in:
        print(f"ready telegram {stand_in.base_url} token {stand_in.token}", flush=True)
        ended.wait()
    return 0


def _options(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.telegram", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", default=TOKEN, help="the bot's token")
    parser.add_argument("--chat", type=int, action="append", help="a chat that exists; may be repeated (4711)")
    parser.add_argument("--speed", type=float, default=1.0, help="the stand-in's seconds per real second")
    parser.add_argument("--limits", action="store_true", help="apply Telegram's rate limits")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())

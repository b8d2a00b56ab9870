"""A person with a phone: everything they do is done in the chat, and everything they see there is written down."""

import re
from collections.abc import Callable
from typing import TypeVar

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_state import Message

T = TypeVar("T")
PATIENCE = 40.0  # seconds; the bot keeps to one message a second
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCK = re.compile(r"(says |, )\d\d:\d\d\b")


class Phone:
    """One person's view of one chat, and the transcript of it."""

    def __init__(
        self,
        telegram: TelegramStandIn,
        delivered: Callable[[int], None],
        chat: int,
        person: int,
        transcript: list[str],
    ) -> None:
        self._telegram = telegram
        self._delivered = delivered  # waits until the router knows a message of the bot: people read before they reply
        self._chat = chat
        self._person = person
        self.transcript = transcript
        self._seen: set[int] = set()

    # --- what the person does ---

    def writes(self, text: str, *, reply_to: Message | None = None, beside: Message | None = None) -> Message:
        """Write, perhaps as a reply, or in the topic of a message."""
        how = f" (replying to “{_first(reply_to.text)}”)" if reply_to else " (in the topic)" if beside else ""
        self._note("You", f"{text}{how}")
        if read := reply_to or beside:
            self._delivered(read.message_id)
        topic = beside.thread_id if beside else 0
        return self._telegram.user_writes(
            text, chat_id=self._chat, user_id=self._person, reply_to=reply_to, thread_id=topic
        )

    def edits(self, message: Message, text: str) -> None:
        """Change what was written."""
        self._note("You", f"change “{message.text}” into “{text}”")
        self._telegram.edits(message, text)

    def presses(self, message: Message, label: str) -> str:
        """Press a button; what pops up."""
        self._note("You", f"press [{label}]")
        pressed = self._telegram.press(message, label, user_id=self._person)
        self._wait(lambda: pressed.answer is not None)
        popped = str((pressed.answer or {}).get("text", ""))
        if popped:
            self._note("Bot", f"(pops up) {popped}")
        return popped

    # --- what the person sees ---

    def sees(self, words: str) -> Message:
        """The next message that holds the words."""
        [message, *_] = self._wait(lambda: [m for m in self._new() if words in shown(m)])
        self._seen.add(message.message_id)
        self._note("Bot", _screen(message))
        return message

    def sees_change(self, message: Message, words: str) -> None:
        """A message gets to say other words."""
        self._wait(lambda: words in message.text)
        self._note("Bot", f"(changes its message) {_screen(message)}")

    def sees_button(self, message: Message, label: str) -> None:
        """A message gets another button."""
        self._wait(lambda: label in message.buttons)
        self._note("Bot", f"(changes its buttons) {_screen(message)}")

    def sees_mark(self, message: Message) -> None:
        """A message gets a reaction."""
        self._wait(lambda: bool(message.reaction))
        self._note("Bot", f"({message.reaction[0]['emoji']} on “{_first(message.text)}”)")

    def _new(self) -> list[Message]:
        return [m for m in self._telegram.bot_messages(self._chat) if m.message_id not in self._seen]

    def _wait(self, predicate: Callable[[], T]) -> T:
        try:
            return self._telegram.wait_for(predicate, PATIENCE)
        except AssertionError:
            shows = [_screen(message) for message in self._telegram.bot_messages(self._chat)[-3:]]
            raise AssertionError(f"the phone shows, at last: {shows}") from None

    def _note(self, who: str, text: str) -> None:
        text = _CLOCK.sub(r"\g<1>12:00", _ID.sub("ID", text))
        self.transcript.append(f"{who}  {text}".replace("\n", "\n     "))


def shown(message: Message) -> str:
    """The words of a message, or under its file."""
    return message.text or str(message.extra.get("caption", ""))


def _first(text: str) -> str:
    lines = text.splitlines() or ["…"]
    return lines[0] if len(lines[0]) <= 40 else lines[0][:39] + "…"


def _screen(message: Message) -> str:
    lines = [shown(message)]
    if message.document:
        lines.append(f"📎 {message.extra['document']['file_name']}")
    rows = (message.reply_markup or {}).get("inline_keyboard", [])
    return "\n".join([*lines, *(" ".join(f"[{button['text']}]" for button in row) for row in rows)])

"""Recordings: somebody turns them into text, and a person says whether that goes to a session. Nothing is guessed.

Whose turn it is to turn one into text is kept in memory: after a restart it is given again, and its first answer
counts. What a person decides takes the recording out in the transaction that follows from it, so it counts once.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from router.clock import Clock
from router.domain import router_buttons
from router.domain.command import ChatRef
from router.domain.notification import Notification
from router.domain.router_buttons import Verb
from router.domain.routing import Inbound
from router.domain.wording import voices as wording
from router.services.outbox import bundles
from router.services.outbox.status_messages import StatusMessages
from router.store import chats, files, messages, notifications, session_topics, sessions, voices
from router.store.database import Transaction
from router.store.voices import Voice

LATE = 900.0  # seconds until a person is asked without the words
MOST_LOOKED_AT = 50  # of those that wait: more are on their way with nobody
_WITH_WORDS = (Verb.SAY, Verb.SAY_FILE, Verb.DONT_SAY)
_WITHOUT = (Verb.SAY_FILE, Verb.DONT_SAY)


@dataclass(slots=True)
class Voices:
    """Everything is called inside of a transaction."""

    _status_messages: StatusMessages
    _clock: Clock
    arrived: Callable[[str], None] = lambda _transport: None  # after the commit: there is one to be turned into text
    _given: dict[str, float] = field(default_factory=dict)  # until when somebody has it, in monotonic seconds

    def hold(self, tx: Transaction, inbound: Inbound) -> str:
        """Keep a recording until its words are known; why not, for people, where it cannot be."""
        assert inbound.file is not None  # noqa: S101 -- it is the recording
        here = voices.count(tx, inbound.chat)
        if here >= voices.MOST:
            return wording.TOO_MANY.format(count=here)
        voice_id = str(uuid.uuid5(uuid.NAMESPACE_URL, inbound.update_key))
        voice = Voice(
            voice_id, inbound.chat, inbound.reply_to, inbound.reply_to_ours, inbound.text, inbound.file,
            self._clock.now(),
        )  # fmt: skip
        voices.write(tx, voice)
        files.name(tx, inbound.file.file_id)
        tx.after_commit(lambda: self.arrived(inbound.chat.transport))
        return ""

    def take(self, tx: Transaction, transport: str, lease: float) -> Voice | None:
        """One to be turned into text within so many seconds; None where there is none."""
        now = self._clock.monotonic()
        for voice in voices.waiting(tx, transport, MOST_LOOKED_AT):
            if self._given.get(voice.voice_id, 0.0) <= now:
                tx.put(self._given, voice.voice_id, now + lease)
                return voice
        return None

    def heard(self, tx: Transaction, voice_id: str, text: str, problem: str) -> None:
        """Ask the person about its words, or what to do without; the first answer counts."""
        tx.pop(self._given, voice_id)
        voice = voices.find(tx, voice_id)
        if voice is None or voice.question:
            return
        words = text.strip()
        where = wording.FOR.format(name=name) if (name := _meant(tx, voice)) else ""
        if words:
            said = wording.HEARD.format(where=where, text=words)
        else:
            said = wording.NOT_HEARD.format(why=problem or wording.NO_WORDS)
        buttons = tuple(map(router_buttons.button, _WITH_WORDS if words else _WITHOUT))
        chat = chats.current(tx, voice.chat)
        question = self._status_messages.answer(tx, chat, said, "", buttons)
        voices.write(tx, replace(voice, text=words, question=question))

    def late(self, tx: Transaction) -> None:
        """Ask about those that nobody has turned into text in time."""
        for voice in voices.overdue(tx, self._clock.now() - LATE):
            self.heard(tx, voice.voice_id, "", wording.LATE)

    def decided(self, tx: Transaction, press: Inbound, note: Notification, verb: Verb, label: str) -> Inbound | str:
        """A person pressed a button: what is to be done as if they had written it now, or what to tell them."""
        voice = self._taken(tx, note.notification_id)
        if voice is None:
            return wording.NOT_KEPT
        self._status_messages.chosen(tx, note, label, _who(press))
        if verb is Verb.DONT_SAY:
            return wording.DROPPED
        if verb is Verb.SAY_FILE:
            return replace(_as_written(press, voice, voice.caption), file=voice.file)
        return _as_written(press, voice, "\n".join(filter(None, (voice.caption, voice.text))))

    def replied(self, tx: Transaction, reply: Inbound) -> Inbound | None:
        """Other words in place of those heard, as if written now; None where it answers no such question."""
        for voice in voices.asked(tx, reply.chat):
            note = notifications.find(tx, voice.question)
            if note is not None and reply.reply_to in note.message_ids and self._taken(tx, voice.question):
                self._status_messages.chosen(tx, note, wording.OTHER_WORDS, _who(reply))
                return replace(_as_written(reply, voice, reply.text), chat=reply.chat)
        return None

    def _taken(self, tx: Transaction, question: str) -> Voice | None:
        voice = voices.by_question(tx, question)
        if voice is None or voice.created_at <= self._clock.now() - voices.KEPT or not voices.take(tx, voice):
            return None
        return voice


def _as_written(press: Inbound, voice: Voice, text: str) -> Inbound:
    """A chat that has another id now numbers its messages anew: there the recording has no name any more."""
    here = press.chat
    is_same = here.chat_id == voice.chat.chat_id
    chat = ChatRef(here.transport, here.chat_id, voice.chat.thread_id, voice.chat.message_id if is_same else "")
    return Inbound(
        press.update_key, chat, press.actor, text, voice.reply_to if is_same else "", reply_to_ours=voice.reply_to_ours,
        user_id=press.user_id, person=press.person,
    )  # fmt: skip


def _meant(tx: Transaction, voice: Voice) -> str:
    """What the session is called that it is for, as far as that is said already."""
    if voice.reply_to and bundles.is_bundle(tx, voice.chat, voice.reply_to):
        return ""
    session_id = (voice.reply_to and messages.session_of(tx, voice.chat, voice.reply_to)) or session_topics.session_of(
        tx, voice.chat
    )
    session = sessions.find(tx, session_id or chats.chosen_session(tx, voice.chat))
    return session.name if session else ""


def _who(inbound: Inbound) -> str:
    return inbound.actor or inbound.chat.transport

"""Recordings: kept until their words are known and a person has said what becomes of them, for a day at most."""

from msgspec import Struct

from router.domain.action import FileInput
from router.domain.command import ChatRef
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, given
from router.store.tables import Voice as Row
from router.store.upkeep import purging, shifting

KEPT = 24 * 3600.0  # seconds; as long as a command waits for its machine
MOST = 20  # of a chat; more are refused


class Voice(Struct, frozen=True):
    """What a person said, and where; what is sent of it goes where a text written there would."""

    voice_id: str
    chat: ChatRef  # message_id: of the recording
    reply_to: str
    reply_to_ours: bool
    caption: str
    file: FileInput
    created_at: float
    text: str = ""
    question: str = ""  # the notification that asks; empty while nobody knows the words


_CHAT = Part(
    [Row.transport, Row.chat_id, Row.thread_id, Row.message_id],
    ChatRef,
    lambda c: (c.transport, c.chat_id, c.thread_id, c.message_id),
)
_VOICES = Mapper(Row, Voice, chat=_CHAT)
_ALL = _VOICES.select()
_OF_CHAT = (Row.transport == given.transport) & (Row.chat_id == given.chat_id)
_WRITE = _VOICES.writes(_VOICES.upsert(Row.voice_id))
_FIND = _VOICES.reads(_ALL.where(Row.voice_id == given.voice_id))
# That it is not empty stands here for the partial index alone.
_BY_QUESTION = _VOICES.reads(_ALL.where((Row.question == given.question) & (Row.question != "")))
_WAITING = _VOICES.reads(
    _ALL.where((Row.transport == given.transport) & (Row.question == "")).order_by(Row.created_at).limit(given.limit)
)
_OVERDUE = _VOICES.reads(_ALL.where((Row.question == "") & (Row.created_at < given.before)).limit(given.limit))
_ASKED = _VOICES.reads(_ALL.where(_OF_CHAT & (Row.question != "")).order_by(Row.created_at))
_COUNT = Statement(Row.select(Row.voice_id).where(_OF_CHAT))
# Taken by deleting it, so that two presses cannot both have it.
_TAKE = Statement(Row.delete().where(Row.voice_id == given.voice_id))

shift = shifting(Row.created_at)
purge = purging(Row, Row.created_at < given.before)


def write(tx: Transaction, voice: Voice) -> None:
    """Keep it, in the place of what was known of it."""
    _WRITE.one(tx, voice)


def find(on: Connection, voice_id: str) -> Voice | None:
    """One of them."""
    return _FIND.one(on, voice_id=voice_id)


def by_question(tx: Transaction, question: str) -> Voice | None:
    """The one that a notification asks about."""
    return _BY_QUESTION.one(tx, question=question)


def asked(tx: Transaction, chat: ChatRef) -> list[Voice]:
    """Those of a chat that a person is asked about."""
    return _ASKED.all(tx, transport=chat.transport, chat_id=chat.chat_id)


def waiting(tx: Transaction, transport: str, limit: int) -> list[Voice]:
    """Those whose words nobody knows, the oldest first."""
    return _WAITING.all(tx, transport=transport, limit=limit)


def overdue(tx: Transaction, before: float, limit: int = 100) -> list[Voice]:
    """Those of them that came before a time."""
    return _OVERDUE.all(tx, before=before, limit=limit)


def count(tx: Transaction, chat: ChatRef) -> int:
    """How many a chat has."""
    return len(_COUNT.values(tx, transport=chat.transport, chat_id=chat.chat_id))


def take(tx: Transaction, voice: Voice) -> bool:
    """Take it out; False where somebody was faster."""
    return _TAKE.run(tx, voice_id=voice.voice_id).rowcount == 1

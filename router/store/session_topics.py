"""What a chat has for each session: its topic, and whether it makes a sound."""

from msgspec import Struct
from peewee import Value

from router.domain.command import ChatRef
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Statement, given, upsert
from router.store.upkeep import purging, shifting


class SessionTopic(Struct, frozen=True):
    """What a chat has for one session."""

    thread_id: str = ""  # of its topic; empty for none
    muted: bool = False
    muted_until: float | None = None  # by the steady clock; None: until somebody says so

    def is_silent(self, now: float) -> bool:
        """Whether it is muted at that moment."""
        return self.muted and (self.muted_until is None or now < self.muted_until)


Row, Chat, Session = tables.SessionTopic, tables.Chat, tables.Session
_TOPICS = Mapper(Row, SessionTopic)
_OF_CHAT = (Row.transport == given.transport) & (Row.chat_id == given.chat_id)
_KEY = (Row.transport, Row.chat_id, Row.session_id)

_FIND = _TOPICS.reads(_TOPICS.select().where(_OF_CHAT & (Row.session_id == given.session_id)))
_WRITE = Statement(upsert(Row, _KEY, *_TOPICS.columns))
# That it is not empty stands there for the partial index alone.
_SESSION_OF = Statement(
    Row.select(Row.session_id).where(_OF_CHAT & (Row.thread_id == given.thread_id) & (Row.thread_id != ""))
)
_OF_SESSION = Statement(
    Row.select(Row.transport, Row.chat_id, Row.thread_id)
    .join(Chat, on=(Row.transport == Chat.transport) & (Row.chat_id == Chat.chat_id))
    .where((Row.session_id == given.session_id) & (Row.thread_id != "") & Chat.has_topics)
    .order_by(Row.transport, Row.chat_id)
)
# What the new chat has already stays.
_COPY = Statement(
    Row.insert_from(
        Row.select(Row.transport, given.new, Row.session_id, Value(""), Row.muted, Row.muted_until).where(_OF_CHAT),
        [*_KEY, Row.thread_id, Row.muted, Row.muted_until],
    ).on_conflict_ignore()
)
_DELETE = Statement(Row.delete().where(_OF_CHAT))

shift = shifting(Row.muted_until, Row.muted_until.is_null(is_null=False))
# Not by age: a topic is good for as long as its session is known.
purge = purging(Row, Row.session_id.not_in(Session.select(Session.session_id)))


def find(tx: Transaction, chat: ChatRef, session_id: str) -> SessionTopic:
    """What a chat has for a session; nothing, where it never asked."""
    found = _FIND.one(tx, transport=chat.transport, chat_id=chat.chat_id, session_id=session_id)
    return found or SessionTopic()


def write(tx: Transaction, chat: ChatRef, session_id: str, new: SessionTopic) -> None:
    """Keep what a chat has for a session from now on."""
    _WRITE.run(
        tx, transport=chat.transport, chat_id=chat.chat_id, session_id=session_id, thread_id=new.thread_id,
        muted=new.muted, muted_until=new.muted_until,
    )  # fmt: skip


def session_of(tx: Transaction, chat: ChatRef) -> str:
    """The session whose topic a message was written in; empty for none."""
    if not chat.thread_id:  # mostly, and each message asks
        return ""
    return _SESSION_OF.value(tx, transport=chat.transport, chat_id=chat.chat_id, thread_id=chat.thread_id) or ""


def of_session(tx: Transaction, session_id: str) -> list[ChatRef]:
    """The topics a session has, in chats that want topics."""
    return [ChatRef(*row) for row in _OF_SESSION.run(tx, session_id=session_id).fetchall()]


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> None:
    """A chat has another id: what was silent stays so. Topics stay behind, their numbers mean nothing there."""
    _COPY.run(tx, transport=old.transport, chat_id=old.chat_id, new=new.chat_id)
    _DELETE.run(tx, transport=old.transport, chat_id=old.chat_id)

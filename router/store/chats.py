"""Chats: what each asked for, which session it has chosen, the id it has now, whether it takes messages.

Message ids stay with the old id of a chat that got another one: the new chat numbers its messages anew, so that an old
number names somebody else's message there, and a reply to that must not be typed into a session.
"""

from msgspec import Struct
from msgspec.structs import replace

from router.domain.audience import place
from router.domain.command import ChatRef
from router.domain.note import chat_place
from router.domain.work import Shows
from router.store import audience, deferred, notes, notifications, people, session_topics, tables, work_messages
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given, upsert


class ChatSettings(Struct, frozen=True):
    """What a chat asked for."""

    has_topics: bool = False
    asks_first: bool = False
    quiet: str = ""  # "22:00-07:00"; empty for never
    shows: Shows = Shows.QUIET  # of a turn
    zone: str = ""  # in which its times of day are meant; empty: the router's
    goes_on: bool = False  # sessions at a usage limit go on by themselves
    bundles: bool = False  # turns that end at about the same time are told together


class _Role(Struct, frozen=True):
    """What a chat plays for the sessions: whether it gets what names no target, and where its plain text goes."""

    is_default: bool = False
    chosen_session: str = ""
    wrote_in: bool = False


Row = tables.Chat
_SETTINGS, _ROLES = Mapper(Row, ChatSettings), Mapper(Row, _Role)
_KEY = (Row.transport, Row.chat_id)
_THIS = (Row.transport == given.transport) & (Row.chat_id == given.chat_id)

# A chat has a row from the first that it asks for, or that is known of it; the rest is as by default.
_FIND_SETTINGS = _SETTINGS.reads(_SETTINGS.select().where(_THIS))
_WRITE_SETTINGS = Statement(upsert(Row, _KEY, *_SETTINGS.columns))
_ANY_SHOWS = Statement(Row.select(Row.chat_id).where(Row.shows != Shows.QUIET).limit(1))
_CHOSEN = Statement(Row.select(Row.chosen_session).where(_THIS))
_CHOOSE = Statement(upsert(Row, _KEY, Row.chosen_session))
_DEFAULTS = Statement(Row.select(*_KEY).where(Row.is_default).order_by(*_KEY))
_NO_DEFAULTS = Statement(Row.update({Row.is_default: False}).where(Row.transport == given.transport))
_SET_DEFAULT = Statement(upsert(Row, _KEY, Row.is_default))
_SET_WROTE_IN = Statement(upsert(Row, _KEY, Row.wrote_in))
_IS_KNOWN = Statement(Row.select(Row.chat_id).where(_THIS & (Row.is_default | Row.wrote_in)))
_CLOSED = Statement(Row.select(*_KEY).where(Row.is_closed))
_SET_CLOSED = Statement(upsert(Row, _KEY, Row.is_closed))
# One look is enough: when a chat moves again, those that had moved to it follow (`_FOLLOW`).
_CURRENT = Statement(Row.select(Row.moved_to).where(_THIS & (Row.moved_to != "")))
_FIND_ROLE = _ROLES.reads(_ROLES.select().where(_THIS))
_WRITE_ROLE = Statement(upsert(Row, _KEY, *_ROLES.columns, Row.moved_to))
_FOLLOW = Statement(
    Row.update({Row.moved_to: given.new}).where((Row.transport == given.transport) & (Row.moved_to == given.old))
)


def settings(tx: Transaction, chat: ChatRef) -> ChatSettings:
    """What a chat asked for; nothing, where it never did."""
    return _FIND_SETTINGS.one(tx, **_key(chat)) or ChatSettings()


def set_settings(tx: Transaction, chat: ChatRef, new: ChatSettings) -> None:
    """Keep what a chat asks for from now on."""
    _WRITE_SETTINGS.run(tx, **_key(chat), **_SETTINGS.named(new))


def any_shows(on: Connection) -> bool:
    """Whether a chat wants to see what sessions do."""
    return _ANY_SHOWS.value(on) is not None


def chosen_session(tx: Transaction, chat: ChatRef) -> str:
    """The session a chat has chosen; empty for none."""
    chosen: str | None = tx.memory.get(_choice(chat))
    if chosen is None:
        chosen = _CHOSEN.value(tx, **_key(chat)) or ""
        tx.put(tx.memory, _choice(chat), chosen)
    return chosen


def choose_session(tx: Transaction, chat: ChatRef, session_id: str) -> None:
    """Let plain text of a chat go to a session."""
    tx.pop(tx.memory, _choice(chat))
    _CHOOSE.run(tx, **_key(chat), chosen_session=session_id)


def defaults(tx: Transaction) -> list[ChatRef]:
    """The chats that want every notification that names no target."""
    return [ChatRef(*row) for row in _DEFAULTS.run(tx).fetchall()]


def set_defaults(tx: Transaction, transport: str, chats: list[ChatRef]) -> None:
    """Replace the default chats of one platform by those its courier names, under the ids they have now."""
    _NO_DEFAULTS.run(tx, transport=transport)
    for chat in chats:
        _SET_DEFAULT.run(tx, **_key(current(tx, chat)), is_default=True)


def set_wrote_in(tx: Transaction, chat: ChatRef) -> None:
    """Keep that somebody wrote there who may."""
    _SET_WROTE_IN.run(tx, **_key(chat), wrote_in=True)


def is_known(tx: Transaction, chat: ChatRef) -> bool:
    """Whether a message may name this chat: its courier names it, or somebody wrote there who may, or was let in."""
    now = current(tx, chat)
    return is_open(tx, now) or people.any_in(tx, now)


def is_open(tx: Transaction, chat: ChatRef) -> bool:
    """Whether its courier names it, or somebody wrote there whom the settings let in."""
    return _IS_KNOWN.value(tx, **_key(chat)) is not None


def closed(tx: Transaction) -> set[ChatRef]:
    """Chats that take no messages, and of which people were told: a restart must not tell them again."""
    return {ChatRef(*row) for row in _CLOSED.run(tx).fetchall()}


def set_closed(tx: Transaction, chat: ChatRef, *, is_closed: bool) -> None:
    """Keep that a chat takes none from now on, or takes them again."""
    _SET_CLOSED.run(tx, **_key(chat), is_closed=is_closed)


def current(tx: Transaction, chat: ChatRef) -> ChatRef:
    """The chat under the id it has now."""
    moved_to = _CURRENT.value(tx, **_key(chat))
    return replace(chat, chat_id=moved_to) if moved_to else chat


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> bool:
    """What a chat asked for and has chosen, and what waits for it, goes to its new id. False: it had gone before.

    Whatever is written for the old id from now on is brought to the new one.
    """
    if current(tx, old).chat_id == new.chat_id:
        return False
    was, now = (_FIND_ROLE.one(tx, **_key(chat)) or _Role() for chat in (old, new))
    # What people did under the new id already, before the platform told of it, wins.
    chosen = now.chosen_session or was.chosen_session
    _write_role(tx, new, _Role(was.is_default or now.is_default, chosen, was.wrote_in or now.wrote_in), "")
    _write_role(tx, old, _Role(), new.chat_id)
    _FOLLOW.run(tx, transport=old.transport, old=old.chat_id, new=new.chat_id)
    # What the new chat asked for itself holds there.
    if settings(tx, new) == ChatSettings():
        set_settings(tx, new, settings(tx, old))
    # In this transaction: a button of a message that moved along may be pressed at once.
    notifications.move(tx, old, new)
    session_topics.move(tx, old, new)
    people.move(tx, old, new)
    work_messages.forget_chat(tx, old)
    deferred.move(tx, old, new)
    audience.move(tx, place(old), place(new))
    notes.rename_place(tx, chat_place(old), chat_place(new))
    return True


def _write_role(tx: Transaction, chat: ChatRef, role: _Role, moved_to: str) -> None:
    parts = {Row.is_default.name: role.is_default, Row.wrote_in.name: role.wrote_in, Row.moved_to.name: moved_to}
    tx.pop(tx.memory, _choice(chat))
    _WRITE_ROLE.run(tx, **_key(chat), chosen_session=role.chosen_session, **parts)


def _key(chat: ChatRef) -> dict[str, object]:
    return {Row.transport.name: chat.transport, Row.chat_id.name: chat.chat_id}


def _choice(chat: ChatRef) -> tuple[str, ...]:
    return (Row.chosen_session.name, chat.transport, chat.chat_id)  # in the writer's memory: each message asks

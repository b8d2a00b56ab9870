"""Persons on disk, and where they may write."""

from router.domain.command import ChatRef
from router.domain.person import PairedChat, Person
from router.store import meta, tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, given

Row, Chat = tables.Person, tables.PairedChat
_PEOPLE = Mapper(Row, Person)
_PLACE = Part((Chat.transport, Chat.chat_id), ChatRef, lambda chat: (chat.transport, chat.chat_id))
_CHATS = Mapper(Chat, PairedChat, chat=_PLACE)
_THIS = (Chat.transport == given.transport) & (Chat.chat_id == given.chat_id)
_PERSON = Row.person_id == given.person_id
_WISHES = "who wants to be asked about what"  # there, too: each message asks
_CONCERNS = "asked_again"  # of whoever has the key
_WHERE = "who may write where"  # in the writer's memory: each message asks

_FIND = _PEOPLE.reads(_PEOPLE.select().where(_PERSON))
_BY_NAME = _PEOPLE.reads(_PEOPLE.select().where(Row.name == given.name))
_PAGE = _PEOPLE.reads(_PEOPLE.select().order_by(Row.name))
_INSERT = _PEOPLE.writes(_PEOPLE.insert())
_SET_LADDER = Statement(Row.update({Row.ladder: given.ladder}).where(_PERSON))
_SET_CONCERNS = Statement(Row.update({Row.concerns: given.concerns}).where(_PERSON))
_DELETE = Statement(Row.delete().where(_PERSON))
_IN_CHAT = Statement(Chat.select(Chat.user_id).where(_THIS).limit(1))
_ALL_CHATS = _CHATS.reads(_CHATS.select().order_by(Chat.transport, Chat.chat_id, Chat.user_id))
_INSERT_CHAT = _CHATS.writes(_CHATS.insert())
_DELETE_CHAT = Statement(Chat.delete().where(_THIS & (Chat.user_id == given.user_id)))
_DELETE_CHATS = Statement(Chat.delete().where(Chat.person_id == given.person_id))
_GIVE = Statement(Chat.update({Chat.person_id: given.kept}).where(Chat.person_id == given.person_id))
_GIVE_CHAT = Statement(Chat.update({Chat.person_id: given.kept}).where(_THIS & (Chat.user_id == given.user_id)))
_MOVE = Statement(Chat.update({Chat.chat_id: given.new}).where(_THIS))


def find(on: Connection, person_id: str) -> Person | None:
    """A person by their id, or None."""
    return _FIND.one(on, person_id=person_id)


def by_name(on: Connection, name: str) -> Person | None:
    """A person by what people call them, or None."""
    return _BY_NAME.one(on, name=name)


def page(on: Connection) -> list[Person]:
    """All of them, by name."""
    return _PAGE.all(on)


def insert(tx: Transaction, person: Person) -> None:
    """Write a new one."""
    tx.pop(tx.memory, _WISHES)
    _INSERT.one(tx, person)


def set_ladder(tx: Transaction, person_id: str, ladder: str) -> None:
    """Keep how a person is asked again."""
    _SET_LADDER.run(tx, person_id=person_id, ladder=ladder)


def set_concerns(tx: Transaction, person_id: str, concerns: str) -> None:
    """Keep what goes up a person's ladder beside questions; of whoever has the key, for the empty id."""
    tx.pop(tx.memory, _WISHES)
    if person_id:
        _SET_CONCERNS.run(tx, person_id=person_id, concerns=concerns)
    else:
        meta.put(tx, _CONCERNS, concerns)


def concerns(tx: Transaction) -> dict[str, str]:
    """What goes up whose ladder beside questions; without those who want nothing of it."""
    known: dict[str, str] | None = tx.memory.get(_WISHES)
    if known is None:
        of_each = {"": meta.get(tx, _CONCERNS) or "", **{each.person_id: each.concerns for each in page(tx)}}
        known = {person_id: wanted for person_id, wanted in of_each.items() if wanted}
        tx.put(tx.memory, _WISHES, known)
    return known


def delete(tx: Transaction, person_id: str) -> int:
    """Put a person out, with all their chats; how many those were."""
    tx.pop(tx.memory, _WHERE)
    tx.pop(tx.memory, _WISHES)
    _DELETE.run(tx, person_id=person_id)
    return _DELETE_CHATS.run(tx, person_id=person_id).rowcount


def paired(tx: Transaction, chat: ChatRef, user_id: str) -> PairedChat | None:
    """What lets this user write in this chat, or None."""
    known: dict[tuple[str, str, str], PairedChat] | None = tx.memory.get(_WHERE)
    if known is None:
        known = {(one.chat.transport, one.chat.chat_id, one.user_id): one for one in chats(tx)}
        tx.put(tx.memory, _WHERE, known)
    return known.get((chat.transport, chat.chat_id, user_id))


def any_in(on: Connection, chat: ChatRef) -> bool:
    """Whether somebody was let into this chat."""
    return _IN_CHAT.value(on, transport=chat.transport, chat_id=chat.chat_id) is not None


def chats(on: Connection) -> list[PairedChat]:
    """All chats in which persons may write."""
    return _ALL_CHATS.all(on)


def insert_chat(tx: Transaction, paired: PairedChat) -> None:
    """Let a person write in a chat."""
    tx.pop(tx.memory, _WHERE)
    _INSERT_CHAT.one(tx, paired)


def delete_chat(tx: Transaction, chat: ChatRef, user_id: str) -> int:
    """Let them write there no more; how many rows that were."""
    tx.pop(tx.memory, _WHERE)
    return _DELETE_CHAT.run(tx, transport=chat.transport, chat_id=chat.chat_id, user_id=user_id).rowcount


def give(tx: Transaction, person_id: str, kept: str) -> None:
    """All chats of a person are another's."""
    tx.pop(tx.memory, _WHERE)
    _GIVE.run(tx, person_id=person_id, kept=kept)


def give_chat(tx: Transaction, paired: PairedChat, kept: str) -> None:
    """A user in a chat is another person."""
    tx.pop(tx.memory, _WHERE)
    chat = paired.chat
    _GIVE_CHAT.run(tx, transport=chat.transport, chat_id=chat.chat_id, user_id=paired.user_id, kept=kept)


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> None:
    """The chat has another id now."""
    tx.pop(tx.memory, _WHERE)
    _MOVE.run(tx, transport=old.transport, chat_id=old.chat_id, new=new.chat_id)

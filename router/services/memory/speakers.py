"""Who speaks of notes, and what they may know."""

from collections.abc import Iterable

from router.domain.command import ChatRef
from router.domain.credentials import Principal, Role
from router.domain.note import (
    HOLDER,
    Note,
    NoteSource,
    Reader,
    Speaker,
    chat_place,
    person_place,
    places_of,
    theirs,
    users,
)
from router.domain.person import Person
from router.domain.routing import Inbound
from router.domain.scope import EVERYTHING, Scope
from router.domain.session import Session
from router.store import people
from router.store.database import Transaction
from router.store.statements import Connection


def of_inbound(tx: Transaction, inbound: Inbound) -> Speaker:
    """Whoever wrote or pressed in a chat."""
    chat, name = inbound.chat, inbound.who
    # Where one writes alone, the chat is called as they are, or nobody is told apart in it.
    several = bool(inbound.user_id) and inbound.user_id != chat.chat_id
    place = chat_place(ChatRef(chat.transport, chat.chat_id)) if several else None
    if inbound.login_id:
        return of_browser(inbound.person, name)
    # Whom the settings let in may say who they are; then they are, here as well.
    known = people.paired(tx, ChatRef(chat.transport, chat.chat_id), inbound.user_id)
    own = theirs(known.person_id) if known else users(chat.transport, inbound.user_id or f"of chat {chat.chat_id}")
    return Speaker(name, NoteSource.PERSON, own.name, inbound.person, chat=place)


def of_browser(person: Person | None, name: str) -> Speaker:
    """Whoever sits at the console."""
    if person is None:
        return Speaker(name, NoteSource.PERSON, HOLDER, sees_all=True)
    return Speaker(name, NoteSource.PERSON, theirs(person.person_id).name, person)


def of_key(who: Principal) -> Speaker:
    """Whoever has an API key."""
    if who.role is Role.ADMIN:
        return Speaker(who.name, NoteSource.KEY, HOLDER, sees_all=True)
    return Speaker(who.name, NoteSource.KEY, f"key {who.key_id}")


def of_program(session: Session) -> Speaker:
    """What runs in a session."""
    return Speaker(f"{session.name} on {session.machine_id}", NoteSource.SESSION, session=session)


def reader(on: Connection, speaker: Speaker, about: Session | None) -> Reader:
    """What they may know; of one session, where that is what they ask about."""
    if speaker.session is not None:
        own = speaker.session
        return Reader(places_of(own), session_id=own.session_id, witnesses=_witnesses(people.page(on), own))
    scope = speaker.person.scope if speaker.person else EVERYTHING
    if about is not None:
        return Reader(places_of(about), witnesses=(scope,) if scope.is_limited else ())
    # Where others read along nobody is told what is theirs alone.
    return Reader((speaker.chat or person_place(speaker.whose),), scope, speaker.sees_all)


def may_remove(speaker: Speaker, note: Note) -> bool:
    """Whether one that they see is theirs to remove: a session's program has what it said itself."""
    if speaker.session is None:
        return True
    return note.source is NoteSource.SESSION and note.session_id == speaker.session.session_id


def _witnesses(there: Iterable[Person], session: Session) -> tuple[Scope, ...]:
    """Those who see this session and not all: what it recalls, they read."""
    return tuple(each.scope for each in there if each.is_limited and each.reaches(session))

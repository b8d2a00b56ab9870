"""Who hears of a session. Else than chats that began it or follow it: those that their courier names, and those of
persons who see it. Browsers that take pushes hear what their person hears.
"""

from collections.abc import Iterable

from router.domain.audience import PAGES, Hearer, Hearing, place
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.person import PairedChat, Person
from router.domain.session import Session
from router.domain.subscription import PUSH
from router.store import audience, chats, people, sessions, subscriptions
from router.store.database import Transaction

Owners = dict[ChatRef, set[str]]  # by chat: the persons who hear there
_KEY_HOLDER = ""  # no person: whoever has the key, who sees everything
_LAST = (
    "Nobody else would hear of {name} then: what it asks would be lost. `/mute` lets it make no sound; `/follow` in "
    "another chat first, and it can be left here."
)
_NOT_IN_AUDIENCE = (
    "The chat {chat} does not hear of {what}. Let it follow it (`/follow` there, or `pointsman follow`),"
    " or name none: then all that hear of it get the message."
)


def hearers(tx: Transaction, session: Session | None) -> list[ChatRef]:
    """Chats that are told about a session; None: about the system, which is for who sees everything."""
    asked, owners = _asked(tx, session), _owners(tx, session)
    everybody = list(dict.fromkeys([*chats.defaults(tx), *owners]))
    told = _wanting(tx, asked, everybody, owners) if asked else everybody
    # Nobody is left whom it calls, as chats were closed since: somebody unwilling is better than nobody.
    told = told if any(map(_calls, told)) else everybody
    return [*told, *_pushed(tx, session, told, owners, asked)]


def listeners(tx: Transaction, session: Session) -> dict[ChatRef, set[str]]:
    """The same, with the persons who are told there; the empty id is whoever has the key, the console is nobody's."""
    owners, pushed = _owners(tx, session), {each.chat: each.person_id for each in subscriptions.page(tx)}
    whose = {chat: {who} for chat, who in pushed.items()}
    return {
        chat: whose.get(chat) or (owners.get(chat, {_KEY_HOLDER}) if _calls(chat) else set())
        for chat in hearers(tx, session)
    }


def places(tx: Transaction, session: Session, person_id: str) -> list[ChatRef]:
    """Where somebody who hears of a session can be reached: there, and in what is theirs alone; nowhere if they do not.

    Of whoever has the key nobody knows which chats are one person: what counts are those of other platforms.
    """
    heard = listeners(tx, session)
    told = [chat for chat, whose in heard.items() if person_id in whose]
    if not told:
        return []
    theirs = [each.chat for each in subscriptions.page(tx) if each.person_id == person_id]
    if person_id:
        alone = [each.chat for each in people.chats(tx) if each.person_id == person_id and _is_private(each)]
    else:
        owners, there = _owners(tx, session), {chat.transport for chat in told}
        alone = [chat for chat in chats.defaults(tx) if chat not in owners and _calls(chat)]
        alone = [chat for chat in alone if chat.transport not in there]
    gone = left(tx, session)
    return [chat for chat in dict.fromkeys([*told, *alone, *theirs]) if chat not in gone]


def left(tx: Transaction, session: Session) -> frozenset[ChatRef]:
    """Chats that are to hear nothing of a session, as somebody said, whoever is reached elsewhere."""
    return frozenset(chat for chat, hearing in _asked(tx, session).items() if not hearing.wants)


def others(tx: Transaction, session: Session) -> list[ChatRef]:
    """Chats that are told of sessions, and not of this one; those whose person may not see it are none."""
    told, owners = set(hearers(tx, session)), _owners(tx, session)
    everybody = dict.fromkeys([*chats.defaults(tx), *owners])
    return [chat for chat in everybody if chat not in told and _calls(chat)]


def began(tx: Transaction, session_id: str, chat: ChatRef | None, *, is_public: bool = False) -> None:
    """A session is begun from a chat: that one hears of it. The console hears of all, and narrows nothing.

    Nor does one that is public: a whole question is shown in none of those.
    """
    if chat is not None and chat.transport not in (PAGES, PUSH):
        hearing = Hearing.FOLLOWS if is_public else Hearing.BEGAN
        audience.write(tx, Hearer(session_id, place(chats.current(tx, chat)), hearing))


def forgotten(tx: Transaction, session_id: str) -> None:
    """A session is none after all."""
    for each in audience.of_session(tx, session_id):
        audience.forget(tx, session_id, each.chat)


def follow(tx: Transaction, session_id: str, wanted: Iterable[ChatRef]) -> Session:
    """Let chats hear of a session, beside those that do. Raises Refusal, having written nothing."""
    session, there = sessions.get(tx, session_id), [place(chats.current(tx, chat)) for chat in wanted]
    for chat in there:
        check_chat(tx, chat)
    _change(tx, session, there, follows=True)
    return session


def unfollow(tx: Transaction, session_id: str, unwanted: Iterable[ChatRef]) -> Session:
    """Let chats not hear of a session any more. Raises Refusal, having written nothing, where nobody else would."""
    session, gone = sessions.get(tx, session_id), [place(chats.current(tx, chat)) for chat in unwanted]
    asked, owners = _asked(tx, session), _owners(tx, session)
    everybody = list(dict.fromkeys([*chats.defaults(tx), *owners]))
    after = asked | {chat: asked.get(chat, Hearing.LEFT).changed(follows=False) for chat in gone}
    if not any(map(_calls, _wanting(tx, after, everybody, owners))):
        raise Refusal(Reason.ILLEGAL_STATE, _LAST.format(name=session.name))
    _change(tx, session, gone, follows=False)
    return session


def check_target(tx: Transaction, session: Session | None, chat: ChatRef) -> None:
    """Raises Refusal where nothing about a session, or none yet, may go to a chat because somebody names it."""
    check_chat(tx, chat)
    # The console shows all of it anyway.
    if chat.transport != PAGES and place(chats.current(tx, chat)) not in map(place, hearers(tx, session)):
        where, what = f"{chat.transport}:{chat.chat_id}", f"the session {session.session_id}" if session else "all"
        raise Refusal(Reason.NOT_IN_AUDIENCE, _NOT_IN_AUDIENCE.format(chat=where, what=what))


# A bot reaches whoever ever wrote to it: who may send a message must not choose among those.
_NOT_A_CHAT = (
    "Nobody who may wrote in the chat {chat}, and its adapter does not name it. Name one that was let in, or none: "
    "then all that want messages get it."
)


def check_chat(tx: Transaction, chat: ChatRef) -> None:
    """Raises Refusal where nothing may go to a chat because somebody names it."""
    if not chats.is_known(tx, chat):
        raise Refusal(Reason.ILLEGAL_STATE, _NOT_A_CHAT.format(chat=f"{chat.transport}:{chat.chat_id}"))


def _asked(tx: Transaction, session: Session | None) -> dict[ChatRef, Hearing]:
    known = audience.of_session(tx, session.session_id) if session else ()
    return {each.chat: each.hearing for each in known}


def _owners(tx: Transaction, session: Session | None) -> Owners:
    if not (paired := people.chats(tx)):
        return {}
    known, owners = {person.person_id: person for person in people.page(tx)}, Owners()
    for each in paired:
        if _hears(known[each.person_id], session):
            owners.setdefault(each.chat, set()).add(each.person_id)
    return owners


def _may(tx: Transaction, chat: ChatRef, owners: Owners) -> bool:
    """Whoever was put out meanwhile, or may not see it any more, hears nothing however they once followed it."""
    return chat in owners or chats.is_open(tx, chat)


def _wanting(tx: Transaction, asked: dict[ChatRef, Hearing], everybody: list[ChatRef], owners: Owners) -> list[ChatRef]:
    """Chats that are told of it because of what they have to do with it; those that take nothing now left out."""
    closed = chats.closed(tx)
    theirs = [chat for chat in asked if asked[chat].wants and chat not in closed and _may(tx, chat, owners)]
    narrowed = any(hearing.narrows for hearing in asked.values())
    others = [chat for chat in everybody if not (narrowed and _calls(chat))]
    return list(dict.fromkeys([*(chat for chat in others if chat not in asked or asked[chat].wants), *theirs]))


def _change(tx: Transaction, session: Session, there: Iterable[ChatRef], *, follows: bool) -> None:
    asked = _asked(tx, session)
    for chat in there:
        hearing = asked.get(chat, Hearing.LEFT).changed(follows=follows)
        audience.write(tx, Hearer(session.session_id, chat, hearing))


def _calls(chat: ChatRef) -> bool:
    return chat.transport != PAGES


def _pushed(
    tx: Transaction, session: Session | None, told: list[ChatRef], owners: Owners, asked: dict[ChatRef, Hearing]
) -> list[ChatRef]:
    """Browsers of persons who are told; where no chat began it, also of those who are told nowhere and left nothing."""
    if not (there := subscriptions.page(tx)):
        return []
    known = {person.person_id: person for person in people.page(tx)}
    narrowed = any(hearing.narrows for hearing in asked.values())
    hear = {who for chat in told if _calls(chat) for who in owners.get(chat, {_KEY_HOLDER})}
    gone = {who for chat in asked if not asked[chat].wants for who in owners.get(chat, {_KEY_HOLDER})}
    pushed = []
    for each in there:
        may = not each.person_id or _hears(known[each.person_id], session)
        if may and (each.person_id in hear or not (narrowed or each.person_id in gone)):
            pushed.append(each.chat)
    return pushed


def _is_private(paired: PairedChat) -> bool:
    return paired.chat.chat_id == paired.user_id


def _hears(person: Person, session: Session | None) -> bool:
    return not person.is_limited or (session is not None and person.reaches(session))

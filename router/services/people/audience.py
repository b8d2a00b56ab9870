"""Who hears of a session: the chats that their courier names, those of persons who see it, and browsers pushed to."""

from router.domain.command import ChatRef
from router.domain.person import Person
from router.domain.session import Session
from router.store import chats, people, subscriptions
from router.store.database import Transaction


def hearers(tx: Transaction, session: Session | None) -> list[ChatRef]:
    """Chats that want every message about a session; None: about the system, which is for who sees everything."""
    found = dict.fromkeys(chats.defaults(tx))
    paired, pushed = people.chats(tx), subscriptions.page(tx)
    if paired or pushed:
        known = {person.person_id: person for person in people.page(tx)}
        theirs = [(each.chat, each.person_id) for each in paired] + [(each.chat, each.person_id) for each in pushed]
        for chat, person_id in theirs:
            # No person: whoever has the key, who sees everything. A chat is always somebody's.
            if not person_id or _hears(known[person_id], session):
                found.setdefault(chat)
    return list(found)


def _hears(person: Person, session: Session | None) -> bool:
    return not person.is_limited or (session is not None and person.reaches(session))

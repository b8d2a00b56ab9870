"""Who hears of a session: the chats that their courier names, and those of persons who see it."""

from router.domain.command import ChatRef
from router.domain.session import Session
from router.store import chats, people
from router.store.database import Transaction


def hearers(tx: Transaction, session: Session | None) -> list[ChatRef]:
    """Chats that want every message about a session; None: about the system, which is for who sees everything."""
    found = dict.fromkeys(chats.defaults(tx))
    if paired := people.chats(tx):
        known = {person.person_id: person for person in people.page(tx)}
        for each in paired:
            person = known[each.person_id]
            if not person.is_limited or (session is not None and person.reaches(session)):
                found.setdefault(each.chat)
    return list(found)

"""What a person may do, asked wherever something is done for them. None stands for those who may do everything."""

from collections.abc import Iterable

from router.domain import router_buttons
from router.domain.notification import Notification
from router.domain.person import Deed, Person
from router.domain.router_buttons import Verb
from router.domain.session import Session
from router.domain.wording import people as wording
from router.store import sessions
from router.store.database import Transaction

_LOOKS = frozenset([
    "start", "help", "sessions", "use", "status", "topics", "quiet", "mute", "unmute", "settings", "remind",
    "scheduled", "zone", "follow", "unfollow", "iam", "escalate", "rules", "remember", "recall", "notes", "forget",
    "summary", "workspaces",
])  # fmt: skip
_ANSWERS = frozenset(["allow", "deny"])
_ABOUT_ALL = frozenset(["new", "ask", "dead", "policy"])  # commands of chats that reach beyond one session
# Each of these but the first two is judged by itself.
_LOOK_BUTTONS = frozenset({
    Verb.USE, Verb.SHOW, Verb.ALL, Verb.END, Verb.KEEP_NOTE, Verb.FORGET_NOTE, Verb.TAKE_NOTE,
})  # fmt: skip
_ABOUT_OTHERS = frozenset({Verb.TO, Verb.ELSEWHERE, Verb.BEGIN})  # buttons that show or choose any session


def refusal(tx: Transaction, person: Person | None, deed: Deed, session_id: str) -> str:
    """Why they may not do this to a session, for them to read; empty where they may."""
    if person is None:
        return ""
    if not person.may(deed):
        return wording.not_your_role(person, deed)
    session = sessions.find(tx, session_id) if person.is_limited and session_id else None
    return "" if session is None or person.reaches(session) else wording.NOT_YOUR_SESSION


def of_command(tx: Transaction, person: Person | None, name: str, session_id: str) -> str:
    """The same for a command of a chat; `session_id` is what those about a session are for."""
    if person is not None and person.is_limited and name in _ABOUT_ALL:
        return wording.NOT_LIMITED
    deed = Deed.ANSWER if name in _ANSWERS else Deed.LOOK if name in _LOOKS else Deed.TYPE
    return refusal(tx, person, deed, session_id)


def of_button(tx: Transaction, person: Person | None, note: Notification, action: str) -> str:
    """The same for a press of one of the router's own buttons."""
    verb, _ = router_buttons.verb_of(action)
    if person is not None and person.is_limited and verb in _ABOUT_OTHERS:
        return wording.NOT_LIMITED
    return refusal(tx, person, Deed.LOOK if verb in _LOOK_BUTTONS else Deed.TYPE, note.session_id)


def first_reached(tx: Transaction, person: Person | None, most: int) -> tuple[list[Session], int]:
    """The first of the sessions that live and they may know of, at most so many, and how many there are in all."""
    if person is None or not person.is_limited:
        return sessions.page(tx, limit=most), sessions.count_living(tx)
    there = reached(person, sessions.page(tx))
    return there[:most], len(there)


def reached(person: Person | None, there: Iterable[Session]) -> list[Session]:
    """Those of the sessions that they may know of."""
    return [session for session in there if person is None or person.reaches(session)]

"""Whether somebody who wanted something later still may, now that it is to be done."""

from router.domain.credentials import ApiKey, Role
from router.domain.deferral import Deferred, Owner, Task
from router.domain.identity import ROUTER, Caller
from router.domain.person import Deed, Person
from router.domain.session import SessionState
from router.domain.wording import answers
from router.domain.wording import deferrals as wording
from router.domain.wording import people as people_wording
from router.services.people import rights
from router.store import api_keys, people, sessions
from router.store.database import Transaction

_MAY = frozenset({Role.ADMIN, Role.OPERATOR, Role.ADAPTER})


def lost(tx: Transaction, wanted: Deferred, now: float) -> str:
    """Why they may not any more, for people to read; empty where they may, as for writing into that session now."""
    owner = wanted.owner
    if owner.key_id:
        return _of_key(tx, wanted, _key(tx, owner), now)
    if owner.is_session:
        return _of_session(tx, wanted)
    if not owner.person_id:
        return ""
    person = people.find(tx, owner.person_id)
    if person is None or not _is_let_in(tx, wanted):
        return wording.NOT_LET_IN
    return of_person(tx, person, wanted.task, wanted.session_id)


def of_person(tx: Transaction, person: Person | None, task: Task, session_id: str) -> str:
    """Why a person may not want this, for them to read; empty where they may."""
    if task is Task.START and person is not None and person.is_limited:
        return people_wording.NOT_LIMITED
    return rights.refusal(tx, person, Deed.LOOK if task in (Task.REMINDER, Task.SUMMARY) else Deed.TYPE, session_id)


def caller(tx: Transaction, wanted: Deferred) -> Caller:
    """As whom it is done: the router, for them, and within what they reach."""
    owner, actor = wanted.owner, wanted.origin.actor or wanted.origin.source
    key = _key(tx, owner) if owner.key_id else None
    person = people.find(tx, owner.person_id) if owner.person_id else None
    reached = key or person
    return (
        Caller(ROUTER.identity, claimed=actor, scope=reached.scope)
        if reached
        else Caller(ROUTER.identity, claimed=actor)
    )


def _key(tx: Transaction, owner: Owner) -> ApiKey | None:
    return next((key for key in api_keys.page(tx) if key.key_id == owner.key_id), None)


def _of_key(tx: Transaction, wanted: Deferred, key: ApiKey | None, now: float) -> str:
    if key is None or key.revoked or key.is_over(now) or key.role not in _MAY:
        return wording.KEY_OVER
    session = sessions.find(tx, wanted.session_id) if wanted.session_id and key.scope.is_limited else None
    return wording.KEY_OVER if session is not None and not key.scope.has(session) else ""


def _of_session(tx: Transaction, wanted: Deferred) -> str:
    session = sessions.find(tx, wanted.session_id)
    if session is None or session.state is SessionState.ENDED:
        return answers.SESSION_IS_OVER
    return wording.RESTARTED if session.generation != wanted.generation else ""


def _is_let_in(tx: Transaction, wanted: Deferred) -> bool:
    """Whether they may write where they asked for it; of a browser, which may be closed by now, they need not."""
    chat, user_id = wanted.origin.chat, wanted.owner.user_id
    if chat is None or not user_id:
        return True
    paired = people.paired(tx, type(chat)(chat.transport, chat.chat_id), user_id)
    return paired is not None and paired.person_id == wanted.owner.person_id

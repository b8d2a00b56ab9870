"""What somebody whose scope is limited may name and see. What is outside is answered as what is not there."""

from collections.abc import Iterable
from sqlite3 import Connection

from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.scope import Scope
from router.domain.session import Session
from router.store import sessions
from router.store.database import Transaction


def check(on: Connection | Transaction, scope: Scope, session_id: str, unknown: Refusal) -> None:
    """Raise that, which is what is told of things that are not there, where it is about a session outside, or none."""
    if scope.is_limited:
        session = sessions.find(on, session_id) if session_id else None
        if session is None or not scope.has(session):
            raise unknown


def check_new(scope: Scope, session: Session) -> None:
    """Raise Refusal where somebody would make a session that they do not reach."""
    if not scope.has(session):
        text = f"{session.name} on {session.machine_id} would be outside of what this key is limited to."
        raise Refusal(Reason.OUT_OF_SCOPE, text)


def machines_in(on: Connection | Transaction, scope: Scope, there: Iterable[Machine]) -> list[Machine]:
    """Those of the machines that it knows of; where it names sessions alone, those that have one of these."""
    if scope.machines or not scope.sessions:
        return [each for each in there if scope.has_machine(each.machine_id)]
    owners = {each.machine_id for each in sessions.everyone(on) if scope.has(each)}
    return [each for each in there if each.machine_id in owners]

"""Keeps the checks of sessions that were begun on GitHub as the sessions are, and on the newest commit.

The router tells which sessions these are and what they do. So a question that waits for weeks moves on with each push,
by whatever process runs then; and what nobody told the end of is ended.
"""

import logging
from collections.abc import Callable, Iterable

from pointsman.client.errors import RouterError
from pointsman.client.records import Session, SessionState
from webhook_adapter.clock import Clock
from webhook_adapter.transports.github.outbound.checks import Checks, Subject
from webhook_adapter.transports.github.outbound.comments import where
from webhook_adapter.transports.github.outbound.http import GitHubError
from webhook_adapter.transports.transport import ChatRef

logger = logging.getLogger(__name__)

LOOK_S = 15.0
_AT_REST_S = 60.0  # between two looks at what does nothing
_STATES = frozenset({SessionState.BUSY, SessionState.STARTING})


class CheckWatch:
    """Of one App."""

    def __init__(self, checks: Checks, sessions: Callable[[], Iterable[Session]], clock: Clock) -> None:
        """`sessions` raises RouterError."""
        self._checks, self._sessions, self._clock = checks, sessions, clock
        self._next: dict[Subject, float] = {}
        self._over: set[Subject] = set()

    def look(self) -> None:
        """Look at each session whose turn it is."""
        try:
            sessions = list(self._sessions())
        except RouterError as error:
            logger.info("sessions are not told, checks stay as they are: %s", error.message)
            return
        found = {subject: each for each in sessions for subject in _subjects(each)}
        self._over &= found.keys()
        self._next = {subject: at for subject, at in self._next.items() if subject in found}
        for subject, session in found.items():
            if subject not in self._over and self._next.get(subject, 0.0) <= self._clock.monotonic():
                self._look_at(subject, session)

    def _look_at(self, subject: Subject, session: Session) -> None:
        works = session.state in _STATES
        self._next[subject] = self._clock.monotonic() + (LOOK_S if works else _AT_REST_S)
        try:
            if works:
                self._checks.working(subject)
            elif session.state is SessionState.ENDED:
                self._checks.ended(subject, "neutral")
                self._over.add(subject)
            elif session.state is SessionState.IDLE:
                self._checks.ended(subject, "success")
            else:
                self._checks.follow(subject)
        except GitHubError as error:
            logger.info("check not kept chat=%s session=%s: %s", subject.chat_id, subject.session_id, error)


def _subjects(session: Session) -> list[Subject]:
    chats = (each for each in session.home if each.transport == "github")
    places = (where(ChatRef(each.chat_id)) for each in chats)
    return [Subject(there, session.session_id) for there in places if there]

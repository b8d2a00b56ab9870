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
from webhook_adapter.transports.github.outbound.http import ApiRefused, GitHubError
from webhook_adapter.transports.transport import ChatRef

logger = logging.getLogger(__name__)

LOOK_S = 15.0
_AT_REST_S = 60.0  # between two looks at what does nothing
_NOT_KEPT = "check not kept chat=%s session=%s: %s"
_STATES = frozenset({SessionState.BUSY, SessionState.STARTING})


class CheckWatch:
    """Of one App."""

    def __init__(self, checks: Checks, sessions: Callable[[bool], Iterable[Session]], clock: Clock) -> None:
        """`sessions` tells them, by wish with those that have ended; it raises RouterError."""
        self._checks, self._sessions, self._clock = checks, sessions, clock
        self._next: dict[Subject, float] = {}  # when those are looked at again that have not ended
        self._ending: set[Subject] = set()
        self._is_first = self._is_told = True

    def look(self) -> None:
        """Look at each session whose turn it is."""
        try:
            # With those that ended while nobody looked; from then on whoever is missing has ended.
            sessions = list(self._sessions(self._is_first))
        except RouterError as error:
            if self._is_told:
                logger.info("sessions are not told, checks stay as they are: %s", error.message)
            self._is_told = False
            return
        self._is_first, self._is_told = False, True
        found = {subject: each.state for each in sessions for subject in _subjects(each)}
        over = {subject for subject, state in found.items() if state is SessionState.ENDED}
        self._ending |= over | (self._next.keys() - found.keys())
        self._next = {subject: at for subject, at in self._next.items() if subject in found and subject not in over}
        for subject, state in found.items():
            if subject not in over and self._next.get(subject, 0.0) <= self._clock.monotonic():
                self._look_at(subject, state)
        self._ending = {subject for subject in self._ending if not self._ended(subject, "neutral")}

    def _look_at(self, subject: Subject, state: SessionState) -> None:
        works = state in _STATES
        self._next[subject] = self._clock.monotonic() + (LOOK_S if works else _AT_REST_S)
        if state is SessionState.IDLE:
            self._ended(subject, "success")
            return
        try:
            if works:
                self._checks.working(subject)
            else:
                self._checks.follow(subject)
        except GitHubError as error:
            logger.info(_NOT_KEPT, subject.chat_id, subject.session_id, error)

    def _ended(self, subject: Subject, conclusion: str) -> bool:
        """Whether it is shown to be over, or has nothing that could."""
        try:
            self._checks.ended(subject, conclusion)
        except GitHubError as error:
            logger.info(_NOT_KEPT, subject.chat_id, subject.session_id, error)
            # What GitHub does not show any more is not asked for again.
            return isinstance(error, ApiRefused) and error.after is None and error.status < 500
        return True


def _subjects(session: Session) -> list[Subject]:
    chats = (each for each in session.home if each.transport == "github")
    places = (where(ChatRef(each.chat_id)) for each in chats)
    return [Subject(there, session.session_id) for there in places if there]

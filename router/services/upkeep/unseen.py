"""Sessions of which nothing was seen for a month: they end, and their people are told.

Seen is what was registered or started, said or asked something, was typed into, or was named by its machine in hello,
which comes once an hour.
"""

import logging
from dataclasses import dataclass

from router.clock import Clock
from router.domain.errors import Refusal
from router.domain.session import Session
from router.domain.wording import alerts
from router.services.outbox.notifications import Notifications
from router.services.sessions import SessionService
from router.store import sessions
from router.store.database import Transaction

logger = logging.getLogger(__name__)
LOOK_EVERY = 3600.0  # seconds
MOST = 100  # in a transaction


@dataclass(frozen=True, slots=True)
class Unseen:
    """Ends them. Each end is in one transaction with its notification, and happens once."""

    _sessions: SessionService
    _notifications: Notifications
    _clock: Clock

    def end(self, tx: Transaction) -> bool:
        """End some of those that were not seen for too long. Whether there may be more."""
        found = sessions.unseen(tx, self._clock.now(), MOST)
        for session in found:
            self._tell(tx, session)  # before its end, which closes the topic that this is said in
            self._sessions.unregister(tx, session.session_id, "router")
        return len(found) == MOST

    def _tell(self, tx: Transaction, session: Session) -> None:
        try:
            self._notifications.send(tx, session.session_id, alerts.UNSEEN, (), (), "router")
        except Refusal as refusal:  # no chat wants notifications: its end is in the trace
            logger.warning("nobody is told that a session has ended: %s", refusal.text)

"""Noes at the door that the audit tells of: one entry and one line in the log for each kind and identity, then a count.

Whoever is refused must not fill the disk by it, nor the log.
"""

import asyncio
import logging
from dataclasses import dataclass

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.errors import Reason, Refusal
from router.domain.identity import Caller, Identity, IdentityKind
from router.store import audit
from router.store.database import Database, Transaction

logger = logging.getLogger(__name__)
WINDOW = 60.0  # seconds in which more of the same is only counted
OF_ACCESS = frozenset({
    Reason.UNAUTHENTICATED, Reason.PERMISSION_DENIED, Reason.MACHINE_REVOKED, Reason.JOIN_TOKEN_INVALID,
    Reason.CLOCK_SKEW, Reason.SESSION_OWNED_ELSEWHERE, Reason.PAIRING_CODE_INVALID, Reason.KEY_EXPIRED,
    Reason.TOO_MANY_WRONG_KEYS, Reason.WORKER_EXPIRED, Reason.WORKER_SESSION_OVER, Reason.WORKER_OTHER_SESSION,
    Reason.WORKER_MAY_NOT, Reason.OUT_OF_SCOPE, Reason.KEY_REPLACED,
    Reason.QUOTA_SESSIONS, Reason.QUOTA_FILES, Reason.QUOTA_MESSAGES, Reason.TOO_MANY_CALLS,
})  # fmt: skip


@dataclass(slots=True)
class _Told:
    since: float  # monotonic
    left_out: int = 0


class Refusals:
    """Remembers what was told of late: at most one thing for each reason and each key or machine there is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._told: dict[tuple[Reason, Identity], _Told] = {}

    def note(self, refusal: Refusal, caller: Caller, method: str) -> None:
        """Tell of one, or count it. On the event loop; the caller's answer does not wait for it."""
        kind, now = (refusal.reason, caller.identity), self._clock.monotonic()
        if kind in self._told:
            self._told[kind].left_out += 1
            return
        self._told[kind] = _Told(now)
        what, who = method.rpartition(".")[2], str(caller.identity)
        logger.warning(
            "refused %s, who called %s from %s: %s; more of this is counted for a minute",
            who, what, caller.peer, refusal.reason.name, extra={"event": "refused"},
        )  # fmt: skip
        written = self._database.write(
            lambda tx: audit.record(
                tx, self._clock.now(), AuditEvent.REFUSED, caller, subject=what, detail=refusal.reason.name
            ),
            lazy=True,
        )
        written.add_done_callback(_looked_at)

    def of_machine(self, tx: Transaction, machine_id: str, refusal: Refusal) -> None:
        """Tell of what a machine said on its link and may not, once its transaction is on disk."""
        if refusal.reason in OF_ACCESS:
            who = Caller(Identity(IdentityKind.MACHINE, machine_id))
            tx.after_commit(lambda: self.note(refusal, who, "AgentLink/Connect"))

    def count(self, tx: Transaction) -> None:
        """Tell how many were left out of windows that are over."""
        over = self._clock.monotonic() - WINDOW
        for (reason, identity), told in [each for each in self._told.items() if each[1].since <= over]:
            tx.pop(self._told, (reason, identity))
            if told.left_out:
                detail = f"{reason.name}: {told.left_out} more in the same minute"
                audit.record(tx, self._clock.now(), AuditEvent.REFUSED, Caller(identity), detail=detail)
                # Once it is on disk: a group that is undone would tell it twice.
                tx.after_commit(lambda who=identity, what=detail: logger.warning("refused %s, %s", who, what))  # type: ignore[misc]


def _looked_at(written: "asyncio.Future[None]") -> None:
    if not written.cancelled() and (error := written.exception()):
        logger.warning("a refusal is missing in the audit: %s", error)

"""Several short messages of a session that go out as one."""

from collections.abc import Sequence

from router.clock import moment
from router.domain import digest
from router.domain.notification import Kind, Notification
from router.store import notifications, sessions
from router.store.database import Transaction


def others(tx: Transaction, head: Notification) -> list[Notification]:
    """Those that go out together with the head of a chat's queue; mostly none."""
    if head.kind is Kind.PROGRESS:
        return digest.members(notifications.like(tx, head, digest.MOST))[1:]
    return digest.ends(notifications.like(tx, head, digest.MOST_ENDS))[1:] if digest.is_end(head) else []


def together(tx: Transaction, run: Sequence[Notification], now: float) -> Notification:
    """What is shown of them."""
    session = sessions.find(tx, run[0].session_id)
    name = session.name if session else run[0].session_id
    if run[0].kind is Kind.STATUS:
        return digest.end_line(run, name)
    return digest.digest(run, name, moment(run[0].created_at, now))


def words(first: Notification) -> tuple[str, str]:
    """How the steps of what goes out together tell of it: those of the first, those of the others."""
    return ("together with", "together with") if first.kind is Kind.STATUS else ("digest with", "in the digest")

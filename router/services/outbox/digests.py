"""Several short messages that go out as one: of a session, or ends of turns of several."""

from collections.abc import Sequence

from router.clock import moment
from router.domain import digest
from router.domain.notification import Kind, Notification
from router.services.outbox import bundles
from router.store import notifications, sessions
from router.store.database import Transaction


def others(tx: Transaction, head: Notification, now: float) -> list[Notification]:
    """Those that go out together with the head of a chat's queue; mostly none."""
    if head.kind is Kind.PROGRESS:
        waiting = notifications.like(tx, head, digest.MOST)
        bundle = digest.bundle(waiting)[1:] if bundles.may_bundle(tx, head, now) else []
        return bundle or digest.members(waiting)[1:]
    return digest.ends(notifications.like(tx, head, digest.MOST_ENDS))[1:] if digest.is_end(head) else []


def together(tx: Transaction, run: Sequence[Notification], now: float) -> Notification:
    """What is shown of them."""
    if len(run) == 1:
        return run[0]
    if digest.is_bundle(run):
        return digest.bundled(run, bundles.names(tx, run))
    session = sessions.find(tx, run[0].session_id)
    name = session.name if session else run[0].session_id
    if run[0].kind is Kind.STATUS:
        return digest.end_line(run, name)
    return digest.digest(run, name, moment(run[0].created_at, now))


def about(run: Sequence[Notification]) -> str:
    """The session that a reply to what was shown of them is for; empty where it must be asked for."""
    return "" if digest.is_bundle(run) else run[0].session_id


def words(run: Sequence[Notification]) -> tuple[str, str]:
    """How the steps of what goes out together tell of it: those of the first, those of the others."""
    if digest.is_bundle(run):
        return "bundled with", "in the bundle"
    return ("together with", "together with") if run[0].kind is Kind.STATUS else ("digest with", "in the digest")

"""Where and how loud a message comes, decided when it is leased: what a chat asked for meanwhile counts."""

from dataclasses import dataclass

from router.clock import time_of_day
from router.domain import quiet
from router.domain.notification import Kind, Notification
from router.store import chats, session_topics
from router.store.database import Transaction

_OF_SESSION = frozenset({Kind.PROGRESS, Kind.QUESTION})


@dataclass(frozen=True, slots=True)
class Placement:
    """The topic (`own_topic`: the session's, to be made where thread_id is empty or gone), and whether it is silent."""

    thread_id: str
    own_topic: bool
    silent: bool


def placement(tx: Transaction, notification: Notification, now: float) -> Placement:
    """Where a message goes that is leased now (seconds since the epoch)."""
    chat, settings = notification.chat, chats.settings(tx, notification.chat)
    asks = notification.kind is Kind.QUESTION  # somebody's work stands still until it is answered
    silent = bool(settings.quiet) and not asks and quiet.covers(settings.quiet, time_of_day(now))
    if not notification.session_id or notification.kind not in _OF_SESSION:
        return Placement(chat.thread_id, own_topic=False, silent=silent)
    topic = session_topics.find(tx, chat, notification.session_id)
    silent = silent or (topic.muted and not asks)
    # Said in a topic already, or topics are off: it stays where it was asked for.
    if chat.thread_id or not settings.has_topics:
        return Placement(chat.thread_id, own_topic=False, silent=silent)
    return Placement(topic.thread_id, own_topic=True, silent=silent)

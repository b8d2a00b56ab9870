"""Where and how loud a message comes, decided when it is leased: what a chat asked for meanwhile counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.clock import time_of_day
from router.domain import quiet
from router.domain.command import ChatRef
from router.domain.notification import Kind, Notification
from router.domain.subscription import PUSH
from router.services.links import desk
from router.store import chats, permissions, session_topics
from router.store.database import Transaction

_OF_SESSION = frozenset({Kind.PROGRESS, Kind.QUESTION, Kind.WORK})


@dataclass(frozen=True, slots=True)
class Placement:
    """The topic (`own_topic`: the session's, to be made where thread_id is empty or gone), and whether it is silent."""

    thread_id: str
    own_topic: bool
    silent: bool


def placement(tx: Transaction, notification: Notification, now: float) -> Placement:
    """Where a message goes that is leased now (seconds since the epoch)."""
    chat = notification.chat
    silent = makes_no_sound(tx, chat, notification, now) or (chat.transport == PUSH and _is_over(tx, notification))
    # Said in a topic already, or topics are off: it stays where it was asked for.
    if not _is_of_session(notification) or chat.thread_id or not chats.settings(tx, chat).has_topics:
        return Placement(chat.thread_id, own_topic=False, silent=silent)
    topic = session_topics.find(tx, chat, notification.session_id)
    return Placement(topic.thread_id, own_topic=True, silent=silent)


def placed_together(tx: Transaction, run: Sequence[Notification], now: float) -> Placement:
    """Where what goes out as one goes: it makes a sound where one of them would."""
    first, *others = run
    where = placement(tx, first, now)
    return replace(where, silent=where.silent and all(placement(tx, each, now).silent for each in others))


def makes_no_sound(tx: Transaction, chat: ChatRef, notification: Notification, now: float) -> bool:
    """Whether a chat wants a message without a sound now: in quiet hours, of a session that is muted or typed at."""
    if notification.kind is Kind.QUESTION and permissions.takes_replies(tx, notification):
        return False  # somebody's work stands still until it is answered
    if notification.kind is Kind.WORK:  # to read along: what is worth a sound comes by itself
        return True
    if notification.session_id and desk.is_busy(tx, notification.session_id, now):
        return True
    if (hours := chats.settings(tx, chat).quiet) and quiet.covers(hours, time_of_day(now)):
        return True
    return _is_of_session(notification) and session_topics.find(tx, chat, notification.session_id).is_silent(now)


def _is_over(tx: Transaction, notification: Notification) -> bool:
    """Whether it shows a question that was answered meanwhile: pushed all the same, as it may stand on a screen."""
    asked = permissions.find(tx, notification.permission_id) if notification.permission_id else None
    return asked is not None and not asked.is_open


def _is_of_session(notification: Notification) -> bool:
    return bool(notification.session_id) and notification.kind in _OF_SESSION

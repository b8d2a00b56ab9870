"""Of a question that is told in several places, one in place of another, which need not be brought any more."""

from router.domain.escalation import Telling
from router.domain.notification import Kind, Notification, NotificationState
from router.domain.wording import escalations as wording
from router.store import escalations, notifications, permissions
from router.store.database import Transaction


def why_not(tx: Transaction, notification: Notification) -> str:
    """Why a question need not be brought: it was shown elsewhere in its place. Empty where it must."""
    if notification.kind is not Kind.QUESTION:
        return ""
    if notification.edits:
        changed = notifications.find(tx, notification.edits)
        return wording.NEVER_SHOWN if changed is not None and changed.detail == wording.STOOD_IN else ""
    if _is_over_here(tx, notification):
        return wording.ENDED_HERE
    tellings = escalations.by(tx, notification.notification_id)
    return wording.STOOD_IN if tellings and all(_is_shown_elsewhere(tx, each) for each in tellings) else ""


def is_shown(note: Notification) -> bool:
    """Whether people can see it."""
    return note.state is NotificationState.DELIVERED and bool(note.message_ids)


def _is_over_here(tx: Transaction, notification: Notification) -> bool:
    """Whether it would remind of a question that is over, in a chat where another message says so."""
    asked = permissions.find(tx, notification.permission_id)
    if asked is None or asked.is_open:
        return False
    there = notifications.showing(tx, notification.permission_id)
    return any(is_shown(each) and each.chat.chat_id == notification.chat.chat_id for each in there)


def _is_shown_elsewhere(tx: Transaction, known: Telling) -> bool:
    """What was told at the same moment is meant to be shown in both; what stood in, or came later, in its place."""
    theirs = [each for each in escalations.told(tx, known.permission_id) if each.person_id == known.person_id]
    instead = [
        each for each in theirs if each.turn > known.turn or (each.turn < known.turn and each.round == known.round)
    ]
    found = (notifications.find(tx, each.notification_id) for each in instead)
    return any(note is not None and is_shown(note) for note in found)

"""A notification's life: everything that affects its state lives here.

QUEUED ─▶ SENT (leased to one courier) ─▶ DELIVERED | REFUSED
  ▲         │
  └─────────┘ Returned: lease over, courier gone, or "not now"
QUEUED, SENT ─▶ DEAD after a day, or set aside (trouble.py)
QUEUED ─▶ DELIVERED without being brought, where people know it already (Spared)
"""

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from router.domain.command import ChatRef, CommandState
from router.domain.errors import IllegalTransition

MAX_AGE = 24 * 3600.0  # seconds
LEASE = 120.0  # seconds; longer than any platform call with its retries
MAX_BUTTONS = 8
MAX_FILES = 10
MAX_ACTION_BYTES = 43  # "cmd:" + 16 characters of token + ":" leave so many of Telegram's 64


class NotificationState(Enum):
    """Where a notification stands."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DEAD = "dead"

    @property
    def live(self) -> bool:
        return self in (NotificationState.QUEUED, NotificationState.SENT)


class Kind(Enum):
    """What kind of message; the value is its priority in a chat's queue."""

    QUESTION = 1
    ANSWER = 2
    STATUS = 3
    PROGRESS = 4
    WORK = 5  # lent to couriers beside the queue, and kept nowhere


class Button(Struct, frozen=True):
    """A choice under a message."""

    label: str
    action: str


class File(Struct, frozen=True):
    """A file that comes with a message. Its id names its parts in the router's database."""

    file_id: str
    name: str
    size: int  # bytes


class Notification(Struct, frozen=True):
    """One message to one chat. Times are seconds since the epoch by the router's steady clock."""

    notification_id: str
    session_id: str
    chat: ChatRef  # message_id: the message it answers
    kind: Kind
    text: str
    token: str
    created_at: float
    buttons: tuple[Button, ...] = ()
    state: NotificationState = NotificationState.QUEUED
    detail: str = ""
    attempt: int = 0
    message_ids: tuple[str, ...] = ()
    edits: str = ""  # the notification whose messages this one changes
    command_id: str = ""  # of a status message
    command_state: CommandState | None = None
    delivered_at: float | None = None
    pressed: str = ""  # the label of the button that was pressed; it counts once
    as_mark: bool = False  # a mark on the answered message says it, where the platform has marks
    closes_topic: bool = False  # the last message of its session's topic
    permission_id: str = ""  # the permission question it shows
    files: tuple[File, ...] = ()
    copy_of: str = ""  # the first of those that bring one message to several chats
    sender: str = ""  # whose quota it counts against
    is_markdown: bool = False
    ends_turn: bool = False  # the last words of a session's turn


class Leased(Struct, frozen=True):
    """Given to a courier."""


class Returned(Struct, frozen=True):
    """Not delivered this time."""

    detail: str = ""


class Delivered(Struct, frozen=True):
    """The platform took it. `detail`: what is missing all the same."""

    message_ids: tuple[str, ...]
    detail: str = ""


class Refused(Struct, frozen=True):
    """The platform refused it for good."""

    detail: str


class GivenUp(Struct, frozen=True):
    """A day has passed."""


class SetAside(Struct, frozen=True):
    """It failed while the platform took others, and is not tried again."""

    detail: str


class Spared(Struct, frozen=True):
    """Nobody needs it there any more; why."""

    detail: str


Event = Leased | Returned | Delivered | Refused | GivenUp | SetAside | Spared

_QUEUED, _SENT = frozenset({NotificationState.QUEUED}), frozenset({NotificationState.SENT})
SOURCES: dict[type[Event], frozenset[NotificationState]] = {
    Leased: _QUEUED,
    Returned: _SENT,
    Delivered: _SENT,
    Refused: _SENT,
    GivenUp: _QUEUED | _SENT,
    SetAside: _QUEUED | _SENT,
    Spared: _QUEUED,
}


def apply(notification: Notification, event: Event, now: float) -> Notification:
    """The notification after an event. Raises IllegalTransition where the table has no such row."""
    if notification.state not in SOURCES[type(event)]:
        raise IllegalTransition(f"{type(event).__name__} in state {notification.state.name}")
    match event:
        case Leased():
            return replace(notification, state=NotificationState.SENT, attempt=notification.attempt + 1)
        case Returned(detail):
            return replace(notification, state=NotificationState.QUEUED, detail=detail)
        case Delivered(ids, detail):
            return replace(
                notification, state=NotificationState.DELIVERED, message_ids=ids, delivered_at=now,
                detail=detail or notification.detail,
            )  # fmt: skip
        case Spared(detail):
            return replace(notification, state=NotificationState.DELIVERED, detail=detail)
        case Refused(detail):
            return replace(notification, state=NotificationState.REFUSED, detail=detail)
        case SetAside(detail):
            return replace(notification, state=NotificationState.DEAD, detail=detail)
        case GivenUp():
            return replace(notification, state=NotificationState.DEAD)


def change_of(
    shown: Notification,
    notification_id: str,
    text: str,
    now: float,
    buttons: tuple[Button, ...] = (),
    token: str = "",
) -> Notification:
    """What lets the messages of an earlier notification say something else, in its place and with its urgency."""
    return replace(
        shown, notification_id=notification_id, text=text, token=token, buttons=buttons, edits=shown.notification_id,
        created_at=now, state=NotificationState.QUEUED, attempt=0, message_ids=(), detail="", delivered_at=None,
    )  # fmt: skip

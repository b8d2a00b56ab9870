"""Notifications on disk: the outbox."""

import json
import sqlite3
from collections.abc import Collection

from msgspec.structs import replace
from peewee import Select, fn

from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.notification import Event, Kind, Notification, NotificationState, apply
from router.store import notification_record
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Statement, all_given, given, listed
from router.store.tables import Notification as Row
from router.store.tables import Permission
from router.store.tables.notifications import MISSED, QUEUED, SENT
from router.store.tables.sessions import OPEN
from router.store.trace import TraceStep, record
from router.store.upkeep import counting, purging_oldest, shifting


def _of_chat(chat: ChatRef) -> tuple[str, ...]:
    return chat.transport, chat.chat_id, chat.thread_id, chat.message_id


CHAT = Part([Row.transport, Row.chat_id, Row.thread_id, Row.reply_to], ChatRef, _of_chat)
_NOTIFICATIONS = Mapper(Row, Notification, chat=CHAT)
_ALL = _NOTIFICATIONS.select()
_THIS = Row.notification_id == given.notification_id
_OF_TRANSPORT = Row.transport == given.transport
_OF_CHAT = _OF_TRANSPORT & (Row.chat_id == given.chat_id)
_IS_MESSAGE = Row.edits == ""  # the others change one
_OTHER = Row.alias()
NEAR = 5000  # positions of the outbox
_PLACE = _OTHER.select(_OTHER.position).where(_OTHER.notification_id == given.notification_id)

_INSERT = _NOTIFICATIONS.writes(_NOTIFICATIONS.insert())
# What became of it: its words never change once somebody may have seen them.
_OUTCOME = Row.state, Row.detail, Row.attempt, Row.message_ids, Row.delivered_at
_CHANGE = _NOTIFICATIONS.writes(Row.update(all_given(_OUTCOME)).where(_THIS))
_WORDS = Row.text, Row.buttons, Row.token, Row.command_state, Row.as_mark
# One that is leased may be on its way with the old words.
_REWRITE = _NOTIFICATIONS.writes(Row.update(all_given(_WORDS)).where(_THIS & QUEUED))
_MOVE = Statement(Row.update({Row.chat_id: given.new}).where(_OF_TRANSPORT & (Row.chat_id == given.old)))
_PRESS = Statement(Row.update({Row.pressed: given.label}).where(_THIS))

# That what is looked for is not empty stands here and below for the partial indexes alone.
_FIND = _NOTIFICATIONS.reads(_ALL.where(_THIS))
_BY_TOKEN = _NOTIFICATIONS.reads(_ALL.where((Row.token == given.token) & (Row.token != "") & _OF_CHAT))
_NEWEST_STATUS_MESSAGE = _NOTIFICATIONS.reads(
    _ALL.where((Row.command_id == given.command_id) & (Row.command_id != "")).order_by(Row.position.desc()).limit(1)
)
_COPIES = _NOTIFICATIONS.reads(
    _ALL.where((_THIS | ((Row.copy_of == given.notification_id) & (Row.copy_of != ""))) & _IS_MESSAGE)
)
_QUEUED_CHANGE = _NOTIFICATIONS.reads(
    _ALL.where(QUEUED & _OF_CHAT & (Row.kind == given.kind) & (Row.edits == given.notification_id))
)
_SHOWING = _NOTIFICATIONS.reads(
    _ALL.where((Row.permission_id == given.permission_id) & (Row.permission_id != "") & _IS_MESSAGE)
)
_AT = _NOTIFICATIONS.reads(_ALL.where(Row.position == given.position))
# A change would come before what it changes.
_IN_THE_WAY = fn.EXISTS(
    _OTHER.select(_OTHER.position).where(
        (_OTHER.notification_id == Row.edits) & _OTHER.state.in_([NotificationState.QUEUED, NotificationState.SENT])
    )
)
_FIRST = _NOTIFICATIONS.reads(
    _ALL.where(
        QUEUED & _OF_CHAT & (Row.kind == given.kind) & Row.notification_id.not_in(listed(given.without))
        & ((Row.edits != "") | (given.changes_only == 0)) & ~_IN_THE_WAY
    ).order_by(Row.position).limit(1)
)  # fmt: skip
_LIKE = _NOTIFICATIONS.reads(
    _ALL.where(QUEUED & _OF_CHAT & (Row.kind == given.kind) & (Row.position >= _PLACE))
    .order_by(Row.position)
    .limit(given.limit)
)
# Members of what went out together stand close behind its first.
_TOGETHER = _NOTIFICATIONS.reads(
    _ALL.where(
        (Row.position >= _PLACE)
        & (Row.position < fn.IFNULL(_PLACE, 0) + NEAR)
        & _OF_CHAT
        & (Row.message_ids == given.message_ids)
    ).order_by(Row.position)
)
_QUEUED_FOR = _NOTIFICATIONS.reads(_ALL.where(QUEUED & _OF_CHAT))
_ANY_QUEUED = Statement(Row.select(Row.position).where(QUEUED & _OF_CHAT).limit(1))
_WAITING = Statement(
    Row.select(fn.COUNT(Row.position)).where((Row.sender == given.sender) & QUEUED & (Row.sender != ""))
)
_WAITING_OF_EACH = Statement(
    Row.select(Row.sender, fn.COUNT(Row.position)).where(QUEUED & (Row.sender != "")).group_by(Row.sender)
)
# All platforms: after a start nothing is leased any more.
_LEASED = _NOTIFICATIONS.reads(_ALL.where(SENT & ((given.transport == "") | _OF_TRANSPORT)))
# These can still be answered, however old.
_OPEN_QUESTIONS = Permission.select(Permission.permission_id).where(OPEN)
_EXPIRED = _NOTIFICATIONS.reads(
    _ALL.where(QUEUED & (Row.created_at <= given.before) & Row.permission_id.not_in(_OPEN_QUESTIONS)).limit(given.limit)
)
_NEWEST_MISSED = _ALL.where(MISSED).order_by(Row.position.desc()).limit(given.limit)
_DEAD = _NOTIFICATIONS.reads(_NEWEST_MISSED)
_DEAD_WITHIN = _NOTIFICATIONS.reads(_NEWEST_MISSED.where(Row.session_id.in_(listed(given.within))))

_OVER = Row.state.in_([state for state in NotificationState if not state.live])

shift = shifting(Row.created_at, QUEUED, SENT)  # given up when it is a day old
purge = purging_oldest(Row.position, Row.created_at, _OVER)
stats = counting(Row.state, [QUEUED, SENT], given_up=MISSED)


def _heads() -> Statement:
    """From chat to chat through the index of what is queued: the next chat is the first behind the one before."""
    queued = (_OTHER.transport == given.transport) & (_OTHER.state == NotificationState.QUEUED)
    chat_after = _OTHER.select(fn.MIN(_OTHER.chat_id))
    waiting = chat_after.where(queued).cte("waiting", recursive=True, columns=(Row.chat_id.name,))
    chat = waiting.c[Row.chat_id.name]
    step = Select([waiting], [chat_after.where(queued & (_OTHER.chat_id > chat))]).where(chat.is_null(is_null=False))
    head = _OTHER.select(_OTHER.position).where(queued & (_OTHER.chat_id == chat))
    head = head.order_by(_OTHER.kind, _OTHER.position).limit(1)
    waiting = waiting.union_all(step)
    heads = Row.select(Row.chat_id, Row.position).where(Row.position.in_(Select([waiting], [head])))
    return Statement(heads.order_by(Row.kind, Row.position).with_cte(waiting))


_HEADS = _heads()


def insert(tx: Transaction, notification: Notification, actor: str) -> None:
    """Write a new notification and its first step."""
    if notification_record.is_plain(notification):
        notification_record.write(tx, notification)
    else:
        _INSERT.one(tx, notification)
    chat = notification.chat
    detail = f"{chat.transport} {chat.chat_id}" + (f" for {notification.command_id}" if notification.command_id else "")
    step = TraceStep(
        notification.created_at, notification.notification_id, notification.session_id, "Accepted", "",
        NotificationState.QUEUED.value, actor, detail,
    )  # fmt: skip
    record(tx, [step])


def change(
    tx: Transaction, notification: Notification, event: Event, now: float, actor: str, about: str = ""
) -> Notification:
    """Apply one event and write the outcome; `about`: what its step tells instead of the attempt.

    Raises IllegalTransition where the table forbids it.
    """
    changed = apply(notification, event, now)
    _CHANGE.one(tx, changed)
    step = TraceStep(
        now, changed.notification_id, changed.session_id, type(event).__name__, notification.state.value,
        changed.state.value, actor, about or changed.detail or f"attempt {changed.attempt}",
    )  # fmt: skip
    record(tx, [step])
    return changed


def move(tx: Transaction, old: ChatRef, new: ChatRef) -> None:
    """A chat has another id: what waits for it, and what its tokens name, is there."""
    _MOVE.run(tx, transport=old.transport, old=old.chat_id, new=new.chat_id)


def rewrite(tx: Transaction, queued: Notification, new: Notification) -> None:
    """Let a queued receipt say what a newer one says, before anyone has seen it."""
    _REWRITE.one(tx, replace(new, notification_id=queued.notification_id))


def press(tx: Transaction, notification: Notification, label: str) -> None:
    """One of its buttons was pressed: from now on none of them counts."""
    _PRESS.run(tx, label=label, notification_id=notification.notification_id)


def find(connection: sqlite3.Connection | Transaction, notification_id: str) -> Notification | None:
    """One notification, or None."""
    return _FIND.one(connection, notification_id=notification_id)


def get(connection: sqlite3.Connection | Transaction, notification_id: str) -> Notification:
    """One notification. Raises Refusal(NOT_FOUND)."""
    if (notification := find(connection, notification_id)) is None:
        raise unknown(notification_id)
    return notification


def unknown(notification_id: str) -> Refusal:
    """What is told of a notification that is not there."""
    return Refusal(Reason.NOT_FOUND, f"There is no notification {notification_id}.")


def by_token(tx: Transaction, chat: ChatRef, token: str) -> Notification | None:
    """The notification a token names in this chat; a token means nothing in another one."""
    return _BY_TOKEN.one(tx, token=token, transport=chat.transport, chat_id=chat.chat_id)


def newest_status_message(tx: Transaction, command_id: str) -> Notification | None:
    """The last receipt written for a command."""
    return _NEWEST_STATUS_MESSAGE.one(tx, command_id=command_id)


def copies(tx: Transaction, notification: Notification) -> list[Notification]:
    """The message in each of the chats it went to; without what changes one of them."""
    return _COPIES.all(tx, notification_id=notification.copy_of or notification.notification_id)


def queued_change(tx: Transaction, shown: Notification) -> Notification | None:
    """A change of a notification's messages that is still on its way."""
    chat, kind = shown.chat, shown.kind.value
    return _QUEUED_CHANGE.one(
        tx, transport=chat.transport, chat_id=chat.chat_id, kind=kind, notification_id=shown.notification_id
    )


def showing(tx: Transaction, permission_id: str) -> list[Notification]:
    """The messages that show a permission question, one for each chat; without the edits of them."""
    return _SHOWING.all(tx, permission_id=permission_id)


def heads(tx: Transaction, transport: str) -> list[tuple[str, int]]:
    """Each chat with something queued and the position of its next notification; the most urgent, then oldest, first.

    It jumps through the index from chat to chat: a long queue costs no more than a short one.
    """
    return _HEADS.run(tx, transport=transport).fetchall()


def at(tx: Transaction, position: int) -> Notification:
    """The notification at a position of the outbox."""
    if (found := _AT.one(tx, position=position)) is None:
        raise Refusal(Reason.NOT_FOUND, f"There is no notification at {position}.")
    return found


def first(
    tx: Transaction, transport: str, chat_id: str, kind: Kind, without: Collection[str], *, changes_only: bool
) -> Notification | None:
    """The oldest of a kind that is queued for a chat, without some, and without changes of what is not out yet."""
    return _FIRST.one(
        tx, transport=transport, chat_id=chat_id, kind=kind.value, without=json.dumps(list(without)),
        changes_only=changes_only,
    )  # fmt: skip


def like(tx: Transaction, head: Notification, limit: int) -> list[Notification]:
    """What is queued for a chat with the urgency of one of it: that one, then those behind it, in order."""
    chat, kind = head.chat, head.kind.value
    return _LIKE.all(
        tx, transport=chat.transport, chat_id=chat.chat_id, kind=kind, notification_id=head.notification_id, limit=limit
    )


def told_with(tx: Transaction, first: Notification) -> list[Notification]:
    """What came in the same message of a chat as the first of it, in order."""
    chat, ids = first.chat, json.dumps(first.message_ids)
    return _TOGETHER.all(
        tx, transport=chat.transport, chat_id=chat.chat_id, notification_id=first.notification_id, message_ids=ids
    )


def any_queued(tx: Transaction, chat: ChatRef) -> bool:
    """Whether anything waits for a chat."""
    return _ANY_QUEUED.value(tx, transport=chat.transport, chat_id=chat.chat_id) is not None


def queued_for(tx: Transaction, chat: ChatRef) -> list[Notification]:
    """What waits for a chat."""
    return _QUEUED_FOR.all(tx, transport=chat.transport, chat_id=chat.chat_id)


def waiting(tx: Transaction, sender: str) -> int:
    """How many messages of a sender are queued."""
    return int(_WAITING.value(tx, sender=sender))


def waiting_of_each(connection: sqlite3.Connection) -> dict[str, int]:
    """How many messages are queued, by sender."""
    return dict(_WAITING_OF_EACH.run(connection).fetchall())


def leased(tx: Transaction, transport: str) -> list[Notification]:
    """What is leased out of a platform's outbox; an empty name means every platform."""
    return _LEASED.all(tx, transport=transport)


def expired(tx: Transaction, before: float, limit: int = 500) -> list[Notification]:
    """Queued notifications written before a time; without questions that can still be answered, however old."""
    return _EXPIRED.all(tx, before=before, limit=limit)


def dead(connection: sqlite3.Connection, limit: int, within: list[str] | None = None) -> list[Notification]:
    """What people did not get, newest first; without changes of what they have. Of these sessions, where it is said."""
    query = _DEAD if within is None else _DEAD_WITHIN
    return query.all(connection, limit=limit, within=json.dumps(within))

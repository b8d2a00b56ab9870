"""Notifications on disk: the outbox."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

from router.domain.command import ChatRef, CommandState
from router.domain.errors import Reason, Refusal
from router.domain.notification import Button, Event, File, Kind, Notification, NotificationState, apply
from router.store.audit import TraceStep, record
from router.store.database import Transaction
from router.store.statements import Statement, given
from router.store.tables import Notification as Row
from router.store.upkeep import counting, purging, shifting

_COLUMNS = (
    "notification_id, session_id, transport, chat_id, thread_id, reply_to, kind, text, token, buttons, state, detail,"
    " attempt, message_ids, edits, command_id, command_state, created_at, delivered_at,"
    " pressed, as_mark, closes_topic, permission_id, files, copy_of"
)
_SELECT = f"SELECT {_COLUMNS} FROM notifications"
_SAID = "text != '' AND command_id = ''"  # as the index notifications_said has it
_LAST_OF_EACH = (
    f"SELECT (SELECT position FROM notifications WHERE session_id = sessions.session_id AND {_SAID} AND edits = ''"
    " ORDER BY position DESC LIMIT 1) FROM sessions"
)
_BEGINNING = (
    "substr(coalesce((SELECT text FROM notifications AS change WHERE session_id = notifications.session_id"
    f" AND position > notifications.position AND {_SAID} AND edits = notifications.notification_id"
    " ORDER BY position DESC LIMIT 1), text), 1, 500)"
)
_OPEN_QUESTIONS = (  # from the few open ones on, not through all of a session
    "SELECT shown.position FROM permissions CROSS JOIN notifications AS shown USING (permission_id)"
    " WHERE permissions.state = 'open' AND shown.permission_id != '' AND shown.edits = ''"
)
_INSERT = f"INSERT INTO notifications ({_COLUMNS}) VALUES ({','.join('?' * (_COLUMNS.count(',') + 1))})"

_LIVE = Row.state.in_(["queued", "sent"])

shift = shifting(Row.created_at, _LIVE)  # given up when it is a day old
purge = purging(Row, Row.state.in_(["delivered", "refused", "dead"]) & (Row.created_at < given.before))
stats = counting(Row.state, live=_LIVE, given_up=(Row.state == "dead") & (Row.edits == ""))

_MOVE = Statement(
    Row.update({Row.chat_id: given.new}).where((Row.transport == given.transport) & (Row.chat_id == given.old))
)


def insert(tx: Transaction, notification: Notification, actor: str) -> None:
    """Write a new notification and its first step."""
    tx.execute(_INSERT, _row(notification))
    chat = notification.chat
    detail = f"{chat.transport} {chat.chat_id}" + (f" for {notification.command_id}" if notification.command_id else "")
    step = TraceStep(
        notification.created_at,
        notification.notification_id,
        notification.session_id,
        "Accepted",
        "",
        "queued",
        actor,
        detail,
    )
    record(tx, [step])


def change(
    tx: Transaction, notification: Notification, event: Event, now: float, actor: str, about: str = ""
) -> Notification:
    """Apply one event and write the outcome; `about`: what its step tells instead of the attempt.

    Raises IllegalTransition where the table forbids it.
    """
    changed = apply(notification, event, now)
    tx.execute(
        "UPDATE notifications SET state = ?, detail = ?, attempt = ?, message_ids = ?, delivered_at = ?"
        " WHERE notification_id = ?",
        (
            changed.state.value, changed.detail, changed.attempt, json.dumps(changed.message_ids), changed.delivered_at,
            changed.notification_id,
        ),
    )  # fmt: skip
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
    tx.execute(
        "UPDATE notifications SET text = ?, buttons = ?, token = ?, command_state = ?, as_mark = ?"
        " WHERE notification_id = ? AND state = 'queued'",
        (
            new.text, _buttons_json(new.buttons), new.token, _state(new), new.as_mark, queued.notification_id,
        ),
    )  # fmt: skip


def press(tx: Transaction, notification: Notification, label: str) -> None:
    """One of its buttons was pressed: from now on none of them counts."""
    tx.execute("UPDATE notifications SET pressed = ? WHERE notification_id = ?", (label, notification.notification_id))


def find(connection: sqlite3.Connection | Transaction, notification_id: str) -> Notification | None:
    """One notification, or None."""
    row = connection.execute(f"{_SELECT} WHERE notification_id = ?", (notification_id,)).fetchone()
    return _notification(row) if row else None


def get(connection: sqlite3.Connection | Transaction, notification_id: str) -> Notification:
    """One notification. Raises Refusal(NOT_FOUND)."""
    if (notification := find(connection, notification_id)) is None:
        raise Refusal(Reason.NOT_FOUND, f"There is no notification {notification_id}.")
    return notification


def by_token(tx: Transaction, chat: ChatRef, token: str) -> Notification | None:
    """The notification a token names in this chat; a token means nothing in another one."""
    row = tx.execute(
        f"{_SELECT} WHERE token = ? AND token != '' AND transport = ? AND chat_id = ?",
        (token, chat.transport, chat.chat_id),
    ).fetchone()
    return _notification(row) if row else None


def newest_status_message(tx: Transaction, command_id: str) -> Notification | None:
    """The last receipt written for a command."""
    row = tx.execute(
        f"{_SELECT} WHERE command_id = ? AND command_id != '' ORDER BY position DESC LIMIT 1", (command_id,)
    ).fetchone()
    return _notification(row) if row else None


def copies(tx: Transaction, notification: Notification) -> list[Notification]:
    """The message in each of the chats it went to; without what changes one of them."""
    first = notification.copy_of or notification.notification_id
    rows = tx.execute(
        f"{_SELECT} WHERE (notification_id = ? OR (copy_of = ? AND copy_of != '')) AND edits = ''", (first, first)
    )
    return [_notification(row) for row in rows.fetchall()]


def queued_change(tx: Transaction, shown: Notification) -> Notification | None:
    """A change of a notification's messages that is still on its way."""
    row = tx.execute(
        f"{_SELECT} WHERE state = 'queued' AND transport = ? AND chat_id = ? AND kind = ? AND edits = ?",
        (shown.chat.transport, shown.chat.chat_id, shown.kind.value, shown.notification_id),
    ).fetchone()
    return _notification(row) if row else None


def showing(tx: Transaction, permission_id: str) -> list[Notification]:
    """The messages that show a permission question, one for each chat; without the edits of them."""
    rows = tx.execute(f"{_SELECT} WHERE permission_id = ? AND permission_id != '' AND edits = ''", (permission_id,))
    return [_notification(row) for row in rows.fetchall()]


def with_receipts(tx: Transaction, command_ids: Sequence[str]) -> set[str]:
    """Those of the commands that have a receipt."""
    marks = ",".join("?" * len(command_ids))
    sql = f"SELECT DISTINCT command_id FROM notifications WHERE command_id != '' AND command_id IN ({marks})"
    return {row[0] for row in tx.execute(sql, command_ids).fetchall()}


def heads(tx: Transaction, transport: str) -> list[tuple[str, int]]:
    """Each chat with something queued and the position of its next notification; the most urgent, then oldest, first.

    It jumps through the index from chat to chat: a long queue costs no more than a short one.
    """
    rows = tx.execute(
        "WITH RECURSIVE waiting(chat_id) AS ("
        " SELECT min(chat_id) FROM notifications WHERE transport = :transport AND state = 'queued' UNION ALL"
        " SELECT (SELECT min(chat_id) FROM notifications WHERE transport = :transport AND state = 'queued'"
        "  AND chat_id > waiting.chat_id) FROM waiting WHERE waiting.chat_id IS NOT NULL)"
        " SELECT chat_id, position FROM notifications WHERE position IN (SELECT"
        "  (SELECT position FROM notifications WHERE transport = :transport AND state = 'queued'"
        "   AND chat_id = waiting.chat_id ORDER BY kind, position LIMIT 1) FROM waiting)"
        " ORDER BY kind, position",
        {"transport": transport},
    )
    return [(row[0], row[1]) for row in rows.fetchall()]


def at(tx: Transaction, position: int) -> Notification:
    """The notification at a position of the outbox."""
    return _notification(tx.execute(f"{_SELECT} WHERE position = ?", (position,)).fetchone())


def first(
    tx: Transaction, transport: str, chat_id: str, kind: Kind, without: Collection[str], *, changes_only: bool
) -> Notification | None:
    """The oldest of a kind that is queued for a chat, without some, and without changes of what is not out yet."""
    marks = ",".join("?" * len(without))
    row = tx.execute(
        f"{_SELECT} AS note WHERE transport = ? AND state = 'queued' AND chat_id = ? AND kind = ?"
        f" AND notification_id NOT IN ({marks}) AND (edits != '' OR NOT ?) AND NOT EXISTS (SELECT 1 FROM notifications"
        " WHERE notification_id = note.edits AND state IN ('queued', 'sent')) ORDER BY position LIMIT 1",
        (transport, chat_id, kind.value, *without, changes_only),
    ).fetchone()
    return _notification(row) if row else None


def like(tx: Transaction, head: Notification, limit: int) -> list[Notification]:
    """What is queued for a chat with the urgency of one of it: that one, then those behind it, in order."""
    rows = tx.execute(
        f"{_SELECT} WHERE transport = ? AND state = 'queued' AND chat_id = ? AND kind = ? AND position >="
        " (SELECT position FROM notifications WHERE notification_id = ?) ORDER BY position LIMIT ?",
        (head.chat.transport, head.chat.chat_id, head.kind.value, head.notification_id, limit),
    )
    return [_notification(row) for row in rows.fetchall()]


def leased(tx: Transaction, transport: str) -> list[Notification]:
    """What is leased out of a platform's outbox; an empty name means every platform."""
    rows = tx.execute(f"{_SELECT} WHERE state = 'sent' AND (? = '' OR transport = ?)", (transport, transport))
    return [_notification(row) for row in rows.fetchall()]


def expired(tx: Transaction, before: float, limit: int = 500) -> list[Notification]:
    """Queued notifications written before a time; without questions that can still be answered, however old."""
    open_questions = "SELECT permission_id FROM permissions WHERE state = 'open'"
    rows = tx.execute(
        f"{_SELECT} WHERE state = 'queued' AND created_at <= ? AND permission_id NOT IN ({open_questions}) LIMIT ?",
        (before, limit),
    )
    return [_notification(row) for row in rows.fetchall()]


def dead(connection: sqlite3.Connection, limit: int) -> list[Notification]:
    """What people did not get, newest first; without changes of what they have."""
    where = "state = 'dead' AND edits = ''"
    rows = connection.execute(f"{_SELECT} WHERE {where} ORDER BY position DESC LIMIT ?", (limit,))
    return [_notification(row) for row in rows.fetchall()]


def page(
    connection: sqlite3.Connection,
    session_id: str,
    transport: str,
    limit: int,
    before: str,
    *,
    receipts: bool = True,
    last_words: bool = False,
    open_questions: bool = False,
) -> list[Notification]:
    """Notifications, newest first, with or without receipts; without those that only take buttons away.

    `last_words`: only the newest of each session, with the beginning of what it says now. `open_questions`: only
    those that show one.
    """
    where = "text != ''" + ("" if receipts else " AND command_id = ''")
    where += f" AND position IN ({_LAST_OF_EACH})" if last_words else ""
    where += f" AND position IN ({_OPEN_QUESTIONS})" if open_questions else ""
    select = _SELECT.replace(" text,", f" {_BEGINNING},") if last_words else _SELECT
    values: list[object] = []
    for condition, value in (
        ("session_id = ?", session_id),
        ("transport = ?", transport),
        ("position < (SELECT position FROM notifications WHERE notification_id = ?)", before),
    ):
        if value:
            where, values = f"{where} AND {condition}", [*values, value]
    rows = connection.execute(f"{select} WHERE {where} ORDER BY position DESC LIMIT ?", [*values, limit])
    return [_notification(row) for row in rows.fetchall()]


def _buttons_json(buttons: tuple[Button, ...]) -> str:
    return json.dumps([[button.label, button.action] for button in buttons])


def _files_json(files: tuple[File, ...]) -> str:
    return json.dumps([[file.file_id, file.name, file.size] for file in files]) if files else ""


def _state(notification: Notification) -> str:
    return notification.command_state.value if notification.command_state else ""


def _row(n: Notification) -> tuple[object, ...]:
    return (
        n.notification_id, n.session_id, n.chat.transport, n.chat.chat_id, n.chat.thread_id, n.chat.message_id,
        n.kind.value, n.text, n.token, _buttons_json(n.buttons), n.state.value, n.detail, n.attempt,
        json.dumps(n.message_ids), n.edits, n.command_id, _state(n), n.created_at, n.delivered_at,
        n.pressed, n.as_mark, n.closes_topic, n.permission_id, _files_json(n.files), n.copy_of,
    )  # fmt: skip


def _notification(row: tuple[Any, ...]) -> Notification:
    (
        notification_id, session_id, transport, chat_id, thread_id, reply_to, kind, text, token, buttons, state, detail,
        attempt, message_ids, edits, command_id, command_state, created_at, delivered_at, pressed, as_mark,
        closes_topic, permission_id, files, copy_of,
    ) = row  # fmt: skip
    return Notification(
        notification_id, session_id, ChatRef(transport, chat_id, thread_id, reply_to), Kind(kind), text, token,
        created_at,
        tuple(Button(*pair) for pair in json.loads(buttons)), NotificationState(state), detail, attempt,
        tuple(json.loads(message_ids)), edits, command_id,
        CommandState(command_state) if command_state else None, delivered_at, pressed, bool(as_mark),
        bool(closes_topic), permission_id, tuple(File(*each) for each in json.loads(files or "[]")), copy_of,
    )  # fmt: skip

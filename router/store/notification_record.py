"""A new status message as a row: what all of them have in common stands literally in the statement, as for commands."""

from typing import Any

from router.domain.notification import Notification, NotificationState
from router.store.database import Transaction
from router.store.statements import Statement, all_given
from router.store.tables import Notification as Row

_GIVEN: tuple[Any, ...] = (
    Row.notification_id, Row.session_id, Row.transport, Row.chat_id, Row.thread_id, Row.reply_to, Row.kind, Row.text,
    Row.token, Row.buttons, Row.edits, Row.command_id, Row.command_state, Row.created_at, Row.as_mark,
)  # fmt: skip
_SAME: dict[Any, object] = {
    Row.state: NotificationState.QUEUED, Row.detail: "", Row.attempt: 0, Row.message_ids: (), Row.pressed: "",
    Row.closes_topic: False, Row.permission_id: "", Row.files: (), Row.copy_of: "", Row.sender: "",
    Row.is_markdown: False, Row.ends_turn: False,
}  # fmt: skip
_VALUES = all_given(_GIVEN) | _SAME
_INSERT = Statement(Row.insert_many([[*_VALUES.values()]], [*_VALUES])).text


def is_plain(n: Notification) -> bool:
    """Whether it is new, and nothing but words and buttons."""
    more = n.detail or n.attempt or n.message_ids or n.pressed or n.closes_topic or n.permission_id or n.files
    return not (more or n.copy_of or n.sender or n.is_markdown or n.ends_turn) and n.state is NotificationState.QUEUED


def write(tx: Transaction, n: Notification) -> None:
    """Write one that is plain."""
    buttons = Row.buttons.encode(n.buttons) if n.buttons else "[]"
    given = (
        n.notification_id, n.session_id, n.chat.transport, n.chat.chat_id, n.chat.thread_id, n.chat.message_id,
        n.kind.value, n.text, n.token, buttons, n.edits, n.command_id, n.command_state.value if n.command_state else "",
        n.created_at, int(n.as_mark),
    )  # fmt: skip
    tx.execute(_INSERT, given)

"""The outbox, what its messages speak of, and files in parts."""

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from peewee import (
    AutoField,
    BlobField,
    BooleanField,
    CompositeKey,
    Expression,
    IntegerField,
    Model,
    ModelAlias,
    TextField,
)

from router.domain.command import CommandState
from router.domain.notification import Button, File, Kind, NotificationState
from router.store.columns import CodedText, TimeField, json_list, number_of, text_of


def _as_json(*names: str) -> Callable[[tuple[Any, ...]], str]:
    of = attrgetter(*names)  # `astuple` copies deeply, which takes five times as long
    return lambda parts: json.dumps([of(part) for part in parts])


_json_of_files = _as_json("file_id", "name", "size")


def _buttons_of_json(text: str) -> tuple[Button, ...]:
    return tuple(Button(*each) for each in json.loads(text))


def _files_of_json(text: str) -> tuple[File, ...]:
    return tuple(File(*each) for each in json.loads(text)) if text else ()


class Notification(Model):
    """Messages to people; `position` is the order within a chat."""

    position = AutoField()
    notification_id = TextField(unique=True)
    session_id = TextField()
    transport = TextField()
    chat_id = TextField()
    thread_id = TextField()
    reply_to = TextField()
    kind = number_of(Kind)
    text = TextField()
    token = TextField()  # names it in its buttons; means nothing in another chat
    buttons = CodedText(_as_json("label", "action"), _buttons_of_json)
    state = text_of(NotificationState)
    detail = TextField()
    attempt = IntegerField()
    message_ids = json_list()
    edits = TextField()  # the notification whose messages this one changes; empty for a message of its own
    command_id = TextField()
    command_state = CodedText(
        lambda state: state.value if state else "", lambda text: CommandState(text) if text else None
    )
    created_at = TimeField()
    delivered_at = TimeField(null=True)
    pressed = TextField(default="")
    as_mark = BooleanField(default=False)
    closes_topic = BooleanField(default=False)
    permission_id = TextField(default="")
    files = CodedText(lambda files: _json_of_files(files) if files else "", _files_of_json, default=())
    copy_of = TextField(default="")  # the first of those that say the same in several chats
    sender = TextField(default="")
    is_markdown = BooleanField(default=False)
    ends_turn = BooleanField(default=False)

    class Meta:
        table_name = "notifications"


def said(row: "type[Notification] | ModelAlias[Notification]") -> Expression:
    """Whether a session said it: it has words, and tells of no command."""
    return (row.text != "") & (row.command_id == "")


QUEUED = Notification.state == NotificationState.QUEUED
SENT = Notification.state == NotificationState.SENT
# Who misses a change still has the message.
MISSED = (Notification.state == NotificationState.DEAD) & (Notification.edits == "")

# Partial, as of commands: most rows are delivered receipts, which no token, copy or question names.
_N = Notification
_N.add_index(_N.transport, _N.chat_id, _N.kind, _N.position, name="notifications_queued", where=QUEUED)
_N.add_index(_N.transport, name="notifications_sent", where=SENT)
_N.add_index(_N.session_id, _N.position, name="notifications_session")
_N.add_index(_N.token, name="notifications_token", where=_N.token != "")
_N.add_index(_N.command_id, _N.position, name="notifications_command", where=_N.command_id != "")
_N.add_index(_N.permission_id, name="notifications_permission", where=_N.permission_id != "")
_N.add_index(_N.copy_of, name="notifications_copies", where=_N.copy_of != "")
_N.add_index(_N.sender, name="notifications_sender", where=QUEUED & (_N.sender != ""))
_N.add_index(_N.session_id, _N.position, name="notifications_said", where=said(_N))
_N.add_index(_N.position, name="notifications_missed", where=MISSED)


class Message(Model):
    """Which session a platform's message speaks of."""

    transport = TextField()
    chat_id = TextField()
    message_id = TextField()
    session_id = TextField()
    notification_id = TextField()
    created_at = TimeField()

    class Meta:
        table_name = "messages"
        primary_key = CompositeKey("transport", "chat_id", "message_id")
        without_rowid = True


Message.add_index(Message.session_id, name="messages_session")


class FilePart(Model):
    """A part of a file on its way to a machine or to people."""

    file_id = TextField()
    number = IntegerField()
    data = BlobField()
    created_at = TimeField()
    owner = TextField(default="")  # who put it; empty once a command or a notification names the file
    cost = IntegerField(default=0)  # bytes that it counts against its owner's quota

    class Meta:
        table_name = "file_parts"
        primary_key = CompositeKey("file_id", "number")


UNNAMED = FilePart.owner != ""
FilePart.add_index(FilePart.owner, FilePart.cost, FilePart.created_at, name="file_parts_owner", where=UNNAMED)
FilePart.add_index(FilePart.created_at, name="file_parts_age")
FilePart.add_index(FilePart.created_at, name="file_parts_unnamed", where=UNNAMED)
# Over all but the bytes: which parts are here is told without reading half a megabyte for each.
FilePart.add_index(FilePart.file_id, FilePart.number, FilePart.created_at, name="file_parts_here")

"""What the page gets: JSON of the adapter's values. Times are seconds since 1970, states are in small letters."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from enum import Enum
from itertools import takewhile
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from pointsman.client.permission_records import FormQuestion, Permission
from pointsman.client.records import Command, CommandState, Notification, Session, Stats
from webhook_adapter.model import command_text

Json = dict[str, Any]

LIVE_STATES = (CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED)
WAITING_FOR_A_PERSON = (CommandState.DEAD, CommandState.UNCERTAIN)
SAME_MESSAGE_SECONDS = 5.0
PREVIEW_LENGTH = 160
_REASON = "reason"  # a question's button that only tells how to give one; the page has a field for it


class Value(Protocol):
    """A dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def shown(value: Value) -> Json:
    """A value as JSON, under the names of its fields."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def all_shown(values: Iterable[Value]) -> list[Json]:
    """Several values, as `shown` makes them."""
    return [shown(value) for value in values]


def command(one: Command) -> Json:
    """A command as JSON, what it brings along in words."""
    return shown(one) | {"text": command_text(one)}


def commands(several: Iterable[Command]) -> list[Json]:
    """Several commands, as `command` makes them."""
    return [command(one) for one in several]


def question(asked: Permission) -> Json:
    """A permission question as JSON; what it is about in full stands beside the rest."""
    flat = {name: value for name, value in shown(asked).items() if name not in ("details", "options")}
    details = shown(asked.details) | {"form": [_form_question(each) for each in asked.details.form]}
    options = [shown(each) | {"verdict": each.verdict.lower()} for each in asked.options]
    states = {"kind": asked.kind.lower(), "state": asked.state.lower()}
    return flat | states | details | {"options": options}


def _form_question(asked: FormQuestion) -> Json:
    return shown(asked) | {"options": all_shown(asked.options)}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return str(value.value).lower()
    return value.timestamp() if isinstance(value, datetime) else value


def figures(stats: Stats) -> Json:
    """How much is on its way, and how much waits for a person."""
    return {
        "queued": sum(stats.commands.get(state.value, 0) for state in LIVE_STATES),
        "dead": sum(stats.commands.get(state.value, 0) for state in WAITING_FOR_A_PERSON),
    }


def with_last_words(sessions: Sequence[Session], last_words: Sequence[Notification]) -> list[Json]:
    """Sessions with the last thing each of them said, for the list."""
    last = {one.session_id: one for one in last_words}
    return [_session(session) | {"last": _preview(last.get(session.session_id))} for session in sessions]


def _session(session: Session) -> Json:
    return shown(session) | {"controls": [each.lower() for each in session.controls]}


def chat(notifications: Sequence[Notification], sent: Sequence[Command]) -> list[Json]:
    """One conversation, oldest first: what the session said and what was sent to it."""
    items = [{"kind": "said"} | message(one) for one in said(notifications)]
    items += [command(one) | {"kind": "command", "brings": one.kind} for one in sent]
    return sorted(items, key=lambda item: item["created_at"] or 0.0)


def said(notifications: Sequence[Notification]) -> list[Notification]:
    """What sessions said, oldest first, each message once.

    A message that went to several platforms is one notification for each; the one for the web stands for all. A
    permission question stands where it was asked, as it is now.
    """
    kept: list[Notification] = []
    for candidate in _as_they_are_now(sorted(notifications, key=created)):
        twin = next((one for one in _shortly_before(candidate, kept) if is_same_message(one, candidate)), None)
        if twin is None:
            kept.append(candidate)
        elif candidate.chat.transport == "web":
            kept[kept.index(twin)] = candidate
    return kept


def _shortly_before(late: Notification, others: Sequence[Notification]) -> Iterable[Notification]:
    return takewhile(lambda one: created(late) - created(one) < SAME_MESSAGE_SECONDS, reversed(others))


def _as_they_are_now(notifications: Iterable[Notification]) -> Iterable[Notification]:
    """Each of them, oldest first; what was changed, and a question on its platform, says what the last one says."""
    shown: dict[tuple[str, str], Notification] = {}
    changed: dict[str, str] = {}  # by what changes it
    for one in notifications:
        first = changed[one.notification_id] = changed.get(one.edits, one.edits) or one.notification_id
        key = (one.permission_id or first, one.chat.transport)
        shown[key] = replace(shown[key], text=one.text, buttons=one.buttons) if key in shown else one
    return shown.values()


def is_same_message(one: Notification, other: Notification) -> bool:
    """Whether both are copies of one message, for two platforms."""
    elsewhere = one.chat.transport != other.chat.transport
    near = abs(created(one) - created(other)) < SAME_MESSAGE_SECONDS
    return elsewhere and near and (one.session_id, one.text) == (other.session_id, other.text)


def created(item: Notification | Command) -> float:
    """When it was accepted, in seconds since 1970."""
    return item.created_at.timestamp() if item.created_at else 0.0


def message(notification: Notification) -> Json:
    """A message of a session, with its buttons."""
    return {
        "notification_id": notification.notification_id,
        "transport": notification.chat.transport,
        "text": notification.text,
        "state": _plain(notification.state),
        "detail": notification.detail,
        "created_at": _plain(notification.created_at),
        "files": [
            {
                "name": file.name,
                "size": file.size,
                "url": f"/console/file?notification={quote(notification.notification_id)}&number={number}",
            }
            for number, file in enumerate(notification.files)
        ],
        "permission_id": notification.permission_id,
        "is_question": notification.permission_id != "",
        "buttons": [
            {"label": button.label, "data": f"cmd:{notification.token}:{button.action}"}
            for button in notification.buttons
            if not (notification.permission_id and button.action == _REASON)
        ],
    }


def _preview(notification: Notification | None) -> Json | None:
    if notification is None:
        return None
    words = " ".join(notification.text.replace("`", "").split())[:PREVIEW_LENGTH]
    return {"id": notification.notification_id, "text": words, "at": _plain(notification.created_at)}

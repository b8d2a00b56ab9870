"""What REST answers look like."""

from datetime import datetime
from typing import Any

from pointsman.client.records import Command, Notification, NotificationState, Session, TraceStep
from webhook_adapter.model import command_text

Json = dict[str, Any]


def session(known: Session) -> Json:
    """One entry of GET /sessions."""
    return {
        "sessionId": known.session_id,
        "machineId": known.machine_id,
        "label": known.label,
        "state": known.state.value,
        "createdAt": _time(known.created_at),
        "updatedAt": _time(known.updated_at),
        "connected": known.connected,
    }


def command(known: Command) -> Json:
    """One entry of GET /commands. `text` or `key` says what is typed."""
    action = {"key": known.key} if known.key else {"text": command_text(known)}
    return {
        "commandId": known.command_id,
        "sessionId": known.session_id,
        "machineId": known.machine_id,
        "sequence": known.sequence,
        **action,
        "state": known.state.value,
        "reason": known.reason,
        "detail": known.detail,
        "attempt": known.attempt,
        "redriveOf": known.redrive_of,
        "createdAt": _time(known.created_at),
        "sentAt": _time(known.sent_at),
        "receivedAt": _time(known.received_at),
        "typedAt": _time(known.typed_at),
        "takenAt": _time(known.taken_at),
        "finishedAt": _time(known.finished_at),
        "endedAt": _time(known.ended_at),
    }


def step(taken: TraceStep) -> Json:
    """One entry of a command's history."""
    return {
        "at": _time(taken.at),
        "event": taken.event,
        "from": taken.from_state,
        "to": taken.to_state,
        "actor": taken.actor,
        "detail": taken.detail,
    }


def sending(sent: Notification) -> tuple[Json, int]:
    """The answer of POST /notifications/send: how far the message got, and the status that says so."""
    match sent.state:
        case NotificationState.DELIVERED:
            return {"ok": True, "messageId": _message_id(sent), "token": sent.token}, 200
        case NotificationState.REFUSED:
            return {"error": sent.detail or "the chat platform refused it", "code": "PLATFORM_REFUSED"}, 502
        case NotificationState.DEAD:
            return {"error": sent.detail or "given up after a day of trying", "code": "TOO_OLD"}, 502
    return {"ok": True, "queued": True, "notificationId": sent.notification_id, "token": sent.token}, 202


def _message_id(sent: Notification) -> int | str:
    """Of the last part, which holds the buttons. Telegram's are numbers, and its callers expect them so."""
    message_id = sent.message_ids[-1] if sent.message_ids else ""
    return int(message_id) if message_id.isdecimal() and sent.chat.transport == "telegram" else message_id


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment is not None else None

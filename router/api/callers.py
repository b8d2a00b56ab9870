"""What callers of Control want to be done, as values."""

import sqlite3

from agentlink.v1 import control_pb2 as pb

from router.api import actions, convert, times
from router.api.server import Call
from router.domain.command import Origin, StartSession
from router.domain.errors import Reason, Refusal
from router.domain.notification import Notification
from router.domain.start import Wanted
from router.services.delivery.engine import Draft
from router.store import names, notifications

Asked = pb.SendCommandRequest | pb.RespondPermissionRequest | pb.StartSessionRequest | pb.StopSessionRequest


def origin(request: Asked, call: Call) -> Origin:
    """Who asks, and from where."""
    if not request.HasField("origin"):
        return Origin("grpc", call.principal.name)
    chat = convert.chat_ref(request.origin.chat) if request.origin.HasField("chat") else None
    return Origin(request.origin.source[:50] or "grpc", request.origin.actor[:200] or call.principal.name, chat)


def draft(request: pb.SendCommandRequest, call: Call) -> Draft:
    """Raises Refusal."""
    action = actions.action(request.action)
    return Draft(request.session_id, action, origin(request, call), ttl(request), note=note(request))


def wanted(request: pb.StartSessionRequest) -> Wanted:
    return Wanted(
        request.machine_id, StartSession(request.prompt, request.folder, request.conversation_id, request.keep)
    )


def ttl(request: pb.SendCommandRequest | pb.StartSessionRequest) -> float | None:
    """The caller's own limit in seconds, or None. Raises Refusal."""
    limit = times.seconds(request.ttl) if request.HasField("ttl") else None
    if limit is not None and limit <= 0:
        raise Refusal(Reason.INVALID_ARGUMENT, "ttl must be greater than zero")
    return limit


def note(request: Asked) -> str:
    """For the trace."""
    return f"request {request.request_id}" if request.request_id else ""


def notifications_page(
    connection: sqlite3.Connection, request: pb.ListNotificationsRequest, limit: int
) -> list[Notification]:
    """Raises Refusal."""
    return notifications.page(
        connection,
        names.session(connection, request.session_id),
        request.transport,
        limit,
        request.before_notification_id,
        receipts=not request.without_receipts,
        last_words=request.last_words,
        open_questions=request.open_questions,
    )

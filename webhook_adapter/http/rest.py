"""REST: the same calls as Control's, for whom HTTP is handier. The router judges the caller's key at each call."""

import logging
import threading
from datetime import timedelta
from http import HTTPStatus
from typing import cast

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.client.records import Notification, NotificationState, Origin
from webhook_adapter.auth import is_body_to_come, let_body_come
from webhook_adapter.endpoints import endpoint
from webhook_adapter.http import bodies, event_bodies
from webhook_adapter.http.answer_rules import add_answer_rules, add_session_messages
from webhook_adapter.http.audience import add_audience
from webhook_adapter.http.deferred import add_deferred
from webhook_adapter.http.keys import Keys
from webhook_adapter.http.notes import add_notes
from webhook_adapter.http.permissions import add_permissions
from webhook_adapter.http.session_events import add_session_events
from webhook_adapter.http.workspaces import add_workspaces
from webhook_adapter.json_bodies import InvalidRequest
from webhook_adapter.router.errors import http_status

logger = logging.getLogger(__name__)

KEYED = (401, 403, 429, 503)
"""What every call with a key may be refused with."""

_REST = Origin("rest")
_DELIVERY_WAIT = timedelta(seconds=10)
_MOST_WAITING = 10  # of the server's 16 threads: webhooks must find one free


def create_blueprint(keys: Keys) -> Blueprint:
    """All endpoints that take an API key."""
    blueprint = Blueprint("rest", __name__)
    _add_guard(blueprint, keys)
    _add_sessions(blueprint)
    _add_controls(blueprint)
    add_session_events(blueprint, _control)
    _add_search(blueprint)
    _add_notifications(blueprint, threading.Semaphore(_MOST_WAITING))
    _add_commands(blueprint)
    add_permissions(blueprint, _control, KEYED)
    add_audience(blueprint, _control, KEYED)
    add_deferred(blueprint, _control, KEYED)
    add_answer_rules(blueprint, _control, KEYED)
    add_session_messages(blueprint, _control, KEYED)
    add_notes(blueprint, _control, KEYED)
    add_workspaces(blueprint, _control, KEYED, _REST)
    _add_cleanup(blueprint)
    return blueprint


def refusal(error: RouterError) -> ResponseReturnValue:
    """What a refused call looks like over HTTP."""
    g.refused = error.code
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    return {"error": error.message, "code": error.code}, http_status(error), headers


def _control() -> Control:
    return cast("Control", g.control)


def _judge_key() -> None:
    """Raise RouterError where the router does not know the key. A role that may not ask for this is known."""
    try:
        _control().stats()
    except RouterError as refused:
        if refused.status != "PERMISSION_DENIED":
            raise


def _add_guard(blueprint: Blueprint, keys: Keys) -> None:
    @blueprint.before_request
    def take_key() -> None:
        # Not judged yet: the router does that with the call itself, so that a good key costs no call of its own.
        g.control = keys.control()
        if is_body_to_come():
            _judge_key()
            let_body_come()

    @blueprint.errorhandler(InvalidRequest)
    def malformed(error: InvalidRequest) -> ResponseReturnValue:
        try:
            _judge_key()  # a caller without a good key learns nothing about what a request must hold
        except RouterError as refused:
            return refusal(refused)
        return {"error": str(error), "code": "INVALID_ARGUMENT"}, HTTPStatus.BAD_REQUEST


def _add_sessions(blueprint: Blueprint) -> None:
    @blueprint.get("/sessions")
    @endpoint("sessions", *KEYED)
    def list_sessions() -> list[bodies.Session]:
        """The sessions that have not ended, in the order of their registration."""
        return [bodies.shown(bodies.Session, each) for each in _control().sessions()]

    @blueprint.post("/sessions/register")
    @endpoint("sessions", *KEYED, 404, 409)
    def register_session(asked: bodies.RegisterSession) -> bodies.SessionRegistered:
        """Make a session known; again moves or refreshes it."""
        session = _control().register_session(asked.session_id, asked.machine_id, asked.label or "")
        return bodies.shown(bodies.SessionRegistered, session)

    @blueprint.post("/sessions/unregister")
    @endpoint("sessions", *KEYED, 404)
    def unregister_session(asked: bodies.UnregisterSession) -> bodies.Ok:
        """End a session."""
        _control().unregister_session(asked.session_id)
        return bodies.Ok()

    @blueprint.post("/sessions/start")
    @endpoint("sessions", *KEYED, 404, 409)
    def start_session(asked: bodies.StartSession) -> bodies.SessionStarting:
        """Start a coding agent on a machine, without a terminal, and give it a text."""
        command = _control().start(
            asked.prompt,
            asked.machine_id or "",
            asked.folder or "",
            agent=asked.agent or "",
            conversation_id=asked.conversation_id or "",
            keep=asked.keep,
            workspace=asked.workspace.place if asked.workspace else None,
            ttl=None if asked.ttl_seconds is None else timedelta(seconds=asked.ttl_seconds),
            request=asked.idempotency_key or "",
            origin=_REST,
        )
        return bodies.shown(bodies.SessionStarting, command)


def _add_controls(blueprint: Blueprint) -> None:
    @blueprint.post("/sessions/<session_id>/control")
    @endpoint("sessions", *KEYED, 404, 409)
    def control_session(session_id: str, asked: bodies.ControlSession) -> bodies.CommandAccepted:
        """Change how the program in a session works: its mode or model; stop, compact or clear what it does."""
        command = _control().control(
            session_id,
            asked.signal,
            asked.value,
            request=asked.idempotency_key or "",
            ttl=None if asked.ttl_seconds is None else timedelta(seconds=asked.ttl_seconds),
            origin=_REST,
        )
        return bodies.shown(bodies.CommandAccepted, command)


def _add_search(blueprint: Blueprint) -> None:
    @blueprint.get("/search")
    @endpoint("sessions", *KEYED, 404)
    def search(asked: event_bodies.Search) -> event_bodies.SearchResult:
        """Find what was said in sessions, by whole words: all of them, in any order; newest first.

        Where `before` is not 0 there may be more, also where there are no hits: ask again with it.
        """
        hits, before = _control().search(asked.q, asked.session or "", limit=asked.limit, before=asked.before)
        return event_bodies.SearchResult([bodies.shown(event_bodies.SearchHit, each) for each in hits], before)


def _add_notifications(blueprint: Blueprint, waiting: threading.Semaphore) -> None:
    @blueprint.post("/notifications/send")
    @endpoint("notifications", *KEYED, 404, 409)
    def send_notification(
        asked: bodies.SendNotification,
    ) -> bodies.NotificationDelivered | bodies.NotificationQueued | bodies.NotificationRefused:
        """Send a message about a session to a chat, and wait up to 10 s for the platform to take it."""
        # For one chat there is one notification.
        [accepted] = _control().notify(
            asked.session_id,
            asked.text,
            buttons=asked.buttons,
            chats=[asked.chat],
            request=asked.idempotency_key or "",
        )
        return _fate(_followed(accepted, waiting))


def _followed(accepted: Notification, waiting: threading.Semaphore) -> Notification:
    """The notification once its fate is known, or as it is when nobody could or would wait longer."""
    wait = _DELIVERY_WAIT if waiting.acquire(blocking=False) else timedelta()
    try:
        return _control().notification(accepted.notification_id, wait)
    except RouterError as error:
        # It is on the router's disk: whatever went wrong since, it stays queued.
        logger.info("notification %s not followed code=%s", accepted.notification_id, error.code)
        return accepted
    finally:
        if wait:
            waiting.release()


def _fate(
    sent: Notification,
) -> bodies.NotificationDelivered | bodies.NotificationQueued | bodies.NotificationRefused:
    """How far it got."""
    match sent.state:
        case NotificationState.DELIVERED:
            return bodies.NotificationDelivered(message_id=_message_id(sent), token=sent.token)
        case NotificationState.REFUSED:
            said = sent.detail or "the chat platform refused it"
            return bodies.NotificationRefused(error=said, code="PLATFORM_REFUSED")
        case NotificationState.DEAD:
            said = sent.detail or "given up after a day of trying"
            return bodies.NotificationRefused(error=said, code="TOO_OLD")
    return bodies.shown(bodies.NotificationQueued, sent)


def _message_id(sent: Notification) -> int | str:
    """Of the last part, which holds the buttons. Telegram's are numbers, and its callers expect them so."""
    message_id = sent.message_ids[-1] if sent.message_ids else ""
    return int(message_id) if message_id.isdecimal() and sent.chat.transport == "telegram" else message_id


def _add_commands(blueprint: Blueprint) -> None:
    @blueprint.post("/commands")
    @endpoint("commands", *KEYED, 404, 409, on_loop=True)
    def send_command(asked: bodies.SendCommand) -> bodies.CommandAccepted:
        """Type a text into a session and press Enter."""
        command = _control().send_text(
            asked.session_id,
            asked.text,
            request=asked.idempotency_key or "",
            ttl=None if asked.ttl_seconds is None else timedelta(seconds=asked.ttl_seconds),
            origin=_REST,
        )
        return bodies.shown(bodies.CommandAccepted, command)

    @blueprint.get("/commands")
    @endpoint("commands", *KEYED)
    def list_commands(asked: bodies.ListCommands) -> list[bodies.Command]:
        """Commands, newest first."""
        found = _control().commands(
            session_id=asked.session_id, states=asked.states, limit=asked.limit, before=asked.before
        )
        return [bodies.command(bodies.Command, each) for each in found]

    @blueprint.get("/commands/<command_id>")
    @endpoint("commands", *KEYED, 404)
    def get_command(command_id: str) -> bodies.CommandWithHistory:
        """One command, its state and its history."""
        known = _control().command(command_id)
        story = _control().trace(known.command_id)  # goes on with its status messages, and what was made from it
        told = bodies.command(bodies.CommandWithHistory, known)
        told.history = [bodies.shown(bodies.Step, each) for each in story if each.subject_id == known.command_id]
        return told


def _add_cleanup(blueprint: Blueprint) -> None:
    @blueprint.post("/cleanup")
    @endpoint("operations", *KEYED)
    def cleanup() -> bodies.Removed:
        """Remove now what is past its time."""
        return bodies.shown(bodies.Removed, _control().cleanup())

"""REST: the same calls as Control's, for whom HTTP is handier. The router judges the caller's key at each call."""

import logging
import threading
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import cast

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.client.records import Notification, Origin
from webhook_adapter import json_bodies
from webhook_adapter.auth import is_api_key_shaped
from webhook_adapter.http import present
from webhook_adapter.router.client import RouterClient
from webhook_adapter.router.errors import http_status

logger = logging.getLogger(__name__)

_REST = Origin("rest")
_DELIVERY_WAIT = timedelta(seconds=10)
_MOST_WAITING = 10  # of the server's 16 threads: webhooks must find one free


def create_blueprint(router: RouterClient) -> Blueprint:
    """All endpoints that take an API key."""
    blueprint = Blueprint("rest", __name__)
    _add_guard(blueprint, router)
    _add_sessions(blueprint)
    _add_notifications(blueprint, threading.Semaphore(_MOST_WAITING))
    _add_commands(blueprint)
    _add_cleanup(blueprint)
    return blueprint


def key_control(router: RouterClient) -> Control:
    """Control with the current request's key. Raises RouterError where there is none."""
    key = request.headers.get("X-API-Key", "")
    if not is_api_key_shaped(key):
        raise RouterError("UNAUTHENTICATED", "send a valid API key in X-API-Key")
    return router.control(key)


def refusal(error: RouterError) -> ResponseReturnValue:
    """What a refused call looks like over HTTP."""
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    return {"error": error.message, "code": error.code}, http_status(error), headers


def _control() -> Control:
    return cast("Control", g.control)


def _add_guard(blueprint: Blueprint, router: RouterClient) -> None:
    @blueprint.before_request
    def take_key() -> None:
        g.control = key_control(router)

    @blueprint.errorhandler(json_bodies.InvalidRequest)
    def malformed(error: json_bodies.InvalidRequest) -> ResponseReturnValue:
        try:
            _control().stats()  # a caller without a good key learns nothing about what a request must hold
        except RouterError as refused:
            if refused.status != "PERMISSION_DENIED":
                return refusal(refused)
        return {"error": str(error), "code": "INVALID_ARGUMENT"}, HTTPStatus.BAD_REQUEST


def _add_sessions(blueprint: Blueprint) -> None:
    @blueprint.get("/sessions")
    def list_sessions() -> ResponseReturnValue:
        return [present.session(each) for each in _control().sessions()]

    @blueprint.post("/sessions/register")
    def register() -> ResponseReturnValue:
        asked = json_bodies.json_object()
        json_bodies.require(asked, "sessionId", "machineId")
        session = _control().register_session(
            json_bodies.text(asked, "sessionId"), json_bodies.text(asked, "machineId"), json_bodies.text(asked, "label")
        )
        return {"ok": True, "sessionId": session.session_id, "machineId": session.machine_id}

    @blueprint.post("/sessions/unregister")
    def unregister() -> ResponseReturnValue:
        asked = json_bodies.json_object()
        json_bodies.require(asked, "sessionId")
        _control().unregister_session(json_bodies.text(asked, "sessionId"))
        return {"ok": True}


def _add_notifications(blueprint: Blueprint, waiting: threading.Semaphore) -> None:
    @blueprint.post("/notifications/send")
    def send_notification() -> ResponseReturnValue:
        asked = json_bodies.json_object()
        json_bodies.require(asked, "sessionId", "chatId", "text")
        [accepted] = _control().notify(
            json_bodies.text(asked, "sessionId"),
            json_bodies.text(asked, "text"),
            buttons=json_bodies.buttons(asked),
            chats=[json_bodies.chat(asked)],
            request=json_bodies.text(asked, "idempotencyKey"),
        )
        return present.sending(_followed(accepted, waiting))


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


def _add_commands(blueprint: Blueprint) -> None:
    @blueprint.post("/commands")
    def send_command() -> ResponseReturnValue:
        asked = json_bodies.json_object()
        json_bodies.require(asked, "sessionId", "text")
        command = _control().send_text(
            json_bodies.text(asked, "sessionId"),
            json_bodies.text(asked, "text"),
            request=json_bodies.text(asked, "idempotencyKey"),
            ttl=json_bodies.ttl(asked),
            origin=_REST,
        )
        answer = {"ok": True, "commandId": command.command_id, "state": command.state.value}
        return answer, HTTPStatus.ACCEPTED

    @blueprint.get("/commands")
    def list_commands() -> ResponseReturnValue:
        found = _control().commands(
            session_id=json_bodies.sound(request.args.get("sessionId", ""), "sessionId"),
            states=json_bodies.states(),
            limit=json_bodies.limit(),
            before=json_bodies.sound(request.args.get("before", ""), "before"),
        )
        return [present.command(each) for each in found]

    @blueprint.get("/commands/<command_id>")
    def show_command(command_id: str) -> ResponseReturnValue:
        command = _control().command(json_bodies.sound(command_id, "command id"))
        story = _control().trace(command.command_id)  # goes on with its receipts, and what was made from it
        history = [present.step(each) for each in story if each.subject_id == command.command_id]
        return {**present.command(command), "history": history}


def _add_cleanup(blueprint: Blueprint) -> None:
    @blueprint.post("/cleanup")
    def clean_up() -> ResponseReturnValue:
        return {"ok": True, **asdict(_control().cleanup())}

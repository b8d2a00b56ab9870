"""What the page asks for: JSON under /console/api. The blueprint has let the visitor in before any of this runs."""

import re
import socket
from collections.abc import Mapping

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from pointsman.client.records import Chat, Origin
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleRouter, ConsoleSettings
from webhook_adapter.console.timeline import LONGEST, PAGE, timeline
from webhook_adapter.json_bodies import InvalidRequest, json_object, require, text
from webhook_adapter.model import Submission

LIST_LENGTH = 50  # a command has at most 64 KiB of text and 4 KiB of detail, and gRPC takes answers of at most 4 MiB
CHAT_ID = "console"
ACTOR = "web:console (the web console)"  # nobody knows who sits at it
_WEB = Origin("web")
_KEY = re.compile(r"[0-9A-Za-z-]{8,64}")


def add_api(blueprint: Blueprint, settings: ConsoleSettings, router: ConsoleRouter) -> None:
    """Give the blueprint its JSON endpoints."""
    _add_overview(blueprint, settings, router)
    _add_reads(blueprint, router)
    _add_messages(blueprint, router)
    _add_commands(blueprint, router)
    _add_machines(blueprint, router)


def _add_overview(blueprint: Blueprint, settings: ConsoleSettings, router: ConsoleRouter) -> None:
    @blueprint.get("/console/api/overview")
    def overview() -> ResponseReturnValue:
        ask = router.own
        return jsonify(
            router=settings.router,
            host=socket.gethostname(),
            machines=present.all_shown(ask.machines()),
            sessions=present.with_last_words(ask.sessions(include_ended=True), ask.last_words()),
            figures=present.figures(ask.stats()),
        )


def _add_reads(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.get("/console/api/chat")
    def chat() -> ResponseReturnValue:
        require(request.args, "session")
        depth = request.args.get("depth", default=PAGE, type=_depth)
        return jsonify(timeline(router.own, text(request.args, "session"), depth))

    @blueprint.get("/console/api/queue")
    def queue() -> ResponseReturnValue:
        dead = router.own.dead_letters(LIST_LENGTH).commands
        queued = router.own.commands(states=present.LIVE_STATES, limit=LIST_LENGTH)
        return jsonify(dead=present.commands(dead), queued=present.commands(queued))

    @blueprint.get("/console/api/trace")
    def trace() -> ResponseReturnValue:
        require(request.args, "id")
        return jsonify(steps=present.all_shown(router.own.trace(text(request.args, "id"))))


def _add_messages(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/send")
    def send() -> ResponseReturnValue:
        sent, key = _request("session", "text")
        place, answered = Chat("web", CHAT_ID, message_id=key), text(sent, "message_id")
        submission = Submission(
            f"web:{key}",
            place,
            ACTOR,
            text=text(sent, "text"),
            reply_to_message_id=answered,
            session_id="" if answered else text(sent, "session"),
        )
        return jsonify(present.shown(router.submit(submission)))

    @blueprint.post("/console/api/press")
    def press() -> ResponseReturnValue:
        sent, key = _request("session", "data", "message_id")
        place = Chat("web", CHAT_ID, message_id=text(sent, "message_id"))
        submission = Submission(f"web:{key}", place, ACTOR, button=text(sent, "data"), session_id=text(sent, "session"))
        return jsonify(present.shown(router.submit(submission)))

    @blueprint.post("/console/api/key")
    def key() -> ResponseReturnValue:
        sent, key = _request("session", "name")
        pressed = router.own.send_key(text(sent, "session"), text(sent, "name"), request=f"web:{key}", origin=_WEB)
        return jsonify(present.command(pressed))


def _add_commands(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/start")
    def start() -> ResponseReturnValue:
        sent, key = _request("machine_id", "prompt")
        machine_id, folder, prompt = (text(sent, name) for name in ("machine_id", "folder", "prompt"))
        place = Chat("web", CHAT_ID, message_id=key)
        origin = Origin("web", f"web:{CHAT_ID}", place)
        started = router.own.start(prompt, machine_id, folder, request=f"web:{key}", origin=origin)
        return jsonify(present.command(started))

    @blueprint.post("/console/api/cancel")
    def cancel() -> ResponseReturnValue:
        sent, _ = _request("command_id")
        return jsonify(present.command(router.own.cancel(text(sent, "command_id"), request="")))

    @blueprint.post("/console/api/retry")
    def retry() -> ResponseReturnValue:
        sent, key = _request("command_id")
        repeated = router.own.redrive(text(sent, "command_id"), text(sent, "session"), request=f"web:{key}")
        return jsonify(present.command(repeated))

    @blueprint.post("/console/api/drop")
    def drop() -> ResponseReturnValue:
        sent, _ = _request("command_id")
        return jsonify(present.command(router.own.drop(text(sent, "command_id"), request="")))


def _add_machines(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/join-token")
    def join_token() -> ResponseReturnValue:
        sent, _ = _request()
        made = router.own.create_join_token(text(sent, "machine_id").strip())
        return jsonify(token=made.join_token, expires_at=made.expires_at and made.expires_at.timestamp())


def _depth(value: str) -> int:
    return max(PAGE, min(int(value), LONGEST))


def _request(*names: str) -> tuple[Mapping[str, object], str]:
    """The body, in which these must be, and the browser's own id of the request: its repeat is the same request."""
    sent = json_object()
    require(sent, *names, "key")
    key = text(sent, "key")
    if not _KEY.fullmatch(key):
        raise InvalidRequest("key must be a UUID")
    return sent, key

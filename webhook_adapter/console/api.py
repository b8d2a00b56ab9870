"""What the page asks for: JSON under /console/api. The blueprint has let the visitor in before any of this runs."""

import re
import socket
from collections.abc import Mapping

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleRouter, ConsoleSettings
from webhook_adapter.console.timeline import LONGEST, PAGE, timeline
from webhook_adapter.json_bodies import InvalidRequest, json_object, require, text
from webhook_adapter.model import Chat, Submission

LIST_LENGTH = 50  # a command has at most 64 KiB of text and 4 KiB of detail, and gRPC takes answers of at most 4 MiB
CHAT_ID = "console"
ACTOR = "web:console (the web console)"  # nobody knows who sits at it
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
        dead = router.own.dead_letters(LIST_LENGTH)
        queued = router.own.commands(states=present.LIVE_STATES, limit=LIST_LENGTH)
        return jsonify(dead=present.all_shown(dead), queued=present.all_shown(queued))

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
        pressed = router.own.send_key(text(sent, "session"), text(sent, "name"), source="web", request_id=f"web:{key}")
        return jsonify(present.shown(pressed))


def _add_commands(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/start")
    def start() -> ResponseReturnValue:
        sent, key = _request("machine_id", "prompt")
        machine_id, folder, prompt = (text(sent, name) for name in ("machine_id", "folder", "prompt"))
        place = Chat("web", CHAT_ID, message_id=key)
        started = router.own.start(machine_id, folder, prompt, source="web", chat=place, request_id=f"web:{key}")
        return jsonify(present.shown(started))

    @blueprint.post("/console/api/cancel")
    def cancel() -> ResponseReturnValue:
        sent, _ = _request("command_id")
        return jsonify(present.shown(router.own.cancel(text(sent, "command_id"))))

    @blueprint.post("/console/api/retry")
    def retry() -> ResponseReturnValue:
        sent, key = _request("command_id")
        repeated = router.own.redrive(text(sent, "command_id"), text(sent, "session"), f"web:{key}")
        return jsonify(present.shown(repeated))

    @blueprint.post("/console/api/drop")
    def drop() -> ResponseReturnValue:
        sent, _ = _request("command_id")
        return jsonify(present.shown(router.own.drop(text(sent, "command_id"))))


def _add_machines(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/join-token")
    def join_token() -> ResponseReturnValue:
        sent, _ = _request()
        return jsonify(present.shown(router.own.create_join_token(text(sent, "machine_id").strip())))


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

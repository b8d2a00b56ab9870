"""What the page asks for: JSON under /console/api. The blueprint has let the visitor in before any of this runs."""

import json
from typing import Annotated, Literal

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from pointsman.client import permission_records as records
from pointsman.client.records import Chat, Origin
from webhook_adapter.console import audience, notes, present, workspaces
from webhook_adapter.console.deferred import add_deferred
from webhook_adapter.console.live import add_live
from webhook_adapter.console.overview import Overview
from webhook_adapter.console.ports import ConsoleRouter, ConsoleSettings
from webhook_adapter.console.push import FOR_ALL
from webhook_adapter.console.search import add_search
from webhook_adapter.console.timeline import LONGEST, PAGE, timeline, waiting
from webhook_adapter.console.uploads import UploadedFile, add_uploads
from webhook_adapter.json_bodies import InvalidRequest, body, query
from webhook_adapter.model import PermissionAnswer, Submission

CHAT_ID = "console"
ACTOR = "web:console (the web console)"  # nobody knows who sits at it
# What a person may call by their role; what is not here, nobody but whoever has the key. Of what is sent or pressed the
# router says itself whether they may.
_CONVERSING = {"send", "press", "answer", "control", "allow", "mark_read"}
_THEIR_OWN = FOR_ALL | notes.FOR_ALL | audience.FOR_ALL | workspaces.FOR_ALL
_FOR_ALL = _THEIR_OWN | _CONVERSING | {"passkey_options", "add_passkey", "log_out"}
_LATER = {"defer", "change_deferred", "go_on", "follow", "set_summary"} | workspaces.OPERATORS
_MAY_CALL = {
    "OPERATOR": _FOR_ALL | {"key", "upload", "start", "end", "rename", "cancel", "retry", "drop", "end_rule"} | _LATER,
    "APPROVER": _FOR_ALL | {"end_rule"},
    "VIEWER": _FOR_ALL,
}

Signal = Literal["mode", "model", "interrupt", "compact", "clear"]
Credential = Annotated[str, Meta(max_length=16 * 1024)]  # more than any browser makes


class Request(Struct):
    """What the page sends. `key` is the UUID that it gave the request: what comes again with it is the same request."""

    key: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]


class Send(Request):
    """A message, to a session or as the answer to another message."""

    session: str
    text: str = ""
    message_id: str | None = None
    file: UploadedFile | None = None


class Press(Request):
    """A button under a message."""

    session: str
    data: str
    message_id: str


class PasskeyOptions(Request):
    """What a passkey has to sign: with a code, to be added; else to allow the question of a message."""

    code: str | None = None
    message_id: str | None = None


class AddPasskey(Request):
    """A passkey that this browser has made, as JSON."""

    code: str
    credential: Credential


class Allow(Request):
    """A question that a passkey has signed for."""

    message_id: str
    credential: Credential


class FormAnswer(Struct):
    """The answer to one question of a form."""

    option_ids: tuple[str, ...] = ()
    text: str = ""


class AnswerQuestion(Request):
    """An answer to the question of a message, as it was seen: an option with what comes with it, or a whole form."""

    message_id: str
    input_digest: str
    option: str = ""
    text: str = ""
    input: str = ""
    answers: tuple[FormAnswer, ...] = ()
    credential: Credential = ""


class PressKey(Request):
    """A key, by its name."""

    session: str
    name: str


class Control(Request):
    """Changes how the program in a session works: its mode or model, or what it does and remembers."""

    session: str
    signal: Signal
    value: str = ""


class OfSession(Request):
    """A session to end."""

    session: str


class Rename(Request):
    """What people call a session; empty: as its machine does."""

    session: str
    name: Annotated[str, Meta(max_length=200)] = ""


class Start(Request):
    """A session to start."""

    machine_id: str
    prompt: str
    folder: str | None = None
    agent: str | None = None


# None of these needs the key but a repeat: cancelling twice is cancelling once.
class OfCommand(Request):
    """A command to cancel, to repeat (perhaps in another session) or to drop."""

    command_id: str
    session: str | None = None


class Join(Request):
    """A machine that may enrol; it chooses its name where none is given."""

    machine_id: str | None = None


class Conversation(Struct):
    """Whose conversation."""

    session: str


class Story(Struct):
    """Of which command, notification or update."""

    id: str


def may_call(endpoint: str, role: str) -> bool:
    """Whether somebody of this role may call what changes something; no role: whoever has the key."""
    return not role or endpoint.removeprefix("console.") in _MAY_CALL.get(role, ())


def add_api(blueprint: Blueprint, settings: ConsoleSettings, router: ConsoleRouter) -> None:
    """Give the blueprint its JSON endpoints."""
    overview = Overview(settings.router, lambda: router.own)
    _add_overview(blueprint, overview)
    add_live(blueprint, router, overview)
    parts = (add_search, notes.add_notes, workspaces.add_workspaces, audience.add_audience, add_uploads, add_deferred)
    for add in parts:
        add(blueprint, router)
    _add_reads(blueprint, router)
    _add_messages(blueprint, router)
    _add_answers(blueprint, router)
    _add_passkeys(blueprint, router)
    _add_commands(blueprint, router)
    _add_machines(blueprint, router)


def _add_overview(blueprint: Blueprint, overview: Overview) -> None:
    @blueprint.get("/console/api/overview")
    def shown() -> ResponseReturnValue:
        return jsonify(overview.shown())


def _add_reads(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.get("/console/api/chat")
    def chat() -> ResponseReturnValue:
        # Nonsense means the shortest look: a mangled link still shows the conversation.
        depth = request.args.get("depth", default=PAGE, type=_depth)
        return jsonify(timeline(router.own, query(Conversation).session, depth))

    @blueprint.get("/console/api/questions")
    def questions() -> ResponseReturnValue:
        found = router.own.permissions(query(Conversation).session)
        return jsonify(questions=[present.question(each) for each in reversed(found)])

    @blueprint.get("/console/api/queue")
    def queue() -> ResponseReturnValue:
        return jsonify(waiting(router.own))

    @blueprint.get("/console/api/trace")
    def trace() -> ResponseReturnValue:
        return jsonify(steps=present.all_shown(router.own.trace(query(Story).id)))


def _add_answers(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/answer")
    def answer() -> ResponseReturnValue:
        sent = body(AnswerQuestion)
        form = tuple(records.FormAnswer(each.option_ids, each.text) for each in sent.answers)
        given = PermissionAnswer(sent.input_digest, sent.option, sent.text, sent.input, form)
        submission = Submission(
            f"web:{sent.key}", Chat("web", CHAT_ID, message_id=sent.key), g.visitor.actor(ACTOR),
            reply_to_message_id=sent.message_id, login_id=g.visitor.session_id, passkey=sent.credential, answer=given,
        )  # fmt: skip
        return jsonify(present.shown(router.submit(submission)))

    @blueprint.post("/console/api/control")
    def control() -> ResponseReturnValue:
        sent = body(Control)
        submission = Submission(
            f"web:{sent.key}", Chat("web", CHAT_ID, message_id=sent.key), g.visitor.actor(ACTOR),
            session_id=sent.session, login_id=g.visitor.session_id, control=(sent.signal, sent.value),
        )  # fmt: skip
        return jsonify(present.shown(router.submit(submission)))


def _add_messages(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/send")
    def send() -> ResponseReturnValue:
        sent = body(Send)
        if not sent.text and sent.file is None:
            raise InvalidRequest("text required; missing: text")
        submission = Submission(
            f"web:{sent.key}",
            Chat("web", CHAT_ID, message_id=sent.key),
            g.visitor.actor(ACTOR),
            text=sent.text,
            reply_to_message_id=sent.message_id or "",
            # An answer goes where its message came from, whichever session is open.
            session_id="" if sent.message_id else sent.session,
            login_id=g.visitor.session_id,
            file=None if sent.file is None else sent.file.stored(g.visitor.session_id),
        )
        return jsonify(present.shown(router.submit(submission)))

    @blueprint.post("/console/api/press")
    def press() -> ResponseReturnValue:
        sent = body(Press)
        place = Chat("web", CHAT_ID, message_id=sent.message_id)
        submission = Submission(
            f"web:{sent.key}", place, g.visitor.actor(ACTOR), button=sent.data, session_id=sent.session,
            login_id=g.visitor.session_id,
        )  # fmt: skip
        return jsonify(present.shown(router.submit(submission)))

    @blueprint.post("/console/api/key")
    def key() -> ResponseReturnValue:
        sent = body(PressKey)
        pressed = router.own.send_key(sent.session, sent.name, request=f"web:{sent.key}", origin=_web())
        return jsonify(present.command(pressed))


def _add_passkeys(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """All of it passes through: the router makes what is signed, and judges it."""

    @blueprint.post("/console/api/passkey-options")
    def passkey_options() -> ResponseReturnValue:
        sent, login_id = body(PasskeyOptions), g.visitor.session_id
        made = router.begin_passkey(login_id, code=sent.code or "", notification_id=sent.message_id or "")
        return jsonify(options=json.loads(made))

    @blueprint.post("/console/api/passkey")
    def add_passkey() -> ResponseReturnValue:
        sent = body(AddPasskey)
        router.add_passkey(g.visitor.session_id, sent.code, sent.credential)
        return jsonify(ok=True)

    @blueprint.post("/console/api/allow")
    def allow() -> ResponseReturnValue:
        sent = body(Allow)
        submission = Submission(
            f"web:{sent.key}", Chat("web", CHAT_ID, message_id=sent.key), g.visitor.actor(ACTOR),
            reply_to_message_id=sent.message_id, login_id=g.visitor.session_id, passkey=sent.credential,
        )  # fmt: skip
        return jsonify(present.shown(router.submit(submission)))


def _add_commands(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/start")
    def start() -> ResponseReturnValue:
        sent = body(Start)
        actor = g.visitor.actor(f"web:{CHAT_ID}")
        origin = Origin("web", actor, Chat("web", CHAT_ID, message_id=sent.key))
        request, agent = f"web:{sent.key}", sent.agent or ""
        started = router.own.start(
            sent.prompt, sent.machine_id, sent.folder or "", agent=agent, request=request, origin=origin
        )
        return jsonify(present.command(started))

    @blueprint.post("/console/api/end")
    def end() -> ResponseReturnValue:
        sent = body(OfSession)
        return jsonify(present.command(router.own.stop(sent.session, request=f"web:{sent.key}", origin=_web())))

    @blueprint.post("/console/api/rename")
    def rename() -> ResponseReturnValue:
        sent = body(Rename)
        return jsonify(present.shown(router.own.rename(sent.session, sent.name, request=f"web:{sent.key}")))

    @blueprint.post("/console/api/cancel")
    def cancel() -> ResponseReturnValue:
        return jsonify(present.command(router.own.cancel(body(OfCommand).command_id, request="")))

    @blueprint.post("/console/api/retry")
    def retry() -> ResponseReturnValue:
        sent = body(OfCommand)
        repeated = router.own.redrive(sent.command_id, sent.session or "", request=f"web:{sent.key}")
        return jsonify(present.command(repeated))

    @blueprint.post("/console/api/drop")
    def drop() -> ResponseReturnValue:
        return jsonify(present.command(router.own.drop(body(OfCommand).command_id, request="")))


def _add_machines(blueprint: Blueprint, router: ConsoleRouter) -> None:
    @blueprint.post("/console/api/join-token")
    def join_token() -> ResponseReturnValue:
        machine_id = body(Join).machine_id or ""
        made = router.own.create_join_token(machine_id.strip())
        return jsonify(token=made.join_token, expires_at=made.expires_at and made.expires_at.timestamp())


def _web() -> Origin:
    return Origin("web", g.visitor.actor(""))


def _depth(value: str) -> int:
    return max(PAGE, min(int(value), LONGEST))

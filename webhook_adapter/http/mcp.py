"""The Model Context Protocol over HTTP: a session's program, shown by its worker token, uses tools from anywhere.

Nothing is held between two requests. A call that waits for a person waits a while; then its answer names a ticket, with
which the same call goes on waiting, also at another process than this one.
"""

import base64
import binascii
import json
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from pointsman.client.control import Control
from pointsman.client.deferred import DeferredTask
from pointsman.client.errors import RouterError
from pointsman.client.notes import NoteScope, NoteState
from pointsman.client.people_records import Answer
from pointsman.client.session_messages import SessionMessageState
from pointsman.mcp import protocol, tools
from pointsman.mcp.protocol import PER_REQUEST, VERSION_KEY, WITH_HANDSHAKE, Call, Id, Server
from pointsman.mcp.tools import Json
from webhook_adapter.auth import is_body_to_come, let_body_come
from webhook_adapter.endpoints import BEARER, described
from webhook_adapter.http.keys import Keys

MOST_WAITING = 4  # of the server's 16 threads; whoever comes then gets a ticket at once
_BEFORE_HEADERS = "2025-03-26"  # what a client speaks that names no version
_SEVERAL = "More than one may be chosen: reply with them, with commas between."
_TICKET = "Nobody has answered yet. Call ask_person again with the same arguments and ticket {} to go on waiting."
_STATUS = {protocol.METHOD_NOT_FOUND: HTTPStatus.NOT_FOUND}  # of requests that say what they speak; all others are 400
_CONTENT = {"application/json": {"type": "object", "description": "The answer of JSON-RPC."}}
_TAKES: Json = {"type": "object", "description": "A request or notification of JSON-RPC."}


def create_blueprint(keys: Keys) -> Blueprint:
    """The endpoint."""
    blueprint, waiting = Blueprint("mcp", __name__), threading.Semaphore(MOST_WAITING)

    @blueprint.before_request
    def look_at_its_origin() -> None:
        # Programs have none. A page of a browser has, whatever name it has made ours have.
        if "Origin" in request.headers:
            abort(HTTPStatus.FORBIDDEN, "no page may call this")

    @blueprint.after_request
    def say_what_to_show(response: Response) -> Response:
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    @blueprint.post("/mcp")
    @described("mcp", 400, 401, 403, 404, 413, 429, 503, security=(BEARER,), takes=_TAKES, content=_CONTENT)
    def use_tools() -> Response:
        """Tools for the program of a session, by the Model Context Protocol.

        Streamable HTTP without sessions: each message is answered by itself, with JSON.
        """
        control = keys.worker()
        [own] = control.sessions()  # the router judges the token before a word of the body is read
        if is_body_to_come():
            let_body_come()
        return _answered(request.get_data(cache=False), Tools(control, own.session_id, waiting))

    return blueprint


class Tools:
    """What each does for one session, at the router."""

    def __init__(self, control: Control, session_id: str, waiting: threading.Semaphore) -> None:
        self._control = control
        self._session = session_id
        self._waiting = waiting

    def use(self, call: Call) -> str:
        """What became of it, in words. Raises RouterError."""
        used: dict[str, Callable[[Call], str]] = {
            tools.ASK_PERSON: self._ask, "notify": self._notify, "sessions": self._sessions,
            "later": self._later, "send_to_session": self._send_to_session,
            "remember": self._remember, "recall": self._recall, "forget": self._forget,
        }  # fmt: skip
        return used[call.name](call)

    def _ask(self, call: Call) -> str:
        given = call.arguments
        options, several = [str(each) for each in _list(given.get("options"))], given.get("several") is True
        text = f"{given['question']}\n{_SEVERAL}" if several and options else str(given["question"])
        ticket = str(given.get("ticket") or uuid.uuid4())
        own_words = several or given.get("own_words") is not False
        seconds = given.get("timeout_seconds", tools.DEFAULT_WAIT)
        found = self._waited(
            text,
            options,
            own_words=bool(options) and own_words,
            ttl=timedelta(seconds=float(str(seconds))),
            ticket=ticket,
        )
        if found.permission.state == "OPEN":
            return _TICKET.format(ticket)
        if not found.text:
            return "Nobody answered in time."
        chosen = [part.strip() for part in found.text.split(",")] if several else []
        named = {option.casefold(): option for option in options}
        fits = bool(chosen) and all(part.casefold() in named for part in chosen)
        return "\n".join(named[part.casefold()] for part in chosen) if fits else found.text

    def _waited(self, text: str, options: list[str], *, own_words: bool, ttl: timedelta, ticket: str) -> Answer:
        waits = self._waiting.acquire(blocking=False)
        try:
            return self._control.ask_for_a_while(
                self._session, text, options, own_words=own_words, ttl=ttl, request=ticket, waits=waits
            )
        finally:
            if waits:
                self._waiting.release()

    def _notify(self, call: Call) -> str:
        self._control.notify(self._session, str(call.arguments["text"]))
        return "It is on its way to them."

    def _later(self, call: Call) -> str:
        given = call.arguments
        task = DeferredTask.REMINDER if given.get("remind") is True else DeferredTask.TEXT
        kept = self._control.defer(str(given["when"]), str(given["text"]), task, self._session)
        moment = f", that is {kept.next_at.isoformat(timespec='minutes')}" if kept.next_at else ""
        return f"Kept as {kept.deferred_id}: {kept.when}{moment}."

    def _send_to_session(self, call: Call) -> str:
        to, text, reply_to = (str(call.arguments.get(name, "")) for name in ("to", "text", "reply_to"))
        said = self._control.send_to_session(to, text, reply_to)
        if said.state is SessionMessageState.WAITING:
            return f"Message {said.message_id} waits: people are asked whether this session may send to that one."
        return f"Message {said.message_id} is on its way to {said.to_session_id}. An answer is typed into this session."

    def _remember(self, call: Call) -> str:
        scope = NoteScope[str(call.arguments.get("scope", "repository")).upper()]
        note = self._control.remember(str(call.arguments["text"]), self._session, scope)
        waits = note.state is NoteState.WAITING
        known = "this session alone until a person presses Keep" if waits else note.place or scope.value.lower()
        return f"Kept as note {note.number}, for {known}."

    def _recall(self, call: Call) -> str:
        limit = int(str(call.arguments.get("limit", 10)))
        found = self._control.recall(str(call.arguments["query"]), self._session, limit=limit)
        shown = [f"Note {one.number}, by {one.source.value.lower()} {one.author}: {one.text}" for one in found]
        return "\n\n".join([tools.NOTES_ARE_DATA, *shown]) if shown else "No note has these words."

    def _forget(self, call: Call) -> str:
        number = int(str(call.arguments["number"]))
        self._control.forget(number)
        return f"Note {number} is gone."

    def _sessions(self, _: Call) -> str:
        found = self._control.sessions(reachable=True)
        shown = [
            {
                "session_id": one.session_id, "name": one.label, "folder": one.cwd, "state": one.state.value.lower(),
                "is_yours": one.session_id == self._session,
            }
            for one in found
        ]  # fmt: skip
        return json.dumps(shown, indent=1)


def _answered(body: bytes, using: Tools) -> Response:
    if len(body) > protocol.MAX_MESSAGE:
        abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    server = Server(tools.REMOTE, handshaken=True)
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return _said(server.receive(body), modern=True)
    if wrong := _mismatch(message):
        return _said(wrong, modern=True)
    taken = server.take(message)
    if isinstance(taken, Call):
        taken = _used(server, taken, using)
    if not isinstance(taken, dict):
        return Response(status=HTTPStatus.ACCEPTED)
    return _said(taken, modern=_version(message) is not None)


def _used(server: Server, call: Call, using: Tools) -> Json | None:
    try:
        return server.finished(call, using.use(call))
    except RouterError as error:
        if error.is_stranger or error.may_pass:
            raise  # over HTTP there is a word for it
        return server.finished(call, error.message, is_error=True)


def _said(answer: object, *, modern: bool) -> Response:
    assert isinstance(answer, dict)  # noqa: S101 -- each caller has one
    code = answer["error"]["code"] if "error" in answer else 0
    bad = code and (modern or code == protocol.PARSE_ERROR)
    status = _STATUS.get(code, HTTPStatus.BAD_REQUEST) if bad else HTTPStatus.OK
    return Response(protocol.line(answer), status, mimetype="application/json")


def _mismatch(message: object) -> Json | None:
    """Why the headers do not fit the message; None where they do."""
    named, said = request.headers.get("MCP-Protocol-Version"), _version(message)
    request_id = message.get("id") if isinstance(message, dict) else None
    asked: Id | None = request_id if protocol.is_id(request_id) else None
    if said is None:
        if named is None or named in (*WITH_HANDSHAKE, _BEFORE_HEADERS):
            return None
        known = {"supported": [*PER_REQUEST, *WITH_HANDSHAKE], "requested": named[:40]}
        return protocol.error(asked, protocol.UNSUPPORTED_VERSION, "Unsupported protocol version", **known)
    assert isinstance(message, dict)  # noqa: S101 -- it says a version
    wanted = {"MCP-Protocol-Version": said, "Mcp-Method": message.get("method")}
    if message.get("method") == "tools/call":
        wanted["Mcp-Name"] = message["params"].get("name")
    for header, value in wanted.items():
        if _plain(request.headers.get(header)) != value:
            return protocol.error(
                asked, protocol.HEADER_MISMATCH, f"Header mismatch: {header} is not what the body says."
            )
    return None


def _version(message: object) -> object:
    """What a request says that it speaks; None for one of the age with a handshake."""
    params = message.get("params") if isinstance(message, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta.get(VERSION_KEY) if isinstance(meta, dict) else None


def _plain(value: str | None) -> str | None:
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []

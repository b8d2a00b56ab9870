"""The Model Context Protocol as a server speaks it: messages in, messages out. Pure.

Two ages of it at once, as its specification lets a server do: the one with a handshake (`initialize`, until
2025-11-25), and the one without (2026-07-28), in which each request says by itself what it speaks.

    request ──▶ an answer at once, or a Call ──▶ progress … ──▶ finished
    notification ──▶ nothing, or the Call that is cancelled: of that one not another word is said
"""

import json

from pointsman.mcp import tools
from pointsman.mcp.tools import Json

Id = str | int

PER_REQUEST = ("2026-07-28",)
WITH_HANDSHAKE = ("2025-11-25", "2025-06-18", "2024-11-05")  # newest first; 2025-03-26 wants batches

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022

MAX_MESSAGE = 512 * 1024  # bytes
MOST_CALLS = 64  # of one client at once; the router takes fewer questions of a session
_META = "io.modelcontextprotocol"
VERSION_KEY = f"{_META}/protocolVersion"
_CAPABILITIES_KEY = f"{_META}/clientCapabilities"
_SERVER: Json = {"name": "pointsman", "title": "Pointsman", "version": tools.VERSION}
_CAN: Json = {"tools": {}}
_FRESH: Json = {"ttlMs": 3_600_000, "cacheScope": "public"}
_NEITHER = f"Say initialize first, or name the protocol's version in _meta, as {VERSION_KEY}."


class Call:
    """A tool that is to be used. `modern`: of the age without a handshake."""

    __slots__ = ("arguments", "modern", "name", "request_id", "steps", "token")

    def __init__(self, request_id: Id, name: str, arguments: Json, token: Id | None, *, modern: bool) -> None:
        self.request_id = request_id
        self.name = name
        self.arguments = arguments
        self.token = token  # whom progress is told to; None for nobody
        self.steps = 0
        self.modern = modern


class Cancelled:
    """A call whose answer nobody wants any more."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call


Taken = Json | Call | Cancelled | None
"""What a message leads to: an answer, something to do, something to stop, or nothing."""


class Server:
    """One client's conversation. `calls` are those that go on."""

    def __init__(self, offered: tuple[Json, ...], *, handshaken: bool = False) -> None:
        self.calls: dict[Id, Call] = {}
        self._offered = {str(tool["name"]): tool for tool in offered}
        self._handshaken = handshaken

    def receive(self, line: bytes) -> Taken:
        """A message as it came."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return error(None, PARSE_ERROR, "That is not JSON.")
        return self.take(message)

    def take(self, message: object) -> Taken:
        """A message as a value."""
        if not isinstance(message, dict):
            return error(None, INVALID_REQUEST, "A message is one JSON object.")
        method, params = message.get("method"), message.get("params", {})
        if "id" not in message:
            return self._cancelled(params) if method == "notifications/cancelled" else None
        if method is None and ("result" in message or "error" in message):
            return None  # an answer, and we asked nothing
        request_id = message["id"]
        if not is_id(request_id):
            return error(None, INVALID_REQUEST, "An id is a text or a whole number.")
        if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
            return error(request_id, INVALID_REQUEST, "That is no request of JSON-RPC 2.0.")
        if not isinstance(params, dict):
            return error(request_id, INVALID_PARAMS, "params must be an object.")
        return self._requested(request_id, method, params)

    def finished(self, call: Call, text: str, *, is_error: bool = False) -> Json | None:
        """The answer to a call; None where it was cancelled meanwhile."""
        if self.calls.get(call.request_id) is not call:
            return None
        del self.calls[call.request_id]
        return _result(call.request_id, _said(text, is_error=is_error), modern=call.modern)

    def progress(self, call: Call, words: str) -> Json | None:
        """A sign that a call goes on; None where nobody wants one."""
        if call.token is None or self.calls.get(call.request_id) is not call:
            return None
        call.steps += 1
        told: Json = {"progressToken": call.token, "progress": call.steps, "message": words}
        return {"jsonrpc": "2.0", "method": "notifications/progress", "params": told}

    def _cancelled(self, params: object) -> Cancelled | None:
        named = params.get("requestId") if isinstance(params, dict) else None
        call = self.calls.pop(named, None) if isinstance(named, str | int) else None
        return Cancelled(call) if call else None

    def _requested(self, request_id: Id, method: str, params: Json) -> Taken:
        if method == "initialize":
            return self._initialize(request_id, params)
        meta = params.get("_meta")
        modern = isinstance(meta, dict) and VERSION_KEY in meta
        if isinstance(meta, dict) and modern and (refused := _judged(request_id, meta)):
            return refused
        if method == "ping" and not modern:
            return _result(request_id, {}, modern=False)
        if not modern and not self._handshaken:
            return error(request_id, INVALID_PARAMS, _NEITHER)
        match method:
            case "server/discover" if modern:
                about: Json = {"supportedVersions": list(PER_REQUEST), "capabilities": _CAN}
                return _result(request_id, about | {"instructions": tools.INSTRUCTIONS} | _FRESH, modern=True)
            case "tools/list":
                return self._list(request_id, params, modern=modern)
            case "tools/call":
                return self._call(request_id, params, modern=modern)
        return error(request_id, METHOD_NOT_FOUND, f"There is no method {method[:60]!r} here.")

    def _initialize(self, request_id: Id, params: Json) -> Json:
        wanted = params.get("protocolVersion")
        if not isinstance(wanted, str):
            return error(request_id, INVALID_PARAMS, "protocolVersion must be text.")
        self._handshaken = True
        chosen = wanted if wanted in WITH_HANDSHAKE else WITH_HANDSHAKE[0]
        about: Json = {"protocolVersion": chosen, "capabilities": _CAN, "serverInfo": _SERVER}
        return _result(request_id, about | {"instructions": tools.INSTRUCTIONS}, modern=False)

    def _list(self, request_id: Id, params: Json, *, modern: bool) -> Json:
        if params.get("cursor") is not None:
            return error(request_id, INVALID_PARAMS, "There is one page alone, and so no cursor.")
        listed: Json = {"tools": list(self._offered.values())}
        return _result(request_id, listed | (_FRESH if modern else {}), modern=modern)

    def _call(self, request_id: Id, params: Json, *, modern: bool) -> Json | Call:
        name, arguments, meta = params.get("name"), params.get("arguments"), params.get("_meta")
        arguments = {} if arguments is None else arguments
        if not isinstance(name, str) or name not in self._offered:
            return error(request_id, INVALID_PARAMS, f"Unknown tool: {str(name)[:60]}")
        if not isinstance(arguments, dict):
            return error(request_id, INVALID_PARAMS, "arguments must be an object.")
        if request_id in self.calls:
            return error(request_id, INVALID_REQUEST, "A request with this id has not been answered yet.")
        # What a model got wrong it reads as the tool's own words, and can mend.
        wrong = tools.misfit(self._offered[name], arguments)
        if len(self.calls) >= MOST_CALLS:
            wrong = f"{MOST_CALLS} calls wait already; wait for one of them."
        if wrong:
            return _result(request_id, _said(wrong, is_error=True), modern=modern)
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        call = Call(request_id, name, arguments, token if is_id(token) else None, modern=modern)
        self.calls[request_id] = call
        return call


def is_id(value: object) -> bool:
    """Whether a request may have it as its id; progress its token."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def error(request_id: object, code: int, words: str, **data: object) -> Json:
    """A no. An id that could not be read is null."""
    said: Json = {"code": code, "message": words}
    return {"jsonrpc": "2.0", "id": request_id, "error": said | ({"data": data} if data else {})}


def line(message: Json) -> bytes:
    """A message as it goes out: on one line, whatever its texts hold."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _judged(request_id: Id, meta: Json) -> Json | None:
    """Why a request that says what it speaks is not served; None where it is."""
    wanted = meta[VERSION_KEY]
    if not isinstance(wanted, str) or not isinstance(meta.get(_CAPABILITIES_KEY), dict):
        return error(request_id, INVALID_PARAMS, f"_meta needs {VERSION_KEY}, and {_CAPABILITIES_KEY}.")
    if wanted in PER_REQUEST:
        return None
    known = {"supported": list(PER_REQUEST), "requested": wanted[:40]}
    return error(request_id, UNSUPPORTED_VERSION, "Unsupported protocol version", **known)


def _said(text: str, *, is_error: bool) -> Json:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}


def _result(request_id: Id, result: Json, *, modern: bool) -> Json:
    if modern:
        result = result | {"resultType": "complete", "_meta": {f"{_META}/serverInfo": _SERVER}}
    return {"jsonrpc": "2.0", "id": request_id, "result": result}

"""A stand-in for the endpoint of a model, in both dialects, that refuses what they refuse: the newest prompt decides.

%slow SECONDS X       says X, word by word over that time
%fail STATUS SECONDS  answers with that status, and wants to be asked again after those seconds
%cut N X              says N words of X, and the connection ends
%silent X             says X, and then nothing more
%mute                 takes the request, and answers nothing at all
%odd WHAT             answers with what is none: json, lines, type, error
%propose {JSON}       asks for the tool hand_over with those arguments
anything else         "echo: " and the prompt
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Json = dict[str, Any]
KEY = "sk-owner-and-nobody-else"
_DIRECTIVE = re.compile(r"(?:^|\n)%(\w+) ?([^\n]*)")
SUMMARY = "Ada likes tea."


class ModelEndpoint:
    """Listens on loopback for the time of a `with` block."""

    def __init__(self) -> None:
        self.prompts: list[str] = []  # the newest of each request
        self.bodies: list[Json] = []
        self.complaints: list[str] = []  # about requests that are not as the dialect says
        self.takes_tools = True
        self.refused = 0  # requests, as they had tools
        self.over = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.endpoint = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def cut(self) -> None:
        """End all connections, as nobody can expect."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        self._open.discard(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _endpoint(self) -> ModelEndpoint:
        return self.server.endpoint  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        self._endpoint.opened(self.connection)
        try:
            self._asked(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        except OSError:
            self.close_connection = True  # whoever asked is gone
        finally:
            self._endpoint.closed(self.connection)

    def _asked(self, body: Json) -> None:
        is_anthropic = self.path == "/v1/messages"
        if wrong := _wrong(self.path, dict(self.headers), body):
            self._endpoint.complaints.append(wrong)
            self._refuse(400, wrong)
            return
        prompt = body["messages"][-1]["content"]
        if body.get("tools") and not self._endpoint.takes_tools:
            self._endpoint.refused += 1
            self._refuse(400, "registry.ollama.ai/library/gemma:2b does not support tools")
            return
        self._endpoint.bodies.append(body)
        if _system(body).startswith("You make a summary"):
            self._stream(_events(body, SUMMARY, is_anthropic=is_anthropic), 0)
            return
        self._endpoint.prompts.append(prompt)
        self._replied(body, prompt, is_anthropic=is_anthropic)

    def _replied(self, body: Json, prompt: str, *, is_anthropic: bool) -> None:
        directive, rest = (_DIRECTIVE.findall(prompt) or [("", "")])[-1]
        first, _, text = rest.partition(" ")
        match directive:
            case "slow":
                words = len(text.split()) or 1
                self._stream(_events(body, text, is_anthropic=is_anthropic), float(first) / words)
            case "fail":
                self._refuse(int(first), f"it is ill, and knows {KEY}", text)
            case "cut":
                self._stream(_events(body, text, is_anthropic=is_anthropic), 0, int(first) + 2)
            case "silent":
                self._stream(_events(body, rest, is_anthropic=is_anthropic), 0, len(rest.split()) + 2, is_cut=False)
            case "mute":
                self._endpoint.over.wait(60)
            case "odd":
                self._odd(rest)
            case "propose":
                self._stream(_events(body, "", rest, is_anthropic=is_anthropic), 0)
            case _:
                self._stream(_events(body, f"echo: {prompt}", is_anthropic=is_anthropic), 0)

    def _refuse(self, status: int, words: str, after: str = "") -> None:
        data = json.dumps({"type": "error", "error": {"type": "ill", "message": words}}).encode()
        self.send_response(status)
        if after:
            self.send_header("retry-after", after)
        self._with(data, "application/json")

    def _odd(self, what: str) -> None:
        match what:
            case "type":
                self.send_response(200)
                self._with(b"<html>Sign in</html>", "text/html")
            case "lines":
                self._head()
                self._chunk(b"data: " + b"x" * 2_000_000)
            case _:
                self._head()
                error = {"type": "error", "error": {"message": f"overloaded {KEY}"}}
                said = {"json": "{", "error": json.dumps(error)}[what]
                self._chunk(f"data: {said}\n\n".encode())
                self._chunk(b"")

    def _with(self, data: bytes, kind: str) -> None:
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _head(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _stream(self, events: Iterator[str], pause: float, most: int = 10**9, *, is_cut: bool = True) -> None:
        self._head()
        for at, event in enumerate(events):
            if at == most:
                self.close_connection = True
                if not is_cut:
                    self._endpoint.over.wait(60)
                return
            data = event.encode()
            self._chunk(data[: len(data) // 2])  # events and chunks have nothing to do with each other
            self._chunk(data[len(data) // 2 :])
            if pause and self._endpoint.over.wait(pause):
                return
        self._chunk(b"")


def _wrong(path: str, headers: dict[str, str], body: Json) -> str:
    """What the real ones would not take."""
    named = {name.lower(): value for name, value in headers.items()}
    roles = [message["role"] for message in body["messages"]]
    if path == "/v1/messages":
        if named.get("anthropic-version") != "2023-06-01" or named.get("x-api-key") != KEY:
            return "no version, or no key"
        if not isinstance(body.get("max_tokens"), int) or "stream_options" in body:
            return "max_tokens"
    elif path == "/v1/chat/completions":
        if named.get("authorization") != f"Bearer {KEY}":
            return "no key"
        if roles.pop(0) != "system":
            return "the system's words do not stand first"
    else:
        return f"no such path: {path}"
    if not body.get("model") or body.get("stream") is not True:
        return "no model, or no stream"
    if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:  # some templates take nothing else
        return f"not in turns: {roles}"
    if any(_tool(one, path) for one in body.get("tools", [])):
        return "a tool"
    return "" if all(message["content"].strip() for message in body["messages"]) else "an empty message"


def _tool(told: Json, path: str) -> str:
    """What is wrong with a tool that is offered."""
    shape = told.get("input_schema")
    if path != "/v1/messages":
        if told.get("type") != "function":
            return "no function"
        told = told["function"]
        shape = told.get("parameters")
    if not re.fullmatch("[a-zA-Z0-9_-]{1,64}", told.get("name", "")) or not told.get("description"):
        return "no name, or no description"
    return "" if isinstance(shape, dict) and shape.get("type") == "object" else "no schema"


def _system(body: Json) -> str:
    return str(body.get("system") or body["messages"][0]["content"])


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _events(body: Json, text: str, proposed: str = "", *, is_anthropic: bool) -> Iterator[str]:
    if is_anthropic:
        for event in _anthropic(body, text, proposed):
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
    else:
        for chunk in _openai(body, text, proposed):
            yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"


def _anthropic(body: Json, text: str, proposed: str) -> Iterator[Json]:
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": body["model"]}
    yield {"type": "message_start", "message": {**message, "usage": usage}}
    block: Json = {"type": "text", "text": ""}
    if proposed:
        block = {"type": "tool_use", "id": "toolu_1", "name": "hand_over", "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    for word in _words(text):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    for half in (proposed[: len(proposed) // 2], proposed[len(proposed) // 2 :]) if proposed else ():
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": half}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "ping"}
    reason = "tool_use" if proposed else "end_turn"
    yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def _openai(body: Json, text: str, proposed: str) -> Iterator[Json]:
    def chunk(delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": body["model"], "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    yield chunk({})
    for word in _words(text):
        yield chunk({"content": word})
    if proposed:
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "hand_over", "arguments": ""}}
        yield chunk({"tool_calls": [call]})
        yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": proposed}}]})
    yield chunk({}, "tool_calls" if proposed else "stop")
    yield {**chunk({}), "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}

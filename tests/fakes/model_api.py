"""A stand-in for the model behind Claude Code: the newest prompt decides what it answers.

%bash COMMAND      asks for the Bash tool, then says what the tool said
%ask QUESTION | A | B    asks that question with those options, then says what it was told
%tool NAME {JSON}  asks for that tool with those arguments, then says what the tool said
%slow SECONDS X    says X, word by word over that time
%agent PROMPT      asks for a subagent with that prompt, then says what it said
that a person has allowed a call    asks for that very call, then says what the tool said
%all [[NAME, {…}], …]    asks for one tool after the other, then says "echo: all of it"
anything else      "echo: " and the prompt
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Json = dict[str, Any]
_DIRECTIVE = re.compile(r"(?:^|\n)\s*%(\w+) ([^\n]*)")
_ALLOWED = re.compile(r"a person has allowed this: (\w+) (\{.*\})\n")
_INTERRUPTED = re.compile(r".*\[Request interrupted by user[^\]]*\]", re.DOTALL)
_USAGE = {
    "input_tokens": 10,
    "output_tokens": 1,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}


class ModelApi:
    """Listens on loopback for the time of a `with` block."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.systems: list[str] = []  # what stood before each of them
        self.limited_until = 0  # seconds since the epoch; until somebody says 0, every prompt is at a usage limit
        self.asked: Callable[[], None] | None = None  # hears of each prompt, before it is answered
        self._spoke = time.monotonic()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.api = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def speaks(self) -> None:
        """It is asked something, or has answered."""
        self._spoke = time.monotonic()

    def silent(self) -> float:
        """For how many seconds it has not been asked, and has answered nothing."""
        return time.monotonic() - self._spoke

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _api(self) -> ModelApi:
        return self.server.api  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.path.startswith("/v1/messages?") or "messages" not in body:
            self._answer({"input_tokens": 1})
            return
        prompt, results = _newest(body["messages"])
        if not body.get("tools"):  # a question beside the conversation: its title, a summary
            self._stream(body, [_text(json.dumps({"title": "A title"}))], 0.0)
            return
        if not results:
            self._api.prompts.append(prompt)
            self._api.systems.append(json.dumps(body.get("system")))
            if self._api.asked:
                self._api.asked()
        self._api.speaks()
        if self._api.limited_until:
            self._refuse(self._api.limited_until)
            return
        self._stream(body, *_reply(prompt, results))
        self._api.speaks()

    def _answer(self, content: Json) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, until: int) -> None:
        """As the API does with a subscription at its limit."""
        error = {"type": "rate_limit_error", "message": "This request would exceed your account's rate limit."}
        data = json.dumps({"type": "error", "error": error}).encode()
        self.send_response(429)
        limit = {"status": "rejected", "reset": str(until), "representative-claim": "five_hour"}
        for name, value in limit.items():
            self.send_header(f"anthropic-ratelimit-unified-{name}", value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body: Json, blocks: list[Json], seconds: float) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        words = sum(len(block.get("text", "").split()) for block in blocks) or 1
        try:
            for event in _events(body, blocks):
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                if seconds and event["type"] == "content_block_delta":
                    time.sleep(seconds / words)
        except OSError:
            return  # interrupted


def _newest(messages: list[Json]) -> tuple[str, list[str]]:
    """The newest prompt, and what the tools said since."""
    results: list[str] = []
    for message in reversed(messages):
        content = message["content"]
        blocks = [_text(content)] if isinstance(content, str) else content
        said = [str(block.get("content", "")) for block in blocks if block["type"] == "tool_result"]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        prompt = "\n".join(text for text in texts if not text.lstrip().startswith("<system-reminder>"))
        fresh = _INTERRUPTED.sub("", prompt).strip()  # an interrupted turn and the next prompt share a message
        if message["role"] == "user" and fresh and (not said or fresh != prompt.strip()):
            return fresh, results
        results = said + results
    return "", results


def _reply(prompt: str, results: list[str]) -> tuple[list[Json], float]:
    """What the model says, and how many seconds it takes to say it."""
    if allowed := _ALLOWED.search(prompt):
        text = _text(f"tool said: {' | '.join(results)}")
        return [text if results else _tool(allowed[1], json.loads(allowed[2]))], 0
    match (_DIRECTIVE.findall(prompt) or [("", "")])[-1]:
        case ("bash", command) if not results:
            return [_tool("Bash", {"command": command, "description": "Run it"})], 0
        case ("ask", rest) if not results:
            question, *labels = (each.strip() for each in rest.split("|"))
            options = [{"label": label, "description": f"It is {label}"} for label in labels]
            asked = {"question": question, "header": "Choose", "options": options, "multiSelect": False}
            return [_tool("AskUserQuestion", {"questions": [asked]})], 0
        case ("tool", rest) if not results:
            name, _, arguments = rest.partition(" ")
            return [_tool(name, json.loads(arguments))], 0
        case ("agent", rest) if not results:
            given = {"description": "Look around", "prompt": rest, "subagent_type": "general-purpose"}
            return [_tool("Agent", given)], 0
        case ("all", rest):
            left = json.loads(rest)[len(results) :]
            return [_tool(*left[0]) if left else _text("echo: all of it")], 0
        case ("bash" | "ask" | "agent" | "tool", _):
            return [_text(f"tool said: {' | '.join(results)}")], 0
        case ("slow", rest):
            seconds, _, text = rest.partition(" ")
            return [_text(text)], float(seconds)
    return [_text(f"echo: {prompt}")], 0


def _tool(name: str, arguments: Json) -> Json:
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": name, "input": arguments}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _events(body: Json, blocks: list[Json]) -> Iterator[Json]:
    message = {"id": f"msg_{uuid.uuid4().hex[:24]}", "type": "message", "role": "assistant", "content": []}
    start = {**message, "model": body["model"], "stop_reason": None, "stop_sequence": None, "usage": _USAGE}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **_EMPTY[block["type"]]}}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
    yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": _USAGE}
    yield {"type": "message_stop"}


_EMPTY: dict[str, Json] = {"text": {"text": ""}, "tool_use": {"input": {}}}


def _deltas(block: Json) -> Iterator[Json]:
    if block["type"] == "tool_use":
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        return
    for word in re.findall(r"\S+\s*|\s+", block["text"]):
        yield {"type": "text_delta", "text": word}

"""A stand-in for the models behind Gemini CLI, OpenCode and Codex, each in its dialect: the newest prompt decides.

%bash COMMAND      asks for the program's shell tool, then says what the tool said
%tool NAME {JSON}  asks for the tool whose name ends so, with those arguments, then says what the tool said
%slow SECONDS X    says X, word by word over that time
%fail CODE         answers with that HTTP error
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
Block = tuple[str, str]  # ("text", words), ("run", command), or ("use", name and arguments)
Reading = tuple[str, list[str]]  # the newest prompt, and what tools said since
_DIRECTIVE = re.compile(r"(?:^|\n)\s*%(\w+) ([^\n]*)")
# What the programs put into people's messages by themselves.
_TIMED = re.compile(r"^<current_datetime>[^<]*</current_datetime>\s*")  # Copilot, before each text
_NOT_TYPED = ("<", "# AGENTS.md", "This is the Gemini CLI")
_SHELLS = ("run_shell_command", "bash", "exec_command", "shell_command", "shell")


class Models:
    """Listens on loopback for the time of a `with` block."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.models = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _typed(content: Any) -> str:
    parts = [content] if isinstance(content, str) else [one.get("text", "") for one in content if isinstance(one, dict)]
    parts = [_TIMED.sub("", one) for one in parts]
    return "\n".join(one for one in parts if one.strip() and not one.lstrip().startswith(_NOT_TYPED)).strip()


def _newest(messages: list[Any], prompt_of: Callable[[Any], str], result_of: Callable[[Any], str | None]) -> Reading:
    results: list[str] = []
    for message in reversed(messages):
        if (result := result_of(message)) is not None:
            results.insert(0, result)
        elif prompt := prompt_of(message):
            return prompt, results
    return "", results


def _read_chat(body: Json) -> Reading:
    return _newest(
        body["messages"],
        lambda one: _typed(one.get("content") or "") if one["role"] == "user" else "",
        lambda one: str(one.get("content")) if one["role"] == "tool" else None,
    )


def _read_responses(body: Json) -> Reading:
    return _newest(
        body["input"],
        lambda one: _typed(one.get("content") or "") if one.get("role") == "user" else "",
        lambda one: json.dumps(one.get("output")) if str(one.get("type")).endswith("_output") else None,
    )


def _read_gemini(body: Json) -> Reading:
    def result(one: Json) -> str | None:
        found = [part["functionResponse"] for part in one["parts"] if "functionResponse" in part]
        return json.dumps([each.get("response") for each in found]) if found else None

    return _newest(
        body["contents"], lambda one: _typed(one["parts"]) if one.get("role", "user") == "user" else "", result
    )


def _tools(body: Json) -> dict[str, Json]:
    """The tools on offer, and what they take."""
    offered = list(body.get("tools") or [])
    items = body.get("input")
    for item in items if isinstance(items, list) else []:
        if item.get("type") == "additional_tools":  # Codex
            offered += [tool for space in item["tools"] for tool in space.get("tools", [space])]
    found: dict[str, Json] = {}
    for tool in offered:
        for one in tool.get("functionDeclarations") or [tool.get("function") or tool]:
            if one.get("name"):
                found[one["name"]] = one.get("parametersJsonSchema") or one.get("parameters") or {}
    return found


def _use(tools: dict[str, Json], kind: str, text: str) -> tuple[str, Json | str]:
    """The tool that a block asks for. Codex has those of MCP servers as functions of a program."""
    if kind == "run":
        return _call(tools, text)
    wanted, _, arguments = text.partition(" ")
    if "exec" in tools:
        return "exec", f"const r = await tools.mcp__pointsman__{wanted}({arguments}); text(JSON.stringify(r))"
    return next(one for one in tools if one.endswith(wanted)), json.loads(arguments)


def _call(tools: dict[str, Json], command: str) -> tuple[str, Json | str]:
    """The shell tool with a command. Codex asks people only where the model wants out of its sandbox."""
    out = {"sandbox_permissions": "require_escalated", "justification": "It must be outside."}
    if "exec" in tools:  # what it takes is a program
        return "exec", f"const r = await tools.exec_command({json.dumps({'cmd': command, **out})}); text(r.output)"
    name = next((one for one in _SHELLS if one in tools), "shell")
    fields = tools.get(name, {}).get("properties", {})
    key = "cmd" if "cmd" in fields else "command"
    more = {"description": "Run it"} if "description" in fields else {}
    return name, {key: command, **more, **(out if "sandbox_permissions" in fields else {})}


def _reply(prompt: str, results: list[str]) -> tuple[list[Block], float]:
    """What the model says, and how many seconds it takes to say it."""
    match (_DIRECTIVE.findall(prompt) or [("", "")])[-1]:
        case ("bash", command) if not results:
            return [("text", "I will run it."), ("run", command)], 0
        case ("tool", rest) if not results:
            return [("text", "I will use it."), ("use", rest)], 0
        case ("bash" | "tool", _):
            return [("text", f"tool said: {' | '.join(results)}")], 0
        case ("slow", rest):
            seconds, _, text = rest.partition(" ")
            return [("text", text)], float(seconds)
    return [("text", f"echo: {prompt}")], 0


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _chat(blocks: list[Block], tools: dict[str, Json]) -> Iterator[Json]:
    def delta(fields: Json, why: str | None = None) -> Json:
        choice = {"index": 0, "delta": fields, "finish_reason": why}
        return {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "stub", "choices": [choice]}

    yield delta({"role": "assistant", "content": ""})
    for kind, text in blocks:
        if kind == "text":
            yield from (delta({"content": word}) for word in _words(text))
        else:
            name, given = _use(tools, kind, text)
            function = {"name": name, "arguments": json.dumps(given)}
            call = {"index": 0, "id": f"call_{uuid.uuid4().hex[:20]}", "type": "function", "function": function}
            yield delta({"tool_calls": [call]})
    yield delta({}, "stop" if blocks[-1][0] == "text" else "tool_calls")
    yield {**delta({}), "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}


def _gemini(blocks: list[Block], tools: dict[str, Json]) -> Iterator[Json]:
    def chunk(part: Json, **more: Any) -> Json:
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0, **more}
        return {"candidates": [candidate], "usageMetadata": usage}

    for kind, text in blocks:
        if kind == "text":
            yield from (chunk({"text": word}) for word in _words(text))
        else:
            name, given = _use(tools, kind, text)
            yield chunk({"functionCall": {"name": name, "args": given}})
    yield chunk({"text": ""}, finishReason="STOP")


def _responses(blocks: list[Block], tools: dict[str, Json]) -> Iterator[Json]:
    base = {"id": f"resp_{uuid.uuid4().hex[:24]}", "object": "response", "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": base}
    output: list[Json] = []
    for at, (kind, text) in enumerate(blocks):
        name = uuid.uuid4().hex[:24]
        if kind == "text":
            item: Json = {"type": "message", "id": f"msg_{name}", "role": "assistant", "content": []}
            yield {"type": "response.output_item.added", "output_index": at, "item": item}
            place = {"item_id": item["id"], "output_index": at, "content_index": 0}
            part = {"type": "output_text", "text": "", "annotations": []}
            yield {"type": "response.content_part.added", **place, "part": part}
            yield from ({"type": "response.output_text.delta", **place, "delta": word} for word in _words(text))
            item = {**item, "status": "completed", "content": [{**part, "text": text}]}
        else:
            tool, given = _use(tools, kind, text)
            item = {"type": "custom_tool_call", "id": f"ctc_{name}", "call_id": f"call_{name}", "name": tool}
            item["input"] = given
            if not isinstance(given, str):
                item |= {"type": "function_call", "id": f"fc_{name}", "arguments": json.dumps(item.pop("input"))}
            yield {"type": "response.output_item.added", "output_index": at, "item": item}
        yield {"type": "response.output_item.done", "output_index": at, "item": item}
        output.append(item)
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}  # type: ignore[dict-item]
    yield {"type": "response.completed", "response": {**base, "status": "completed", "output": output, "usage": usage}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        model = {"id": "stub", "object": "model", "created": 0, "owned_by": "stub"}
        self._answer({"object": "list", "data": [model], "models": []})

    def do_POST(self) -> None:
        body = self._body()
        read, write = _read_chat, _chat
        if self.path.endswith("/responses"):
            read, write = _read_responses, _responses
        elif "enerateContent" in self.path:
            read, write = _read_gemini, _gemini
        elif not self.path.endswith("/chat/completions"):
            self._answer({"totalTokens": 10})
            return
        tools = _tools(body)
        if not tools:  # a question beside the conversation: its title, which model to take
            self._aside(body, write)
            return
        prompt, results = read(body)
        if not results:
            self.server.models.prompts.append(prompt)  # type: ignore[attr-defined]
        if failing := re.match(r"%fail (\d+)", prompt):
            self._answer({"error": {"message": "the model is ill", "code": int(failing[1])}}, int(failing[1]))
            return
        blocks, seconds = _reply(prompt, results)
        self._stream(write(blocks, tools), seconds / max(1, len(_words(blocks[0][1]))))

    def _aside(self, body: Json, write: Callable[[list[Block], dict[str, Json]], Iterator[Json]]) -> None:
        schema = (body.get("generationConfig") or {}).get("responseJsonSchema") or {}
        wanted = {name: (one.get("enum") or ["x"])[0] for name, one in schema.get("properties", {}).items()}
        text = json.dumps(wanted) if wanted else "A title"
        if write is _gemini and "stream" not in self.path:
            self._answer(next(_gemini([("text", text.replace(" ", ""))], {})))
        else:
            self._stream(write([("text", text)], {}), 0)

    def _body(self) -> Json:
        data = b""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
        body: Json = json.loads(data or b"{}")
        return body

    def _answer(self, content: Json, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, events: Iterator[Json], pause: float) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for event in events:
                name = f"event: {event['type']}\n" if "type" in event else ""
                self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            return  # interrupted

"""A coding agent that speaks ACP, with no model behind it, and as rude as a test wants it: acp_agent.py FOLDER.

In FOLDER it notes each prompt that it gets (`prompts`, a JSON line each, on disk before anything is said), and reads
from `manners` (JSON, at each start) how it behaves:

    {"dies": POINT}        is killed there
    {"hangs": POINT}       says nothing more there, and reads nothing
    {"slow": SECONDS}      takes so long at each point
    {"waits": [POINT, FILE]}    goes on there once that file is there
    {"odd": POINT, "line": LINE}    says that line first there
    {"answers": {METHOD: RESULT}, "fails": {METHOD: {"code": .., "message": ..}}}
    {"only": PROMPT}       of prompts fails with this one alone
    {"dies_of": PROMPT}    is killed when it gets that
    {"replays_late": true} goes on with the old words behind the answer to a load
    {"ids": true}          its words have the id of their message
    {"deaf": true}         does not end at the end of its input, nor at SIGTERM
    {"echoes": true}       says it in words when its mode is set
    {"busy": "stops"}      a prompt that comes in a turn stops that turn, as three real programs do

Points: started, initialize, session/new, session/load, session/resume, session/set_mode, session/prompt, said, asked,
told, ended, session/cancel.

A prompt decides what it does: `%ask WHAT` asks whether it may and, of `touch made…`, does it, `%form` asks with a form,
`%wait` says a word and waits to be stopped, `%fail` ends the turn with an error, `%big N` says N characters, anything
else: "echo: " and the prompt.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

Json = dict[str, Any]
FOLDER = Path(sys.argv[1])
MANNERS: Json = json.loads((FOLDER / "manners").read_text()) if (FOLDER / "manners").exists() else {}
LOCK = threading.Lock()


def out(line: str) -> None:
    with LOCK:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def send(**message: Any) -> None:
    out(json.dumps({"jsonrpc": "2.0", **message}))


def point(name: str) -> None:
    """Somewhere in its work."""
    with (FOLDER / "points").open("a") as file:
        file.write(name + "\n")
    if MANNERS.get("odd") == name:
        out(MANNERS["line"] if "line" in MANNERS else "x" * MANNERS["huge"])
    if MANNERS.get("dies") == name:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(MANNERS.get("slow", 0))
    if MANNERS.get("waits", [""])[0] == name:
        while not Path(MANNERS["waits"][1]).exists():
            time.sleep(0.01)
    if MANNERS.get("hangs") == name:
        threading.Event().wait()


class Agent:
    def __init__(self) -> None:
        self.session = ""
        self.stopped = threading.Event()
        self.answers: dict[str, queue.Queue[Json]] = {}
        self.turn: threading.Thread | None = None
        self.at_work = False
        self.asked = 0

    def run(self) -> None:
        point("started")
        for line in sys.stdin:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if "method" not in message:
                if message.get("id") in self.answers:
                    self.answers[message["id"]].put(message)
            elif message["method"] == "session/cancel":
                point("session/cancel")
                self.stopped.set()
            elif message["method"] == "session/prompt":
                self.prompted(message)
            else:
                self.called(message["id"], message["method"], message["params"])

    def called(self, name: int, method: str, params: Json) -> None:
        point(method)
        if method in MANNERS.get("fails", {}):
            return send(id=name, error=MANNERS["fails"][method])
        if method in MANNERS.get("answers", {}):
            result: Json = MANNERS["answers"][method]
            self.session = params.get("sessionId") or result.get("sessionId")
            return send(id=name, result=result)
        result = {}
        if method.startswith("session/set_"):
            self.set(method, params)
        if method == "initialize":
            able = {"loadSession": True, "sessionCapabilities": {"resume": {}}}
            result = {"protocolVersion": 1, "agentCapabilities": able}
        elif method == "session/new":
            self.session = MANNERS.get("name") or str(uuid.uuid4())
            result = {"sessionId": self.session, "models": {"currentModelId": "stub"}}
        elif method in ("session/load", "session/resume"):
            self.session = params["sessionId"]
            if method == "session/load":
                return self.replay(name)
        return send(id=name, result=result)

    def set(self, method: str, params: Json) -> None:
        """It is noted in `set`; one of the real ones says so in words, too."""
        value = str(params.get("modeId") or params.get("modelId") or params.get("value"))
        with (FOLDER / "set").open("a") as file:
            file.write(f"{'mode' if method.endswith('mode') else 'model'} {value}\n")
        if method == "session/set_mode" and MANNERS.get("echoes"):
            content = {"type": "text", "text": f"[MODE_UPDATE] {value}"}
            self.update({"sessionUpdate": "agent_message_chunk", "content": content})

    def replay(self, name: int) -> None:
        late = MANNERS.get("replays_late")
        if late:
            send(id=name, result={})
        self.say("old words")
        if late:
            self.update({"sessionUpdate": "available_commands_update", "availableCommands": []})
        else:
            send(id=name, result={})

    def prompted(self, message: Json) -> None:
        text = message["params"]["prompt"][0]["text"]
        file = os.open(FOLDER / "prompts", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, json.dumps(text).encode() + b"\n")
        os.fsync(file)
        os.close(file)
        point("session/prompt")
        if self.turn is not None and self.at_work:
            (FOLDER / "collided").touch()
            if MANNERS.get("busy") == "stops":
                self.stopped.set()
            self.turn.join()
        error = MANNERS.get("fails", {}).get("session/prompt")
        if error and text == MANNERS.get("only", text):
            return send(id=message["id"], error=error)
        if text == MANNERS.get("dies_of"):
            os.kill(os.getpid(), signal.SIGKILL)
        self.stopped.clear()
        self.at_work = True
        self.turn = threading.Thread(target=self.turned, args=(message["id"], text), daemon=True)
        self.turn.start()
        return None

    def turned(self, name: int, text: str) -> None:
        result = MANNERS.get("answers", {}).get("session/prompt") or {"stopReason": self.work(text)}
        point("ended")
        self.at_work = False
        if text == "%fail":
            send(id=name, error={"code": -32603, "message": "the model is ill"})
        else:
            usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
            send(id=name, result={"usage": usage, **result})

    def work(self, text: str) -> str:
        if text.startswith("%ask"):
            return self.ask(text)
        if text == "%form":
            return self.form()
        if text.startswith("%big"):
            self.say("b" * int(text.split()[1]))
            return "end_turn"
        if text == "%wait":
            self.say("working")
            self.stopped.wait()
            return "cancelled"
        self.say(f"echo: {text}")
        return "end_turn"

    def ask(self, text: str) -> str:
        what = text.removeprefix("%ask").strip() or "touch x"
        call = {"toolCallId": "t1", "title": what, "kind": "execute", "rawInput": {"command": what}}
        self.update({"sessionUpdate": "tool_call", "status": "pending", **call})
        options = [
            {"optionId": "yes_always", "name": "Allow for this session", "kind": "allow_always"},
            {"optionId": "yes_once", "name": "Allow", "kind": "allow_once"},
            {"optionId": "no", "name": "Reject", "kind": "reject_once"},
        ]
        answer = self.request("session/request_permission", {"toolCall": call, "options": options})["outcome"]
        if answer["outcome"] == "cancelled":
            self.stopped.wait(5)
            return "cancelled"
        if answer["optionId"] != "no" and what.startswith("touch made"):
            Path(what.removeprefix("touch ")).touch()
        self.update({"sessionUpdate": "tool_call_update", "toolCallId": "t1", "status": "completed"})
        self.say(f"told: {answer['optionId']}")
        return "end_turn"

    def form(self) -> str:
        colours = [{"const": "r", "title": "Red"}, {"const": "b", "title": "Blue"}]
        properties = {
            "colour": {"type": "string", "title": "Colour", "oneOf": colours},
            "colour_custom": {"type": "string", "title": "Other"},
            "sizes": {"type": "array", "title": "Sizes", "items": {"enum": ["S", "M", "L"]}},
        }  # fmt: skip
        asked = {"mode": "form", "message": "Which?", "requestedSchema": {"type": "object", "properties": properties}}
        self.say("told: " + json.dumps(self.request("elicitation/create", asked)))
        return "end_turn"

    def request(self, method: str, params: Json) -> Json:
        self.asked += 1
        name = f"q{self.asked}"
        self.answers[name] = queue.Queue()
        send(id=name, method=method, params={"sessionId": self.session, **params})
        point("asked")
        answer = self.answers[name].get()
        point("told")
        result: Json = answer.get("result", {})
        return result

    def say(self, words: str) -> None:
        message = {"messageId": str(uuid.uuid4())} if MANNERS.get("ids") else {}
        for part in (words[: len(words) // 2], words[len(words) // 2 :]):
            self.update({"sessionUpdate": "agent_message_chunk", **message, "content": {"type": "text", "text": part}})
        point("said")

    def update(self, update: Json) -> None:
        send(method="session/update", params={"sessionId": self.session, "update": update})


if MANNERS.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
Agent().run()
if MANNERS.get("deaf"):
    threading.Event().wait()

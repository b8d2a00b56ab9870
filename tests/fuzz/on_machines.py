"""What comes to a machine: frames of the router, programs on its local socket, what Claude Code writes and says."""

import asyncio
import atexit
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentlink.v1 import agent_link_pb2 as link_pb

from agent.backends.claude import prompt_box, stream_json, transcript
from agent.backends.claude.registry_file import ClaudeCode
from agent.backends.claude.transcript_file import Cursor
from agent.backends.pty_messages import action_of, of_outcome, outcome_of
from agent.backends.terminals import nvim_socket, tmux_control
from agent.backends.terminals.keyboard import Refused, Silent
from agent.backends.terminals.typing_rules import bursts, clean
from agent.domain import alert
from agent.domain.claude_question import questions
from agent.domain.errors import AgentError, Refusal
from agent.domain.frames import AgentFrame, SessionEvents
from agent.domain.hook import Repeats
from agent.domain.masks import Masks
from agent.domain.session import Session
from agent.domain.session_event import Event, fit
from agent.hooks import claude_code, forward, installer
from agent.link.convert import agent_frame, router_frame
from agent.link.driver import Unreadable
from agent.link.protocol import Link
from agent.local.question import question_of
from agent.local.requests import Requests, _buttons, _event, _wanted
from agent.local.server import Connection
from agent.services.claude_questions import tool_use
from tests.fuzz.target import messages, target

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
LOOP = asyncio.new_event_loop()
SESSION = Session("s-1", "pty", "api", "/")


def text(data: bytes) -> str:
    return data.decode(errors="replace")


@target(*messages(link_pb.RouterFrame, "frame"))
def router_frames(data: bytes) -> None:
    link = Link(0.0)
    for now in (1.0, 2.0):
        try:
            frame = router_frame(data)
        except Unreadable:
            link.unreadable(now)
        else:
            link.receive(frame, now)
            str(frame).encode()
    link.tick(3.0, 0)
    assert link.wakes_at() == link.wakes_at(), "no time that is no number"


ASK = {"op": "ask", "session_id": "s-1", "tool": "Bash", "input": "ls", "kind": "tool", "seconds": 60, "ask_id": "a",
       "options": [{"id": "yes", "label": "Yes", "verdict": "allow", "takes_text": True}]}  # fmt: skip
NOTIFY = {"op": "notify", "session_id": "s-1", "text": "done", "files": ["/tmp/x"],
          "buttons": [{"label": "Go on", "action": "continue"}]}  # fmt: skip
REGISTER = {"op": "register", "session_id": "s-1", "backend": "tmux", "target": {"pane": "%1"}, "label": "api",
            "cwd": "/", "pid": 1}  # fmt: skip
EVENT = {"hook_event_name": "PermissionRequest", "session_id": "c-1", "tool_name": "Bash", "prompt_id": "p",
         "tool_input": {"command": "ls", "questions": [{"question": "Which?", "options": [{"label": "a"}]}]},
         "permission_suggestions": [{"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "ls:*"}],
                                     "behavior": "allow", "destination": "session"}],
         "message": "waits", "notification_type": "idle_prompt", "last_assistant_message": "I am done.",
         "agent_type": "x", "background_tasks": [1]}  # fmt: skip
HOOK = {"op": "hook", "event": "Stop", "scope": "user", "ask": "a1", "parent": 1, "payload": EVENT,
        "environ": {"HOME": "/", "CLAUDE_PID": "1"}}  # fmt: skip
LINES = [json.dumps(each) + "\n" for each in (ASK, NOTIFY, REGISTER, HOOK)]


ROW = {"type": "user", "isSidechain": False, "timestamp": "2026-11-29T12:00:00.000Z", "gitBranch": "main",
       "permissionMode": "plan", "origin": {"kind": "human"}, "message": {"id": "m", "role": "user", "model": "opus",
       "usage": {"input_tokens": 1}, "content": [
           {"type": "text", "text": "<command-name>/x</command-name><command-args>y</command-args>"},
           {"type": "tool_use", "id": "t", "name": "TodoWrite", "input": {"todos": [{"content": "a", "status": "x"}]}},
           {"type": "tool_result", "tool_use_id": "t", "is_error": True, "content": [{"type": "text", "text": "x"}]}]},
       "toolUseResult": {"filePath": "/a", "structuredPatch": [{"oldStart": 1, "lines": ["-a", "+b"]}]}}  # fmt: skip
QUEUED = {"type": "attachment", "attachment": {"type": "queued_command", "prompt": "x", "commandMode": "prompt"}}
ROWS = [json.dumps(each) for each in (ROW, ROW | {"type": "assistant"}, QUEUED, {"type": "ai-title", "aiTitle": "t"})]
MASKS = Masks()


@target(*ROWS, '{"type":"system","subtype":"informational","content":"x"}')
def transcripts(data: bytes) -> None:
    """What Claude Code writes of a conversation."""
    events, known = transcript.parse(data, transcript.Known())
    for event in events:
        assert len(session_events_frame(fit(event, MASKS))) < 66_000, "more than the router takes"
    assert transcript.parse(data, transcript.Known()) == (events, known), "read again it says the same"
    cursor = Cursor("/a", 1, 2, 3, known, ("idle", ""))
    assert Cursor.unpacked(cursor.packed()) == cursor
    assert len(cursor.packed()) < 4096


@target(Cursor().packed(), "{}")
def cursors(data: bytes) -> None:
    """What a router gives back to read on from."""
    Cursor.unpacked(data).packed()


def session_events_frame(event: Event) -> bytes:
    return agent_frame(AgentFrame(1, SessionEvents("s", 1, 1, (event,), b"")))


@target(*LINES, "".join(LINES))
def local_socket(data: bytes) -> None:
    """What programs on this machine say to the agent."""
    LOOP.run_until_complete(_heard(data))


class Deaf:
    """Takes what is written."""

    def write(self, data: bytes) -> None:
        json.loads(data)

    async def drain(self) -> None:
        """At once."""


async def _heard(data: bytes) -> None:
    reader = asyncio.StreamReader(limit=1024 * 1024)
    reader.feed_data(data)
    reader.feed_eof()
    writer: Any = Deaf()
    connection = Connection(reader, writer, os.getpid())
    while True:
        try:
            message = await connection.read()
            if message is None:
                return
            understood(message)
        except AgentError as error:
            error.text.encode()
        except OSError:
            return


def understood(message: dict[str, object]) -> None:
    """All that is made of a message before the agent's stores are asked."""
    Requests.asks(message)
    for make in (_event, _buttons, lambda said: question_of(said, SESSION), lambda said: _wanted(said, "tmux", {})):
        with suppress(Refusal):
            str(make(message)).encode(errors="surrogatepass")
    with suppress(Refusal):
        event = _event(message)
        Repeats().is_new(event)
        hooked(event)


def hooked(event: Any) -> None:
    for name in ("Stop", "StopFailure", "SubagentStop", "Notification", event.name):
        told = alert.text_of(type(event)(name, event.pid, event.environ, event.payload))
        told.encode()
    use = tool_use(event)
    for question in questions(use, "s-1", event.asker):
        str(question).encode()


@target(json.dumps(EVENT), "{}", '{"prompt": "a\\nb"}\r\n')
def hook_input(data: bytes) -> None:
    """What Claude Code gives a hook: it becomes one line, and where it is JSON, the agent reads just that."""
    try:
        line = forward.line("PreToolUse", data, "user")
    except (ValueError, RecursionError):  # the hook's last line catches all: the session goes on
        return
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    with suppress(ValueError, RecursionError):
        payload = json.loads(data)
        if isinstance(payload, dict):
            understood(json.loads(line))


STREAM = [
    {"type": "system", "subtype": "init", "session_id": "c"},
    {"type": "system", "subtype": "session_state_changed", "state": "idle"},
    {"type": "result", "subtype": "success", "result": "done", "errors": ["x"], "terminal_reason": "x"},
    {"type": "user", "isReplay": True, "uuid": "u"},
    {"type": "control_request", "request_id": "r", "request": {"subtype": "can_use_tool", "tool_name": "Bash",
     "input": EVENT["tool_input"], "permission_suggestions": EVENT["permission_suggestions"]}},
    {"type": "control_response", "response": {"request_id": "r", "subtype": "error", "error": "x"}},
]  # fmt: skip


@target(*map(json.dumps, STREAM))
def stream_lines(data: bytes) -> None:
    """What a Claude Code without a terminal says."""
    said = stream_json.parse(data)
    if isinstance(said, stream_json.Asked):
        for question in questions(said.use, "s-1", "a"):
            str(question).encode()


@target(json.dumps({"pid": 1, "sessionId": "c", "status": "idle", "startedAt": 1, "waitingFor": "x"}))
def registry_file(data: bytes) -> None:
    """What Claude Code keeps of a process of its own."""
    claude = ClaudeCode(1, FOLDER, FOLDER)
    claude.file.parent.mkdir(exist_ok=True)
    claude.file.write_bytes(data)
    claude.look()


BOX = "hello\n─────────\n\u276f draft\n  more\n─────────\n  \x1b[2mdraft stashed\x1b[0m\n"


@target(BOX, BOX.replace("\u276f", "!"), "───── ↑ 3 more ─────\n text\n──────", "\x1b[2mTry\x1b[0m")
def screens(data: bytes) -> None:
    """What a terminal shows."""
    begun = time.process_time()
    prompt_box.box_of(text(data))
    prompt_box.refused(prompt_box.defused(text(data)), ("mine",))
    assert time.process_time() - begun < 5, "a screen that takes seconds to read"


@target("hello\r\nworld", "\x1b[201~rm -rf /\r", "\x9b201~", "a\x00\x08b\u2028", "tab\tbed")
def typed_texts(data: bytes) -> None:
    """What is typed holds no control character but newline and tab, and no bit is lost on the way."""
    cleaned = clean(text(data))
    assert not {letter for letter in cleaned if (letter < " " or "\x7f" <= letter <= "\x9f") and letter not in "\n\t"}
    assert clean(cleaned) == cleaned
    assert "".join(bursts(cleaned)) == cleaned


@target("%begin 1 2 1\n%0 77\n%end 1 2 1", "%begin 1 2 1\nno\n%error 1 2 1\n%exit", "client-attached[0] x", '~;\\"$\n')
def tmux_answers(data: bytes) -> None:
    """What tmux says in control mode, whatever is on a screen; what it is told stays one line."""
    words = text(data)
    tmux_control.is_watched(words)
    with suppress(Refused):
        tmux_control.answer_of(words.split("\n"))
    assert "\n" not in tmux_control.line_of([(clean(words), "x")])


@target(
    b"\x94\x01\x01\xc0\xa15",
    b"\x94\x01\x01\x92\x00\xa3bad\xc0",
    b"\x93\x02\xa4redr\x90\x94\x01\x01\xc0\xc3",
    b"\xdd\xff\xff\xff\xff",
)
def nvim_answers(data: bytes) -> None:
    """What nvim sends, or what else listens there."""
    begun = time.process_time()
    with suppress(Refused, Silent):
        nvim_socket.answer_of(data)
    nvim_socket.question_of(text(data))
    assert time.process_time() - begun < 5, "an answer that takes seconds to read"


DELIVER = {"type": "deliver", "delivery": 1, "text": "x", "submit": True}
OUTCOME = {"type": "outcome", "delivery": 1, "ending": "DONE", "reason": "NONE", "detail": "d"}


@target(json.dumps(DELIVER), json.dumps(OUTCOME), '{"key": "enter"}')
def pty_lines(data: bytes) -> None:
    """What agent and host of a terminal say to each other."""
    with suppress(ValueError, RecursionError):
        message = json.loads(data)
        if isinstance(message, dict):
            action_of(message)
            of_outcome(outcome_of(message))


SETTINGS = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}, "model": "opus"}
HOOKS = installer.Hooks("/usr/bin/python3", "/a.sock", claude_code.EVENTS[:3], "user")


@target(json.dumps(SETTINGS, indent=2), json.dumps(SETTINGS), "{}", '{"hooks": {}}', '{"a": 1}')
def claude_settings(data: bytes) -> None:
    """A person's settings with our hooks put in and taken out again are what they were, byte for byte."""
    before = text(data)
    with suppress(installer.NotEditable):
        bare = installer._without(before)
        if bare is not None:
            with_hooks = installer._with(bare, HOOKS)
            assert len(installer._lines(with_hooks)) == len(HOOKS.events)
            assert installer._without(with_hooks) == bare

"""Programs that write their record as Claude Code does, and the independent account of what stands in it.

A turn is a prompt, three tools, a plan, a question, a subagent, which has a record of its own, an error of the API and
an answer. The program lives on whatever dies beside it, and tells its hooks to whatever agent is there.
"""

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from agent.hooks.forward import BEGINS_A_TALK, keep
from agent.local.client import socket_path
from tests.faults.world import Machine
from tests.waiting import wait_until

PACE = 0.02  # seconds between lines
ENOUGH = 40  # things of a talk; then /clear begins another record, perhaps while no agent is there
Row = Mapping[str, object]


class Talk:
    """One session: a program with its record, which grows while it is entered."""

    def __init__(self, machine: Machine, session: str, folder: Path) -> None:
        self.session = session
        self.files: list[list[str]] = []  # what stands in each file of the record, in its order
        self.turns = 0  # that are written whole
        self._machine = machine
        self._folder = folder
        self._program = subprocess.Popen(["sleep", "infinity"])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._clear()
        where: dict[str, object] = {"backend": "command", "target": {"command": "true"}, "pid": self._program.pid}
        machine.ask(op="register", session_id=session, **where)
        wait_until(lambda: self._hook("SessionStart", source="startup"))

    def begin(self) -> None:
        self._thread.start()

    def rest(self) -> None:
        """Write the turn to its end, and tell the agent where all of it stands."""
        self._stopping.set()
        self._thread.join()
        wait_until(lambda: self._hook("Stop"), 60)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._program.kill()
        self._program.wait()

    def _clear(self) -> None:
        self._name = str(uuid.uuid4())
        self._path = self._folder / f"{self._name}.jsonl"
        self._path.touch()
        self.files.append([])

    def _hook(self, event: str, **payload: object) -> bool:
        """Tell the agent, if there is one, as the real hooks do; whether it has heard."""
        environ = {
            "CLAUDE_PID": str(self._program.pid),
            "POINTSMAN_SESSION_ID": self.session,
            "HOME": str(self._folder),
        }
        said = {"hook_event_name": event, "session_id": self._name, "transcript_path": str(self._path), **payload}
        message: dict[str, object] = {"op": "hook", "event": event, "environ": environ, "payload": said}
        message["ask"] = str(uuid.uuid4())
        try:
            self._machine.ask(**message)
        except (OSError, ValueError):
            if event == BEGINS_A_TALK:
                keep(socket_path(self._machine.folder.parent), json.dumps(message).encode() + b"\n")
            return False
        return True

    def _write(self) -> None:
        while not self._stopping.is_set():
            if len(self.files[-1]) > ENOUGH:
                self._clear()
                self._hook("SessionStart", source="clear")
            self._hook("UserPromptSubmit", prompt="go on")
            talk, of_subagent = self.files[-1], list[str]()
            for row, things, agent_id in self._turn(f"{self.session} turn {self.turns}"):
                self._add(row, self._record(agent_id))
                (of_subagent if agent_id else talk).extend(things)
                self._stopping.wait(PACE)
            self.files.insert(-1, of_subagent)  # the talk's own stays the last
            self._hook("Stop")
            self.turns += 1

    def _record(self, agent_id: str) -> Path:
        if not agent_id:
            return self._path
        folder = self._path.with_suffix("") / "subagents"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"agent-{agent_id}.jsonl"

    def _add(self, row: Row, path: Path) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = json.dumps({"timestamp": stamp, "sessionId": self._name, "uuid": str(uuid.uuid4()), **row}) + "\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def _turn(self, name: str) -> Iterator[tuple[Row, list[str], str]]:
        """Rows, each with the things that stand in it, and whose record it stands in."""
        yield user(f"{name} prompt"), [f"said {name} prompt"], ""
        for number, tool in enumerate(("Bash", "Read", "Edit")):
            yield from used(f"{name} tool {number}", tool, {"command": name})
        todos = [{"content": f"{name} plan", "status": "pending"}]
        (begun, things, _), ended = used(f"{name} todo", "TodoWrite", {"todos": todos})
        yield begun, [*things, f"plan {name} plan"], ""
        yield ended
        yield from used(f"{name} question", "AskUserQuestion", {"questions": [{"question": "which?"}]})
        yield from self._subagent(name)
        error = assistant({"type": "text", "text": f"API Error: {name}"})
        yield error | {"isApiErrorMessage": True}, [f"said API Error: {name}"], ""
        yield assistant({"type": "text", "text": f"{name} answer"}), [f"said {name} answer"], ""

    def _subagent(self, name: str) -> Iterator[tuple[Row, list[str], str]]:
        """One that works on behind the end of its use, until a prompt that nobody typed says that it is over."""
        agent_id = f"a{uuid.uuid4().hex[:16]}"
        begun, (ended, things, _) = used(f"{name} task", "Agent", {"description": "look", "prompt": "look around"})
        yield begun
        yield ended | {"toolUseResult": {"isAsync": True, "agentId": agent_id}}, [], ""
        for number in range(2):
            for row, of_child, _ in used(f"{name} child {number}", "Bash", {"command": name}):
                yield row | {"isSidechain": True, "agentId": agent_id}, of_child, agent_id
        use = things[0].split()[1]
        over = f"<task-notification><tool-use-id>{use}</tool-use-id><status>completed</status></task-notification>"
        yield user(over) | {"origin": {"kind": "task-notification"}}, things, ""


def user(content: object) -> dict[str, object]:
    return {"type": "user", "isSidechain": False, "message": {"role": "user", "content": content}}


def assistant(block: Row) -> dict[str, object]:
    usage = {"input_tokens": 10, "output_tokens": 5}
    message = {"id": str(uuid.uuid4()), "model": "claude-x", "role": "assistant", "content": [block], "usage": usage}
    return {"type": "assistant", "isSidechain": False, "message": message}


def used(name: str, tool: str, given: Row) -> tuple[tuple[dict[str, object], list[str], str], ...]:
    """A tool's begin and end."""
    use = name.replace(" ", "-")
    begun = assistant({"type": "tool_use", "id": use, "name": tool, "input": given})
    ended = user([{"type": "tool_result", "tool_use_id": use, "content": f"done {name}"}])
    return (begun, [f"tool {use} RUNNING"], ""), (ended, [f"tool {use} DONE"], "")

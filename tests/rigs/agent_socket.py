"""A small agent for tests of the command line: its local socket, answering from memory."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.local.client import socket_path


class FakeAgent:
    """Scripted from outside: what it knows, and what it answers."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.sessions: list[dict[str, Any]] = []
        self.late: list[dict[str, Any]] = []  # known once somebody has asked for the sessions
        self.refusal: dict[str, Any] | None = None
        self.status: dict[str, Any] = {"machine_id": "box", "connected": True, "inbox_depth": 0}

    def add_session(self, session_id: str, label: str = "") -> None:
        self.sessions.append({"session_id": session_id, "label": label})

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        answers: dict[str, dict[str, Any]] = {
            "register": {"session_id": request.get("session_id") or "made-up", "generation": 1},
            "unregister": {},
            "sessions": {"sessions": self.sessions},
            "status": self.status,
            "notify": {"notification_id": "n-local"},
            "hook": {},
        }
        if request["op"] == "sessions":
            self.sessions, self.late = [*self.sessions, *self.late], []
        return self.refusal or {"ok": True, **answers[request["op"]]}


@contextmanager
def listening(data_dir: Path) -> Iterator[FakeAgent]:
    """The agent of that data directory, until the block ends."""
    fake = FakeAgent()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(json.dumps(fake.answer(json.loads(line))).encode() + b"\n")

    path = Path(socket_path(data_dir))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()

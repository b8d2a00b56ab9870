"""What a coding agent is to its hooks: a process, and events handed to the installed client."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import agent.hooks.forward
from agent.local.client import socket_path

FORWARD = Path(agent.hooks.forward.__file__)


@dataclass
class Program:
    """A process that stands for Claude Code, and the talk that it is in."""

    data_dir: Path
    pid: int
    conversation_id: str = "11111111-2222-3333-4444-555555555555"
    cwd: str = "/srv/api"
    environ: dict[str, str] = field(default_factory=dict)
    scope: str = "user"

    def hook(self, event: str, **payload: object) -> "subprocess.CompletedProcess[bytes]":
        """Run the client as the hook of one event would be run."""
        return call(self.data_dir, event, self.payload(event, **payload), self.variables(), scope=self.scope)

    async def says(self, event: str, **payload: object) -> None:
        """One event, which the agent must take without a sound."""
        ended = await asyncio.to_thread(self.hook, event, **payload)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")

    def payload(self, event: str, **payload: object) -> bytes:
        head = {"session_id": self.conversation_id, "cwd": self.cwd, "hook_event_name": event}
        return json.dumps({**head, **payload}).encode()

    def variables(self) -> dict[str, str]:
        own = {"CLAUDE_PID": str(self.pid), "CLAUDE_CODE_ENTRYPOINT": "cli", "HOME": "/srv/me"}
        return {**own, **self.environ}


def call(
    data_dir: Path, event: str, payload: bytes, environ: Mapping[str, str], cwd: Path | None = None, scope: str = "user"
) -> "subprocess.CompletedProcess[bytes]":
    """The client, started as the installed hooks start it."""
    command = [sys.executable, "-I", "-S", str(FORWARD), socket_path(data_dir), event, scope]
    return subprocess.run(command, input=payload, capture_output=True, env={**os.environ, **environ}, cwd=cwd)


@contextmanager
def program(data_dir: Path, **fields: Any) -> Iterator[Program]:
    """A program, until the block ends."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            yield Program(data_dir, process.pid, **fields)
        finally:
            process.kill()

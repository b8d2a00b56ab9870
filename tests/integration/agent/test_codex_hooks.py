"""Codex without its server, through the real client of its hooks: told of, and nothing goes back."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agent.domain.command import Input, Reason
from agent.domain.frames import Notify
from agent.domain.session import SessionState
from agent.hooks import codex
from agent.hooks.claude_code import command
from agent.local.client import socket_path
from tests.rigs.agent_rig import Rig, Rigs

NOBODY = "127.0.0.1:1"
BUSY, IDLE = SessionState.BUSY, SessionState.IDLE
TALK = "11111111-2222-3333-4444-555555555555"
# A program by this name that runs each line it is given as its hook, and says when that has ended.
CODEX = '#!/bin/sh\nwhile read -r line; do sh -c "$line"; echo over; done\n'


class Window:
    """A window of Codex as far as its hooks go."""

    def __init__(self, data_dir: Path, process: "subprocess.Popen[str]") -> None:
        self._data_dir = data_dir
        self._process = process
        self._count = 0

    async def says(self, name: str, **payload: object) -> None:
        """One event, as the installed hooks tell it."""
        await asyncio.to_thread(self._hook, name, payload)

    def _hook(self, name: str, payload: Mapping[str, object]) -> None:
        event = next(one for one in codex.EVENTS if one.name == name)
        self._count += 1
        given = self._data_dir / f"event{self._count}"
        fields = {"session_id": TALK, "cwd": "/srv/api", "hook_event_name": name, **payload}
        given.write_text(json.dumps(fields))
        line = command(sys.executable, socket_path(self._data_dir), event, codex.SCOPE)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"exec < {given}; {line}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "over\n"


@contextmanager
def window(data_dir: Path, *arguments: str) -> Iterator[Window]:
    program = data_dir / "codex"
    program.write_text(CODEX)
    program.chmod(0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(data_dir), "TMUX": "/none,1,0", "TMUX_PANE": "%0"}
    environ["CLAUDE_PID"] = str(os.getpid())  # it was started by a Claude Code
    pipe = subprocess.PIPE
    with subprocess.Popen([program, *arguments], stdin=pipe, stdout=pipe, text=True, env=environ) as process:
        try:
            yield Window(data_dir, process)
        finally:
            process.kill()


async def told(rig: Rig) -> list[str]:
    return [row.item.text for row in await rig.agent.outbox.after(0, 100) if isinstance(row.item, Notify)]


async def test_it_becomes_a_session_that_is_told_of_and_takes_nothing(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with window(rig.data_dir, "--no-daemon") as here:
            await here.says("UserPromptSubmit", prompt="hi", turn_id="t1")
            (session,) = rig.agent.sessions.live()
            works = session.state
            await here.says("PermissionRequest", tool_name="Bash", tool_input={"command": "touch w1"})
            await here.says("Stop", last_assistant_message="It is made.")
            (session,) = rig.agent.sessions.live()
            backend = rig.agent.sessions.backends.get(session.backend)
            assert backend
            refused = await backend.deliver(session, Input("yes"))
            texts = await told(rig)

    assert (session.session_id, session.label, session.backend) == (f"session_{TALK}", "api", "hooks")
    assert (works, session.state) == (BUSY, IDLE)
    assert texts == ["❗ Codex asks at its terminal: Bash touch w1", "✅ Finished.\n\nIt is made."]
    assert refused.reason is Reason.UNSUPPORTED


async def test_a_turn_that_its_person_stopped_is_over_and_so_is_a_session_at_its_end(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with window(rig.data_dir, "--no-daemon") as here:
            await here.says("UserPromptSubmit", prompt="hi")
            await here.says("Interrupt")
            (session,) = rig.agent.sessions.live()
            await here.says("SessionEnd", reason="exit")
            left = rig.agent.sessions.live()
            texts = await told(rig)

    assert (session.state, left, texts) == (IDLE, (), [])


async def test_one_that_has_a_server_is_not_heard_twice(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with window(rig.data_dir) as here:
            await here.says("UserPromptSubmit", prompt="hi")

            assert list(rig.agent.sessions.live()) == []

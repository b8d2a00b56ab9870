"""What the agent opens for a program it closes once: a moment later the number may be that of its database."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.agent.backends.stages import TmuxStage
from tests.programs import needed

PROGRAM = """
import asyncio, json, sys, uvloop
from agent import processes
from agent.backends.command import CommandBackend
from agent.backends.terminals import tmux_control
from agent.backends.terminals.tmux import TmuxBackend
from agent.domain.command import Ending, Input
from agent.domain.session import Session

kind, target, pid = sys.argv[1:]
tmux_control.LINGER = 0.0

async def type_into(backend, session):
    outcome = await backend.deliver(session, Input("here"))
    assert outcome.ending is Ending.DONE, outcome
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)  # until what it opened is closed

backend = {"command": CommandBackend, "tmux": TmuxBackend}[kind]()
uvloop.run(type_into(backend, Session("s1", kind, target=json.loads(target), process=processes.identify(int(pid)))))
"""


def closed(folder: Path, kind: str, target: Mapping[str, str], pid: int = 1) -> list[str]:
    """Each close(2) in the event loop's thread of a program that types one text, with what came of it."""
    calls = folder / "calls"
    argv = ["strace", "-qq", "-e", "trace=close", "-o", str(calls), sys.executable, "-c", PROGRAM]
    done = subprocess.run([*argv, kind, json.dumps(target), str(pid)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return calls.read_text().splitlines()


@pytest.fixture(autouse=True)
def traced() -> None:
    needed("strace")


def test_of_a_command(data_dir: Path) -> None:
    calls = closed(data_dir, "command", {"command": "cat; echo complaint >&2"})

    assert calls
    assert not [call for call in calls if "EBADF" in call]


def test_of_a_tmux_server(data_dir: Path) -> None:
    with closing(TmuxStage(data_dir)) as stage:
        process = stage.session.process
        assert process is not None
        calls = closed(data_dir, "tmux", stage.session.target, process.pid)

    assert calls
    assert not [call for call in calls if "EBADF" in call]

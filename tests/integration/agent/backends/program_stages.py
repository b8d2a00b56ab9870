"""Programs that the agent runs itself, behind their backends: started by a text, and read."""

import asyncio
import json
import os
import signal
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import uvloop

from agent.backends.acp.backend import AcpBackend
from agent.backends.acp.table import Kind
from agent.backends.claude.headless import HeadlessBackend
from agent.backends.programs import ProgramBackend
from agent.domain.command import Action, Outcome
from agent.domain.session import Session
from tests.integration.agent.backends.notes import Notes
from tests.integration.agent.backends.stages import Record

ACP_AGENT = Path(__file__).resolve().parents[3] / "fakes" / "acp_agent.py"
STREAM_RECORDER = Path(__file__).with_name("stream_recorder.py")


def stream_recorder(folder: Path) -> tuple[Path, Path]:
    """A program that takes prompts as Claude Code does, and the file that it writes them to."""
    script, record = folder / "recorder", folder / "record"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S {STREAM_RECORDER} {record}\n")
    script.chmod(0o700)
    record.touch()
    return script, record


class ProgramStage(ABC):
    """A program that the agent runs itself, from its first text on."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._backend, self._session = self._runner.run(self._made(folder))

    @abstractmethod
    async def _made(self, folder: Path) -> tuple[ProgramBackend[Any, Any, Any], Session]: ...

    @abstractmethod
    def submissions(self) -> list[bytes]: ...

    def deliver(self, action: Action) -> Outcome:
        return self._runner.run(self._backend.deliver(self._session, action))

    def alive(self) -> bool:
        return self._runner.run(self._backend.alive(self._session))

    def kill(self) -> None:
        self._runner.run(self._killed())

    async def _killed(self) -> None:
        for pid in self._backend.pids:
            os.kill(pid, signal.SIGKILL)
        while self._backend.pids:
            await asyncio.sleep(0)

    def close(self) -> None:
        self._runner.run(self._backend.close())
        self._runner.close()


class HeadlessStage(ProgramStage):
    """It takes prompts as Claude Code does."""

    async def _made(self, folder: Path) -> tuple[ProgramBackend[Any, Any, Any], Session]:
        program, file = stream_recorder(folder)
        self._record = Record(file)
        backend = HeadlessBackend()
        backend.connect(Notes())
        return backend, Session("s1", "headless", cwd=str(folder), target={"program": str(program)})

    def submissions(self) -> list[bytes]:
        return self._record.news()


class AcpStage(ProgramStage):
    """It speaks ACP."""

    async def _made(self, folder: Path) -> tuple[ProgramBackend[Any, Any, Any], Session]:
        self._prompts, self._read = folder / "prompts", 0
        self._prompts.touch()
        argv = (sys.executable, "-I", "-S", str(ACP_AGENT), str(folder))
        kinds = {"stand-in": Kind("stand-in", "Stand-in", argv, brings=())}
        backend = AcpBackend({"HOME": str(folder), "PATH": os.environ["PATH"]}, kinds=kinds)
        backend.connect(Notes())
        return backend, Session("s1", "acp", cwd=str(folder), target={"agent": "stand-in"})

    def submissions(self) -> list[bytes]:
        lines = self._prompts.read_text().splitlines()[self._read :]
        self._read += len(lines)
        return [json.loads(line).encode() for line in lines]

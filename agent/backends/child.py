"""One program that we run without a terminal: a child in a process group of its own, which speaks in lines."""

import asyncio
import os
import signal
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, Self, TypeVar

import psutil

from agent.backends.terminals import typing_rules
from agent.domain.session import Process
from agent.processes import give_limits_back, is_running
from agent.token_files import SESSION

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a line may hold a whole file, or a picture. Longer ones are passed over."""

STOPPING = 2.0
"""Seconds that it gets to stop when it is told to."""

_COMPLAINTS = 2048
"""Bytes of its standard error that are kept: the end."""

S = TypeVar("S")


class Ended(Exception):
    """The process has ended; the text says how, for people."""


class Child(Generic[S]):
    """Runs until its end, or `stop`. What it says goes to `heard`, one at a time and in order."""

    ends_with_input = False  # it ends by itself, and well, when nobody can say anything to it any more
    stopping = STOPPING

    def __init__(
        self, process: asyncio.subprocess.Process, session_id: str, heard: Callable[[S], Awaitable[None]]
    ) -> None:
        self.pid = process.pid
        self.spoke = False  # before its first word it has begun nothing
        self.stopped = False  # by us
        self.how = ""  # it ended, for people; empty while it runs
        self._process = process
        self._heard = heard
        self._complaints = b""
        self.ended = asyncio.create_task(self._listen(), name=f"program of {session_id}")

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        cwd: str,
        environ: Mapping[str, str],
        session_id: str,
        heard: Callable[[S], Awaitable[None]],
    ) -> Self:
        """Raises OSError when it cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=cwd,
            env=environ,
            limit=LONGEST_LINE,  # bytes; a line is kept whole in memory
            start_new_session=True,
            preexec_fn=give_limits_back,
        )
        return cls(process, session_id, heard)

    async def stop(self) -> None:
        """End it, and everything that it has started."""
        self.stopped = True
        if self.ends_with_input and self._process.stdin is not None:
            self._process.stdin.close()
            await asyncio.wait([self.ended], timeout=self.stopping)
        self._signal(signal.SIGTERM)  # it may still write its conversation down
        await asyncio.wait([self.ended], timeout=self.stopping)
        self._signal(signal.SIGKILL)  # also what a process that ended in time has left behind
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)
        await self._process.wait()

    @abstractmethod
    async def _hear(self, line: bytes) -> None:
        """A line of its."""

    async def _send(self, line: bytes) -> None:
        """Raises OSError when it has ended."""
        assert self._process.stdin is not None  # noqa: S101 -- it was asked for
        if self._process.stdin.is_closing():  # uvloop would raise a RuntimeError, which is no fault of ours
            raise BrokenPipeError
        self._process.stdin.write(line)
        await self._process.stdin.drain()

    async def _listen(self) -> None:
        complaining = asyncio.create_task(self._complain())
        try:
            assert self._process.stdout is not None  # noqa: S101 -- it was asked for
            while (line := await _line(self._process.stdout)) is not None:
                await self._hear(line)
            code = await self._process.wait()
            await complaining
            ending = f"exit code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
            words = typing_rules.clean(self._complaints.decode(errors="ignore")).strip()
            self.how = f"{ending}: {words}" if words else ending
        finally:
            self.how = self.how or "stopped"
            complaining.cancel()

    async def _complain(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 -- it was asked for
        while data := await self._process.stderr.read(65536):
            self._complaints = (self._complaints + data)[-_COMPLAINTS:]

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


async def _line(reader: asyncio.StreamReader) -> bytes | None:
    """The next line; None at the end. Of one that is too long comes a rest that says nothing."""
    try:
        return await reader.readline() or None
    except ValueError:
        return b"\n"


async def end_left(leader: Process, session_id: str) -> None:
    """End what an agent that died has left of a session: its program, with everything in its group.

    A program may be gone, and what it started goes on with the turn: then that is found by the group, and by the
    session that it was told it is in, as the number of a group may be another's by now.
    """
    if is_running(leader):
        await end_group(leader)
    elif left := await asyncio.to_thread(_without_leader, leader.pid, session_id):
        for one in left:
            with suppress(psutil.Error):
                one.terminate()
        _, alive = await asyncio.to_thread(psutil.wait_procs, left, STOPPING)
        for one in alive:
            with suppress(psutil.Error):
                one.kill()


def _without_leader(group: int, session_id: str) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getpgid(one.pid) == group and one.environ().get(SESSION) == session_id:
                found.append(one)
    return found


async def end_group(leader: Process) -> None:
    """End a process, and everything in its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, number)
        with suppress(psutil.Error):
            await asyncio.to_thread(psutil.Process(leader.pid).wait, STOPPING)

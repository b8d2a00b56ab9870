"""One Claude Code that we run: a child without a terminal, in a process group of its own."""

import asyncio
import os
import signal
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import psutil

from agent.backends.claude import stream_asides, stream_json
from agent.backends.claude.stream_asides import Aside
from agent.backends.claude.stream_json import Answered, Asked, Finished, Said, Taken
from agent.backends.terminals import typing_rules
from agent.domain.session import Process
from agent.processes import give_limits_back

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a line may hold a whole file, or a picture. Longer ones are passed over."""

STOPPING = 2.0
"""Seconds that it gets to stop when it is told to."""

_COMPLAINTS = 2048
"""Bytes of its standard error that are kept: the end."""

Heard = Callable[[Said], Awaitable[None]]


class Ended(Exception):
    """The process has ended; the text says how, for people."""


class ClaudeProcess:
    """Runs until its end, or `stop`. What it says goes to `heard`, one at a time and in order."""

    def __init__(self, process: asyncio.subprocess.Process, session_id: str, heard: Heard) -> None:
        self.pid = process.pid
        self.spoke = False  # before its first word it has begun nothing
        self.stopped = False  # by us
        self.how = ""  # it ended, for people; empty while it runs
        self._process = process
        self._heard = heard
        self._aside: Callable[[Aside], None] = _nobody
        self._is_followed: Callable[[], bool] = bool
        self._complaints = b""
        self._awaited: dict[str, asyncio.Future[str]] = {}  # by the names of texts and requests
        self.ended = asyncio.create_task(self._listen(), name=f"headless {session_id}")

    @classmethod
    async def start(
        cls, argv: Sequence[str], cwd: str, environ: Mapping[str, str], session_id: str, heard: Heard
    ) -> "ClaudeProcess":
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

    def read_along(self, aside: Callable[[Aside], None], is_followed: Callable[[], bool]) -> None:
        """Say who hears the rest, and whether they want words as they come."""
        self._aside, self._is_followed = aside, is_followed

    async def say(self, content: str) -> None:
        """Returns when it has the text. Raises Ended."""
        name = str(uuid.uuid4())
        await self._ask(name, stream_json.text(name, content))

    async def interrupt(self) -> str:
        """Why it did not stop what it does, for people; empty when it did. Raises Ended."""
        name = str(uuid.uuid4())
        return await self._ask(name, stream_json.interrupt(name))

    async def control(self, **request: str) -> str:
        """Why it did not do that, for people; empty when it did. Raises Ended."""
        name = str(uuid.uuid4())
        return await self._ask(name, stream_json.control(name, **request))

    async def answer(self, asked: Asked, decision: Mapping[str, object]) -> None:
        """Answer its question; does nothing when it has ended."""
        with suppress(OSError):
            await self._send(stream_json.answer(asked, decision))

    async def stop(self) -> None:
        """End it, and everything that it has started."""
        self.stopped = True
        self._signal(signal.SIGTERM)  # it may still write its conversation down
        await asyncio.wait([self.ended], timeout=STOPPING)
        self._signal(signal.SIGKILL)  # also what a process that ended in time has left behind
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)
        await self._process.wait()

    async def _ask(self, name: str, line: bytes) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[name] = answer
        try:
            with suppress(OSError):  # it has ended, or ends just now: how, its last words will say
                await self._send(line)
            await asyncio.wait((answer, self.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._awaited[name]
        if not answer.done():
            raise Ended(self.how)
        return answer.result()

    async def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 -- it was asked for
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

    async def _hear(self, line: bytes) -> None:
        is_stream = stream_asides.is_stream(line)
        # A line for each piece of a word: where nobody wants them they are not even read.
        if (self._is_followed() or not is_stream) and (aside := stream_asides.parse(line)):
            self._aside(aside)
        if is_stream:
            return
        said = stream_json.parse(line)
        if said is None:
            return
        # One that finds no conversation to take up says only that, as the result of a turn that never was.
        self.spoke = self.spoke or not isinstance(said, Finished)
        match said:
            case Taken(name=name):
                if name in self._awaited:  # else it is on its way to the end, or said twice
                    await self._heard(said)
                self._resolve(name, "")
            case Answered(request_id=name, error=error):
                self._resolve(name, error)
            case _:
                await self._heard(said)

    def _resolve(self, name: str, answer: str) -> None:
        awaited = self._awaited.get(name)
        if awaited is not None and not awaited.done():
            awaited.set_result(answer)

    async def _complain(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 -- it was asked for
        while data := await self._process.stderr.read(65536):
            self._complaints = (self._complaints + data)[-_COMPLAINTS:]

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _nobody(_aside: Aside) -> None:
    """Reads along."""


async def _line(reader: asyncio.StreamReader) -> bytes | None:
    """The next line; None at the end. Of one that is too long comes a rest that says nothing."""
    try:
        return await reader.readline() or None
    except ValueError:
        return b"\n"


async def end_group(leader: Process) -> None:
    """End a process that an earlier agent has left, with everything in its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, number)
        with suppress(psutil.Error):
            await asyncio.to_thread(psutil.Process(leader.pid).wait, STOPPING)

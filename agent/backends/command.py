"""Sessions that are a shell line: each text is a run of it, with the text on its standard input."""

import asyncio
import os
import pwd
import signal
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from agent.backends.terminals import typing_rules
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import Session
from agent.processes import give_limits_back
from agent.token_files import environment

LAST_WORDS = 2048
"""Bytes of output that go into an outcome's detail."""

_INHERITED = ("PATH", "HOME", "LANG", "USER", "SHELL", "TERM", "TMPDIR")
_AFTERMATH = 0.5
"""Seconds to wait for output after the end: a child left in the background may hold the pipe open for ever."""
_STOPPING = 2.0
"""Seconds that a run gets to stop when the agent stops."""

_CHUNK = 65536


class _LastWords:
    """The end of what a run printed, whatever its length."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, data: bytes) -> None:
        self._bytes = (self._bytes + data)[-LAST_WORDS:]

    def text(self) -> str:
        return typing_rules.clean(self._bytes.decode(errors="ignore")).strip()


class _Run:
    """One run of a command line, in a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = _LastWords()  # standard output
        self._all = _LastWords()  # both, in the order they came

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def outcome(self, output: int, complaints: int) -> Outcome:
        """Waits for the end. The two descriptors are closed in every case."""
        reading = asyncio.gather(self._read(output, self._said), self._read(complaints, None))
        try:
            code = await self._process.wait()
            await asyncio.wait([reading], timeout=_AFTERMATH)
        except asyncio.CancelledError:
            await self.stop()  # nobody is left to read what it says
            raise
        finally:
            reading.cancel()  # a child in the background holds the pipe open
            await asyncio.gather(reading, return_exceptions=True)
        return self._ended(code)

    async def stop(self) -> None:
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _STOPPING)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._process.wait()

    async def _read(self, descriptor: int, also: _LastWords | None) -> None:
        # Not by connect_read_pipe: uvloop closes what it is handed twice, and then the number may be another file's.
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, ready.set)
        try:
            while data := await _chunk(descriptor, ready):
                self._all.add(data)
                if also is not None:
                    also.add(data)
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    def _ended(self, code: int) -> Outcome:
        if code == 0:
            return Outcome.done(self._said.text())
        how = f"exit code {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"
        return Outcome.failed(Reason.EXIT_CODE, f"{how}: {self._all.text()}".rstrip(": "))


async def _chunk(descriptor: int, ready: asyncio.Event) -> bytes:
    """What comes next; empty at the end."""
    while True:
        await ready.wait()
        ready.clear()
        with suppress(BlockingIOError):
            return os.read(descriptor, _CHUNK)


class CommandBackend:
    """Runs shell lines. Of the agent's own environment they see only what a shell needs."""

    def __init__(self, environ: Mapping[str, str] = MappingProxyType({}), workers: Path | None = None) -> None:
        self._workers = workers
        kept = {name: value for name, value in environ.items() if name in _INHERITED or name.startswith("LC_")}
        self._environ = {"PATH": os.defpath, "HOME": pwd.getpwuid(os.getuid()).pw_dir, **kept}
        self._running: dict[str, asyncio.Future[_Run]] = {}  # from before the start to the end

    async def deliver(self, session: Session, action: Action) -> Outcome:
        match action:
            case Input(text=text):
                return await self._run(session, typing_rules.clean(text))
            case KeyPress(name="ctrl-c"):
                return await self._interrupt(session)
            case KeyPress(name=name):
                return Outcome.failed(Reason.UNSUPPORTED, f"a command takes ctrl-c and no other key, not {name!r}")
            case ControlSignal(kind=ControlKind.INTERRUPT):
                return await self._interrupt(session)
            case ControlSignal(kind=kind):
                return Outcome.failed(
                    Reason.UNSUPPORTED, f"a command knows no {kind.value}: each input is a run of its own"
                )

    async def obstacle(self, session: Session, action: Action) -> str:  # noqa: ARG002
        """A run of its own meets no dialog."""
        return ""

    async def clear_line(self, session: Session) -> None:
        """A command has no line: each input is a run of its own."""

    async def release(self, session: Session) -> None:
        """A run ends by itself."""

    async def alive(self, session: Session) -> bool:  # noqa: ARG002
        """A command line can always be run again."""
        return True

    async def _interrupt(self, session: Session) -> Outcome:
        run = self._running.get(session.session_id)
        if run is not None:
            await asyncio.wait([run])
        if run is None or run.cancelled():
            return Outcome.done("nothing was running")
        run.result().signal(signal.SIGINT)
        return Outcome.done()

    async def _run(self, session: Session, text: str) -> Outcome:
        started = self._running[session.session_id] = asyncio.get_running_loop().create_future()
        try:
            return await self._started(session, text, started)
        finally:
            del self._running[session.session_id]
            started.cancel()  # whoever waits to interrupt it hears that nothing runs

    async def _started(self, session: Session, text: str, started: asyncio.Future[_Run]) -> Outcome:
        output, output_end = os.pipe()
        complaints, complaints_end = os.pipe()
        try:
            with _stdin(text) as stdin:
                process = await _stopped_if_cancelled(self._start(session, stdin, output_end, complaints_end))
        except BaseException as error:
            os.close(output)
            os.close(complaints)
            if not isinstance(error, OSError):
                raise
            return Outcome.failed(Reason.BACKEND_ERROR, f"the command cannot be started: {error}")
        finally:
            os.close(output_end)
            os.close(complaints_end)
        run = _Run(process)
        started.set_result(run)
        return await run.outcome(output, complaints)

    async def _start(
        self, session: Session, stdin: BinaryIO, output: int, complaints: int
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            session.target["command"],
            stdin=stdin,
            stdout=output,
            stderr=complaints,
            cwd=session.cwd or None,
            env=self._environ | environment(session.session_id, self._workers),
            start_new_session=True,  # a group of its own, so that a signal reaches all that it starts
            preexec_fn=give_limits_back,
        )


async def _stopped_if_cancelled(start: Coroutine[None, None, asyncio.subprocess.Process]) -> asyncio.subprocess.Process:
    """The process. asyncio would kill the shell alone when cancelled during its start, and leave what it started."""
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(OSError):
            await _Run(await starting).stop()
        raise


@contextmanager
def _stdin(text: str) -> Iterator[BinaryIO]:
    """The text as a nameless file: unlike a pipe it never fills up, and its end is seen by whoever reads it."""
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)  # the child reads from where we stand
        yield file

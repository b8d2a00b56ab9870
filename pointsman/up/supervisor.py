"""Keeps programs running: starts them, repeats what they log, restarts what dies, stops all in order.

start ──ready line──▶ running ──died──▶ pause ──▶ start
  │ died before its first ready line
  ▼
StartFailed: a person is watching, or systemd is; restarting would only hide the reason
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from pointsman.errors import ExitCode, Failure
from pointsman.lifeline import SUPERVISOR_PID

READY_WITHIN = 30.0  # seconds; a router with a large database checks it before it listens
STOP_WITHIN = 9.0  # seconds for all programs together, so that the whole ends within 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0  # seconds before a restart; doubles while the program keeps dying
_STABLE = 30.0  # seconds of life after which a program counts as healthy again
_LINE_LIMIT = 1024 * 1024  # bytes of one log line
_COLOURS = ("cyan", "magenta", "green", "blue")
_NAME_WIDTH = 12  # "adapter-http"

Say = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Spec:
    """A program to keep running."""

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]


class StartFailed(Failure):
    """A program did not get ready at its first start."""


class Child:
    """One program under supervision."""

    def __init__(self, spec: Spec, say: Say, tell: Say, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # what its ready line told
        self._say, self._tell = say, tell
        self._stopping = False
        self._watch(process)

    @classmethod
    async def launch(cls, spec: Spec, say: Say, tell: Say) -> "Child":
        """Start the program; it is not ready yet."""
        return cls(spec, say, tell, await _spawn(spec))

    async def keep_running(self) -> None:
        """Restart it whenever it ends, until it is stopped."""
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            pause = _FIRST_PAUSE if time.monotonic() - began > _STABLE else pause
            # Workers that outlive their parent would still hold its port.
            _signal_group(self._process.pid, signal.SIGTERM)
            self._tell(self.spec.name, f"ended with code {code}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            self._watch(await _spawn(self.spec))

    async def wait_until_ready(self) -> str:
        """What its ready line told. Raises StartFailed."""
        ended = asyncio.create_task(self._process.wait())
        either: set[asyncio.Future[Any]] = {self.ready, ended}
        await asyncio.wait(either, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if ended.done() and not self.ready.done():
            await asyncio.wait(self._readers, timeout=1.0)  # its last lines say why
            code = ended.result()
            # Codes that tell a script what is missing pass through.
            known = code if code in (ExitCode.USAGE, ExitCode.NOT_REACHABLE, ExitCode.NOT_ALLOWED) else ExitCode.FAILED
            raise StartFailed(f"{self.spec.name} ended with code {code} before it was ready", code=ExitCode(known))
        ended.cancel()
        if not self.ready.done():
            raise StartFailed(f"{self.spec.name} was not ready within {READY_WITHIN:.0f} s")
        return self.ready.result()

    async def stop(self, within: float) -> None:
        """SIGTERM, then SIGKILL to it and all that it started when it is not gone in time."""
        self._stopping = True  # first: else its end would be taken for a death
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), within)
            except TimeoutError:
                self._tell(self.spec.name, f"did not stop within {within:.1f} s; killed")
                _signal_group(self._process.pid, signal.SIGKILL)
                await self._process.wait()
        await asyncio.wait(self._readers, timeout=1.0)
        # What the program started, and lives on, may hold the pipe open.
        for reader in self._readers:
            reader.cancel()

    def _watch(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        streams = (stream for stream in (process.stdout, process.stderr) if stream is not None)
        self._readers = [asyncio.create_task(self._read(stream)) for stream in streams]

    async def _read(self, stream: asyncio.StreamReader) -> None:
        # To the end, whatever comes: a pipe that fills up stops whoever writes to it.
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than the limit; readline has dropped it
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            if text.startswith("ready ") and not self.ready.done():
                self.ready.set_result(text.split(" ", 2)[-1])
            self._say(self.spec.name, text)


class Supervisor:
    """Several programs, stopped in the opposite order of their start.

    What they say goes to `say`, what is to be told of them to `tell`.
    """

    def __init__(self, say: Say | None = None, tell: Say | None = None) -> None:
        self._say = say or self._print
        self._tell = tell or self._say
        self._names: list[str] = []
        self._children: list[Child] = []
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self, spec: Spec) -> Child:
        """Start a program and wait until it is ready; from then on it is kept running. Raises StartFailed."""
        self._names.append(spec.name)
        child = await Child.launch(spec, self._say, self._tell)
        self._children.append(child)  # before it is ready: a stop meanwhile ends it too
        await child.wait_until_ready()
        self._keepers.append(asyncio.create_task(child.keep_running()))
        return child

    async def stop(self) -> None:
        """Stop all, the last one first, so that none speaks to one that is gone."""
        # First, or they would start again what is stopped below.
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        deadline = time.monotonic() + STOP_WITHIN
        for child in sorted(self._children, key=lambda child: self._names.index(child.spec.name), reverse=True):
            # Each may use half of what is left, so that none takes the time of those after it.
            await child.stop(max(0.5, (deadline - time.monotonic()) / 2))

    def _print(self, name: str, text: str) -> None:
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
        click.echo(click.style(f"{name:<{_NAME_WIDTH}} │ ", fg=colour) + text, err=True)


def change_environment(child: Child, **changes: str) -> None:
    """What a restart of this program shall find in its environment instead."""
    child.spec = replace(child.spec, environ={**child.spec.environ, **changes})


async def run(supervisor: Supervisor, work: Coroutine[Any, Any, None]) -> None:
    """Do the work until it ends, or SIGTERM or SIGINT comes; then stop all. A second signal ends us at once."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def first_signal() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first_signal)
    working, stop = asyncio.create_task(work), asyncio.create_task(asked.wait())
    either: set[asyncio.Task[Any]] = {working, stop}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        # Before the programs, which it may be speaking to.
        working.cancel()
        stop.cancel()
        await asyncio.gather(*either, return_exceptions=True)
        await supervisor.stop()


async def forever() -> None:
    await asyncio.Event().wait()


async def _spawn(spec: Spec) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *spec.argv,
        env={**spec.environ, SUPERVISOR_PID: str(os.getpid())},
        stdin=asyncio.subprocess.DEVNULL,  # what a person types is for none of them
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        # A group of its own: Ctrl-C reaches the supervisor alone, which then stops all in order.
        process_group=0,
    )


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)

"""An agent in the test's own loop, with a real store, a real socket and a real link to a scripted router."""

import asyncio
import inspect
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.app import Agent
from agent.backends.backend import Backend, Backends, Entry
from agent.backends.registry import backends
from agent.clock import Clock
from agent.config import Config
from agent.domain.errors import StoreUnavailable
from agent.domain.session import Session
from agent.link import identity
from agent.local import client
from agent.store.database import Database
from tests.rigs.recording_backend import RecordingBackend
from tests.waiting import PATIENCE

MACHINE = "devbox"
ROOT = Path(__file__).resolve().parents[2]
# As `pointsman` starts one: beside load a program that it forks else dies of gRPC's handlers, once in ten times.
_FORKS = {"GRPC_ENABLE_FORK_SUPPORT": "0"}


async def eventually(condition: Callable[[], Any], deadline: float = PATIENCE) -> Any:
    """The first true value of a condition, plain or awaited, within the deadline (in seconds)."""
    ends = time.monotonic() + deadline
    loop = asyncio.get_running_loop()
    while not (value := await value if inspect.isawaitable(value := condition()) else value):
        assert time.monotonic() < ends, f"not within {deadline} s; last value: {value!r}"
        turn: asyncio.Future[None] = loop.create_future()
        loop.call_later(0.01, turn.set_result, None)
        await turn
    return value


@dataclass
class Rig:
    """A running agent, and what its backend typed."""

    agent: Agent
    backend: RecordingBackend
    data_dir: Path
    task: "asyncio.Task[None]"
    stop: asyncio.Event

    async def session(self, session_id: str, line: str = "cat") -> Session:
        return await self.agent.sessions.register(Session(session_id, "command", target={"command": line}))

    async def ask(self, **message: object) -> dict[str, Any]:
        """One request over the local socket."""
        return await asyncio.to_thread(client.request, client.socket_path(self.data_dir), message)

    async def sql(self, statement: str, *values: object) -> list[Any]:
        return await self.agent.database.write(lambda tx: tx.execute(statement, values).fetchall())

    async def fill_disk(self) -> None:
        """From now on the database may not grow: SQLite's own "database or disk is full", once a page is full."""
        await self.sql("PRAGMA max_page_count = 1")

    async def outbox(self) -> list[int]:
        """The numbers in the outbox."""
        return [seq for (seq,) in await self.sql("SELECT upstream_seq FROM outbox ORDER BY upstream_seq")]

    async def free_disk(self) -> None:
        """There is room again. Asked until heard: an operation that fails takes down what shares its transaction."""

        async def heard() -> bool:
            with suppress(StoreUnavailable):
                await self.sql("PRAGMA max_page_count = 1000000")
                return True
            return False

        await eventually(heard)


@dataclass
class Child:
    """An agent as a process of its own."""

    process: asyncio.subprocess.Process
    data_dir: Path

    async def ask(self, **message: object) -> dict[str, Any]:
        return await asyncio.to_thread(client.request, client.socket_path(self.data_dir), message)

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


class Rigs:
    """Starts agents on one data directory, one after the other."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.typed_into = data_dir / "typed"

    def enrol(self, router: str) -> None:
        """What enrolment leaves on disk."""
        folder = self.data_dir / "agent"
        identity.key_of(folder)
        identity.save(folder, MACHINE, "router-1", router, "")

    @asynccontextmanager
    async def running(
        self,
        router: str,
        *,
        headless: Backend | None = None,
        more: Mapping[str, Entry] | None = None,
        clock: Clock | None = None,
        database: Callable[[Path], Database] = Database,
        **settings: Any,
    ) -> AsyncIterator[Rig]:
        self.enrol(router)
        backend = RecordingBackend(self.typed_into)
        table = {**backends().table, **(more or {})}
        for name, stands_in in {"command": backend, "headless": headless}.items():
            table[name] = table[name]._replace(backend=stands_in or table[name].backend)
        agent = Agent(Config(self.data_dir, **settings), Backends(table), clock, database)
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(agent.run(stop, lambda _: ready.set()))
        try:
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
            waiting.cancel()
            yield Rig(agent, backend, self.data_dir, task, stop)
        finally:
            stop.set()
            await task

    @asynccontextmanager
    async def child(self, router: str, hangs_on: str = "", **settings: str) -> AsyncIterator[Child]:
        self.enrol(router)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.rigs.agent_process", str(self.typed_into), hangs_on),
            env=os.environ
            | _FORKS
            | {"POINTSMAN_DATA_DIR": str(self.data_dir), "POINTSMAN_START_FOLDERS": str(self.data_dir)}
            | settings,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            assert line == f"ready agent {MACHINE}\n".encode()
            yield Child(process, self.data_dir)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

"""An agent in the test's own loop, with a real store, a real socket and a real link to a scripted router."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.app import Agent
from agent.backends.pty import PtyBackend
from agent.config import Config
from agent.domain.session import Session
from agent.link import identity
from tests.fakes.recording_backend import RecordingBackend

MACHINE = "devbox"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests of this folder, each in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


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


class Rigs:
    """Starts agents on one data directory, one after the other."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.typed_into = data_dir / "typed"

    def enrol(self, router: str) -> None:
        """What enrolment leaves on disk."""
        folder = self.data_dir / "agent"
        identity.key_of(folder)
        identity.save(folder, MACHINE, "router-1", router)

    @asynccontextmanager
    async def running(self, router: str) -> AsyncIterator[Rig]:
        self.enrol(router)
        backend = RecordingBackend(self.typed_into)
        agent = Agent(Config(self.data_dir), {"command": backend, "pty": PtyBackend()})
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(agent.run(stop, lambda _: ready.set()))
        try:
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED, timeout=10)
            waiting.cancel()
            yield Rig(agent, backend, self.data_dir, task, stop)
        finally:
            stop.set()
            await task


@pytest.fixture
def rigs(data_dir: Path) -> Rigs:
    return Rigs(data_dir)

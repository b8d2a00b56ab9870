"""What a command costs an agent, in instructions: from the frame that brings it to the acknowledgement of its result.

The agent is the real one, but that its sessions type at once; the router's end of its link is ours, so that each batch
comes when the one before is done. `python -m tests.bench.agents` runs such an agent, without being asked to count.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from agent.app import run
from agent.backends.backend import Backends, Entry
from agent.backends.observed import ObservedBackend
from agent.config import Config
from agent.domain.command import Action, Outcome
from agent.domain.session import Session
from agent.link import identity
from agent.local import client
from tests.bench import programs
from tests.rigs.scripted_link import Link, duration, running_router, text_command

SESSIONS = 32
HOUR = duration(3600)


class QuickBackend(ObservedBackend):
    """Types at once, into nothing."""

    async def deliver(self, session: Session, action: Action) -> Outcome:  # noqa: ARG002
        return Outcome.done()


class Sender:
    """Hands out commands, and waits until all has ended."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sent = 0

    async def send(self, count: int, at_once: int) -> None:
        for _ in range(count // at_once):
            numbers = range(self._sent, self._sent + at_once)
            self._sent += at_once
            frames = [text_command(f"c{n}", f"s{n % SESSIONS}", "go on please", sequence=n + 1) for n in numbers]
            await self._link.commands(frames)
            await self._link.receipts(at_once)
            results = await self._link.results(at_once)
            await self._link.ack(results[-1].upstream_seq)


@asynccontextmanager
async def started(folder: Path, counting: list[str]) -> AsyncIterator[tuple[int, Sender]]:
    """An agent with a link, by its process id; `counting` is what its command begins with."""
    async with running_router() as router:
        identity.key_of(folder / "agent")
        identity.save(folder / "agent", "counted", "router-1", router.address, "")
        environ = programs.environ(folder, PYTHONHASHSEED="0", PYTHONPATH=str(programs.ROOT))
        argv = [*counting, sys.executable, "-m", "tests.bench.agents"]
        with programs.started(argv, environ, log=folder / "agent.log") as agent:
            link = await router.welcomed(heartbeat_interval=HOUR, heartbeat_timeout=HOUR)
            for number in range(SESSIONS):
                await asyncio.to_thread(_register, folder, f"s{number}")
            yield agent.process.pid, Sender(link)


def _register(folder: Path, session_id: str) -> None:
    message = {"op": "register", "session_id": session_id, "backend": "command", "target": {"command": "cat"}}
    client.request(client.socket_path(folder), message)


def _ready(machine_id: str) -> None:
    print(f"ready agent {machine_id}", flush=True)


if __name__ == "__main__":
    hands = Backends({"command": Entry(QuickBackend())})
    uvloop.run(run(Config.from_environ(os.environ), hands, _ready))

"""An agent in this process, beside a test that waits."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.app import Agent
from agent.backends.backend import Backends
from agent.config import Config
from tests.rigs.agent_rig import backends
from tests.waiting import wait_until


@contextmanager
def running(folder: Path, ways: Backends | None = None, **settings: Any) -> Iterator[Agent]:
    """The agent of this folder, on a loop of its own; `ways` to type, where those of tests are not meant."""
    made: list[Agent] = []
    stop, loop = asyncio.Event(), asyncio.new_event_loop()

    async def run() -> None:
        made.append(Agent(Config(folder, **settings), ways or backends()))
        await made[0].run(stop, lambda _: None)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        yield wait_until(lambda: made and made[0])
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()

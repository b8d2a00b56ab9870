"""The chain: a webhook, our adapter, our router, a machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import grpc

from tests.bench import driver, programs
from tests.bench.figures import Run
from tests.bench.loads import Way
from tests.bench.machine import Machine
from tests.bench.webhooks import Door, flood

WARM_UP = 200  # messages


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    async with through(folder) as (way, _):
        yield way


@asynccontextmanager
async def through(folder: Path) -> AsyncIterator[tuple[Way, programs.Program]]:
    """The way, and the router on it."""
    with programs.router(folder) as router, programs.adapter(folder, router.address) as adapter:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "bench")
            await machine.enrol()
            names = await machine.sessions(1)
            await machine.connect()
            serving = asyncio.create_task(machine.serve())
            await asyncio.to_thread(_choose, adapter.address, names[0])

            async def post(at_once: int, seconds: float, first: int) -> driver.Posted:
                return await driver.post(adapter.address, at_once, seconds, 5_000_000 + first)

            yield Way(post, machine.arrived), router
            serving.cancel()
            machine.close()


def _choose(base: str, session: str) -> None:
    with closing(Door(base)) as door:
        door.say(f"/use {session}")


async def posted(
    base: str, machine: Machine, first: int, count: int, threads: int, warm_up: int = WARM_UP
) -> tuple[Run, list[float]]:
    """The run of so many webhooks, and seconds from each post to the machine."""
    if warm_up:  # connections and caches are warm then, and the log is written over
        await asyncio.to_thread(flood, base, first, warm_up, threads)
    done = await asyncio.to_thread(flood, base, first + warm_up, count, threads)
    while not done.sent.keys() <= machine.arrived.keys():
        await asyncio.sleep(0.001)
    return done.run, [machine.arrived[text] - sent for text, sent in done.sent.items()]

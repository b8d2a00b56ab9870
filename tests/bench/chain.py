"""The chain: a webhook, our adapter, our router, a machine."""

import asyncio
from pathlib import Path

import grpc

from tests.bench import programs
from tests.bench.figures import Run
from tests.bench.machine import Machine
from tests.bench.webhooks import Door, flood

WARM_UP = 200  # messages


async def measure(folder: Path, plan: list[tuple[int, int]]) -> list[tuple[Run, list[float]]]:
    """For each (count, threads): the run of the webhooks, and seconds from each post to the machine."""
    with programs.router(folder) as router, programs.adapter(folder, router.address) as adapter:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "bench")
            await machine.enrol()
            names = await machine.sessions(1)
            await machine.connect()
            serving = asyncio.create_task(machine.serve())
            await asyncio.to_thread(Door(adapter.address).say, f"/use {names[0]}")
            results = []
            for number, (count, threads) in enumerate(plan):
                results.append(await posted(adapter.address, machine, 100_000 * (number + 1), count, threads))
            serving.cancel()
            machine.close()
    return results


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

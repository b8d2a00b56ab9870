"""The chain: a webhook, our adapter, our router, a machine."""

import asyncio
from pathlib import Path

import grpc

from tests.bench import programs
from tests.bench.figures import Run
from tests.bench.machine import Machine, wait_for
from tests.bench.webhooks import Door, flood


async def measure(folder: Path, plan: list[tuple[int, int]]) -> list[tuple[Run, list[float]]]:
    """For each (count, threads): the run of the webhooks, and seconds from each post to the machine."""
    with programs.router(folder) as router, programs.adapter(folder, router.address) as adapter:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "bench")
            await machine.enrol()
            names = await machine.sessions(1)
            await machine.connect()
            serving = asyncio.create_task(machine.serve())
            door = Door(adapter.address)
            await asyncio.to_thread(_choose, door, names[0])
            results = [await _one(door, machine, count, threads) for count, threads in plan]
            serving.cancel()
            machine.close()
    return results


async def _one(door: Door, machine: Machine, count: int, threads: int) -> tuple[Run, list[float]]:
    await asyncio.to_thread(flood, door, 50, threads)  # connections and caches are warm then
    await wait_for(len(door.sent), machine)
    before = set(door.sent)
    run = await asyncio.to_thread(flood, door, count, threads)
    await wait_for(len(door.sent), machine)
    return run, [machine.arrived[text] - sent for text, sent in door.sent.items() if text not in before]


def _choose(door: Door, session: str) -> None:
    door.say(f"/use {session}")

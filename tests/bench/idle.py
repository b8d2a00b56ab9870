"""What an idle machine costs the router in memory."""

import asyncio
from pathlib import Path

import grpc
import psutil

from tests.bench import programs
from tests.bench.machine import Machine

AT_ONCE = 50  # links being opened at the same time


async def measure(folder: Path, count: int) -> float:
    """Bytes of the router's memory per idle link."""
    with programs.router(folder) as router:
        process = psutil.Process(router.process.pid)
        async with grpc.aio.insecure_channel(router.address) as control:
            machines = [Machine(control, f"idle-{number}") for number in range(count)]
            await _each(machines[:AT_ONCE], router.address)
            before = process.memory_info().rss
            await _each(machines[AT_ONCE:], router.address)
            grown = process.memory_info().rss - before
            for machine in machines:
                machine.close()
    return grown / (count - AT_ONCE)


async def _each(machines: list[Machine], address: str) -> None:
    for start in range(0, len(machines), AT_ONCE):
        some = machines[start : start + AT_ONCE]
        for machine in some:
            await machine.enrol()  # not side by side: that is how join tokens would be guessed
        await asyncio.gather(*(_open(machine, address) for machine in some))


async def _open(machine: Machine, address: str) -> None:
    # A channel each, as agents have: else one connection would carry a hundred links.
    options = [("grpc.use_local_subchannel_pool", 1)]
    await machine.connect(grpc.aio.insecure_channel(address, options))

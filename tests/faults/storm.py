"""A router dies with two thousand machines connected, and all of them come back at once."""

import asyncio
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import grpc
import psutil
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import agent_link_pb2_grpc as rpc
from agentlink.v1 import control_pb2
from agentlink.v1.control_pb2_grpc import ControlStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.link.identity import Identity
from tests.faults.kills import Strike, recoveries, until_recovered
from tests.faults.load import METADATA, Senders
from tests.faults.table import Row, quantile
from tests.faults.world import World
from tests.rigs.thin_machine import ThinMachine, here
from tests.waiting import wait_until

BACK = 20.0  # seconds until all are back: the promise
PATIENCE = 180.0
SETTLED = 10.0  # seconds for the router to come to rest
GROWTH = 1.1  # of memory, descriptors and threads, at most
ROOM = 4 * 1024 * 1024  # bytes of memory that do not count


class Crowd:
    """Many thin machines in one thread."""

    def __init__(self, address: str, count: int, rng: random.Random) -> None:
        self._address = address
        self.machines = [
            ThinMachine(Identity(f"thin-{number}", "", address, Ed25519PrivateKey.generate()), rng)
            for number in range(count)
        ]

    @contextmanager
    def connected(self) -> Iterator[None]:
        """All of them enrolled, and trying to be connected."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crowd")
        self._started = threading.Event()
        self._thread.start()
        self._started.wait()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    def here(self) -> int:
        return here(self.machines)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        async with grpc.aio.insecure_channel(self._address) as channel:
            for machine in self.machines:
                await _enrol(machine, channel)  # the router takes one at a time from one address
        staying = [asyncio.create_task(machine.stay()) for machine in self.machines]
        await self._over.wait()
        for task in staying:
            task.cancel()
        await asyncio.gather(*staying, return_exceptions=True)


async def _enrol(machine: ThinMachine, channel: grpc.aio.Channel) -> None:
    mine = machine.identity
    request = control_pb2.CreateJoinTokenRequest(machine_id=mine.machine_id)
    token = (await ControlStub(channel).CreateJoinToken(request, metadata=METADATA)).join_token
    key = mine.key.public_key().public_bytes_raw()
    enrolled = await rpc.AgentLinkStub(channel).Enroll(
        pb.EnrollRequest(join_token=token, machine_id=mine.machine_id, public_key=key)
    )
    pin = token.partition(".")[2]
    machine.identity = replace(mine, router_id=enrolled.router_id, router_fingerprint=pin)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the router takes of its machine."""

    memory: int
    descriptors: int
    threads: int
    tasks: int
    log: int

    @classmethod
    def of(cls, world: World) -> "Footprint":
        process, at = psutil.Process(world.router.pid), time.monotonic()
        world.router.signal(signal.SIGHUP)
        tasks = wait_until(lambda: [entry["count"] for entry in world.journal.read("tasks", since=at)], PATIENCE)
        log = (world.router_folder / "router.db-wal").stat().st_size
        return cls(process.memory_info().rss, process.num_fds(), process.num_threads(), tasks[0], log)

    def against(self, base: "Footprint") -> str:
        """How it was before, and is now."""
        return (
            f"memory {base.memory // 2**20} MiB before, {self.memory // 2**20} after; descriptors {base.descriptors},"
            f" {self.descriptors}; threads {base.threads}, {self.threads}; tasks {base.tasks}, {self.tasks};"
            f" log {base.log // 2**10} KiB, {self.log // 2**10}"
        )

    def beyond(self, base: "Footprint") -> list[str]:
        """What has grown by more than a tenth."""
        return [
            f"{name} grew from {before} to {after}"
            for name, before, after, room in (
                ("memory", base.memory, self.memory, ROOM),
                ("descriptors", base.descriptors, self.descriptors, 10),
                ("threads", base.threads, self.threads, 5),
                ("tasks", base.tasks, self.tasks, 10),
                ("log", base.log, self.log, ROOM),
            )
            if after > before * GROWTH + room
        ]


def storm(world: World, rng: random.Random, count: int, settled: float = SETTLED) -> Row:
    """Kill the router under so many links; how long until all are back, and how commands fare meanwhile."""
    crowd, since = Crowd(world.door_wire.upstream_address, count, rng), time.monotonic()
    with crowd.connected(), Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=0.1) as senders:
        wait_until(lambda: crowd.here() == count, PATIENCE)
        threading.Event().wait(settled)
        base = Footprint.of(world)
        port = world.door_wire.upstream
        world.end_router()
        strike = Strike(time.monotonic(), tuple(machine.name for machine in world.machines))
        wait_until(lambda: crowd.here() == 0, PATIENCE)
        world.start_router(port=port)
        wait_until(lambda: crowd.here() == count, PATIENCE)
        took = time.monotonic() - strike.at
        until_recovered(world, [strike])
        threading.Event().wait(settled)
        after = Footprint.of(world)
        failures = [*senders.refusals, *after.beyond(base)]
        late = [f"all back after {took:.0f} s, not within {BACK:.0f}"] if took > BACK else []
    world.drain()
    held = waits(world, strike.at, strike.at + took)
    remarks = [
        f"all back after {took:.1f} s",
        f"a command took p50 {quantile(held, 0.5):.2f} s, p99 {quantile(held, 0.99):.2f} s meanwhile",
        after.against(base),
    ]
    name = f"router killed under {count} links"
    return Row(name, 1, world.verdict(since), (), recoveries(world, [strike]), remarks, failures, late)


def waits(world: World, begins: float, ends: float) -> list[float]:
    """Seconds from the first try of a text until it was typed, for texts of an interval."""
    sent = {entry["text"]: entry["at"] for entry in world.journal.read("attempted", since=begins) if entry["at"] < ends}
    typed = {entry["text"]: entry["at"] for entry in world.journal.read("typed", since=begins)}
    return [typed[text] - at for text, at in sent.items() if text in typed]

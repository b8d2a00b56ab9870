"""What others notice of one machine that fills the router: `python -m tests.bench.crowds`.

A person sends commands one by one: first alone, then while another machine says hello with 15 000 sessions, and then
while it sends messages for people as fast as its link takes them.
"""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import control_pb2, control_pb2_grpc, types_pb2

from tests.bench import programs
from tests.bench.figures import Run
from tests.bench.machine import METADATA, Machine

SESSIONS = 15_000
ALONE, FLOOD = 3.0, 5.0  # seconds


class Person:
    """Sends commands to a session, one after the other, and notes how long each took to be accepted."""

    def __init__(self, channel: grpc.aio.Channel, session_id: str) -> None:
        self._control = control_pb2_grpc.ControlStub(channel)
        action = types_pb2.Action(input=types_pb2.Input(text="go on", submit=True))
        self._request = control_pb2.SendCommandRequest(session_id=session_id, action=action)

    async def meanwhile(self, other: Coroutine[Any, Any, object]) -> list[float]:
        """Seconds that each command took while something else went on."""
        took: list[float] = []
        going = asyncio.create_task(other)
        while not going.done():
            before = time.perf_counter()
            await self._control.SendCommand(self._request, metadata=METADATA)
            took.append(time.perf_counter() - before)
            await asyncio.sleep(0.002)
        await going
        return took


async def hello(machine: Machine, channel: grpc.aio.Channel) -> None:
    """Connect with very many sessions; done when all were looked at, as the heartbeat behind them is answered."""
    sessions = [pb.SessionUpdate(session_id=f"crowd-{n}", generation=1) for n in range(SESSIONS)]
    await machine.connect(channel, sessions=sessions)
    await machine.heard()


async def flood(machine: Machine) -> None:
    """Tell people something as fast as the link takes it."""
    until = time.perf_counter() + FLOOD
    number = 0
    while time.perf_counter() < until:
        number += 1
        told = pb.Notify(upstream_seq=number, notification_id=f"n{number}", session_id="crowd-0", text="x" * 1000)
        await machine.frame(notify=told)


async def measure(folder: Path) -> None:
    with programs.router(folder) as router:
        async with grpc.aio.insecure_channel(router.address) as channel, _other(router.address) as others:
            quiet, crowd = Machine(channel, "quiet"), Machine(others, "crowd")
            await quiet.enrol()
            await crowd.enrol()
            await quiet.connect()
            serving = asyncio.create_task(quiet.serve())
            [session_id] = await quiet.sessions(1)
            person = Person(channel, session_id)
            _tell("alone", await person.meanwhile(asyncio.sleep(ALONE)))
            _tell(f"a hello with {SESSIONS} sessions", await person.meanwhile(hello(crowd, others)))
            reading = asyncio.create_task(crowd.drop_all())
            _tell("a flood of messages", await person.meanwhile(flood(crowd)))
            print(f"the router's memory: {_resident(router.process.pid) >> 20} MiB", flush=True)
            for task in (serving, reading):
                task.cancel()


def _other(address: str) -> grpc.aio.Channel:
    """A channel with a connection of its own."""
    return grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


def _tell(name: str, took: list[float]) -> None:
    run, worst = Run(took, sum(took)), max(took)
    p50, p99, most = (f"{1000 * each:.1f} ms" for each in (run.p50, run.p99, worst))
    print(f"{name}: p50 {p50}, p99 {p99}, worst {most}, of {len(took)}", flush=True)


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    with programs.folder() as where:
        asyncio.run(measure(where))

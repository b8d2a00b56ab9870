"""A machine comes back to ten thousand queued commands: how long until they are on its disk.

Its sessions are busy, as they are in life: a terminal takes a tenth of a second for a line, so the commands gather in
the machine's inbox.
"""

import asyncio
import sqlite3
import time
from pathlib import Path

import grpc
from agentlink.v1 import control_pb2, control_pb2_grpc, types_pb2

from tests.bench import own_agent, programs
from tests.bench.machine import METADATA

SESSIONS = 10
AT_ONCE = 50  # calls; a connection of gRPC has room for a hundred
DEADLINE = 60.0  # seconds


async def measure(folder: Path, count: int) -> float:
    """Seconds from the first command on the machine's disk to the last, with our own agent."""
    with programs.router(folder) as router:
        environ = own_agent.environ(folder / "machine", router.address, "drain")
        async with grpc.aio.insecure_channel(router.address) as channel:
            await own_agent.enrol(channel, environ)
            with programs.started(programs.ours("agent"), environ, log=folder / "agent-1.log"):
                await own_agent.register(channel, environ, SESSIONS, "exec sleep 5")
            await _queue(channel, count)
        with programs.started(programs.ours("agent"), environ, log=folder / "agent.log"):
            return await asyncio.to_thread(_watch, folder / "machine" / "agent" / "agent.db", count)


async def _queue(channel: grpc.aio.Channel, count: int) -> None:
    control = control_pb2_grpc.ControlStub(channel)
    action = types_pb2.Action(input=types_pb2.Input(text="go on please", submit=True))
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        sends = [control_pb2.SendCommandRequest(session_id=f"drain-{n % SESSIONS}", action=action) for n in numbers]
        await asyncio.gather(*(control.SendCommand(send, metadata=METADATA) for send in sends))


def _watch(database: Path, count: int) -> float:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    begun, ends = 0.0, time.monotonic() + DEADLINE
    try:
        while time.monotonic() < ends:
            stored = connection.execute("SELECT COUNT(*) FROM inbox").fetchone()[0]
            begun = begun or (time.monotonic() if stored else 0.0)
            if stored >= count:
                return time.monotonic() - begun
            time.sleep(0.01)
    finally:
        connection.close()
    raise RuntimeError(f"{stored} of {count} arrived within {DEADLINE:.0f} s")

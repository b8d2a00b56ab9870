"""A machine comes back to ten thousand queued commands: how long until they are on its disk.

Its sessions are busy, as they are in life: a terminal takes a tenth of a second for a line, so the commands gather in
the machine's inbox.
"""

import asyncio
import sqlite3
import subprocess
import time
from pathlib import Path

import grpc
from agentlink.v1 import control_pb2, control_pb2_grpc, types_pb2

from tests.bench import programs
from tests.bench.machine import METADATA

SESSIONS = 10
DEADLINE = 60.0  # seconds


async def measure(folder: Path, count: int) -> float:
    """Seconds from the first command on the machine's disk to the last, with our own agent."""
    with programs.router(folder) as router:
        machine = folder / "machine"
        machine.mkdir()
        environ = programs.environ(machine, POINTSMAN_ROUTER=router.address, POINTSMAN_MACHINE_ID="drain")
        async with grpc.aio.insecure_channel(router.address) as channel:
            await _enrol(channel, environ)
            with programs.started(programs.ours("agent"), environ, log=folder / "agent-1.log"):
                await _register(channel, environ)
            await _queue(channel, count)
        with programs.started(programs.ours("agent"), environ, log=folder / "agent.log"):
            return await asyncio.to_thread(_watch, machine / "agent" / "agent.db", count)


async def _enrol(channel: grpc.aio.Channel, environ: dict[str, str]) -> None:
    control = control_pb2_grpc.ControlStub(channel)
    token = (await control.CreateJoinToken(control_pb2.CreateJoinTokenRequest(), metadata=METADATA)).join_token
    argv = [*programs.ours("enroll"), environ["POINTSMAN_ROUTER"], token]
    await asyncio.to_thread(subprocess.run, argv, env=environ, check=True, capture_output=True)


async def _register(channel: grpc.aio.Channel, environ: dict[str, str]) -> None:
    for number in range(SESSIONS):
        argv = [*programs.ours("session"), "register", "--command", "exec sleep 5", "--session", f"drain-{number}"]
        await asyncio.to_thread(subprocess.run, argv, env=environ, check=True, capture_output=True)
    control = control_pb2_grpc.ControlStub(channel)
    known = control_pb2.ListSessionsResponse()
    while len(known.sessions) < SESSIONS:
        await asyncio.sleep(0.01)
        known = await control.ListSessions(control_pb2.ListSessionsRequest(), metadata=METADATA)


async def _queue(channel: grpc.aio.Channel, count: int) -> None:
    control = control_pb2_grpc.ControlStub(channel)
    action = types_pb2.Action(input=types_pb2.Input(text="go on please", submit=True))
    for start in range(0, count, 100):
        numbers = range(start, start + 100)
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

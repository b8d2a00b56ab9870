"""How often a command makes the disks of router and machine sync: counted, by strace, with our own router and agent.

Commands go by one submit stream, the next once one is on the machine's disk, to the session that has waited longest.
A command runs a program that ends at once.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
from agentlink.v1 import chat_link_pb2_grpc as rpc
from agentlink.v1 import control_pb2, control_pb2_grpc

from tests.bench import own_agent, programs
from tests.bench.figures import Figures
from tests.bench.machine import METADATA
from tests.bench.peers import servers
from tests.bench.submits import Sending

SESSIONS = 64
LOADS = (1, 64)
PATIENCE = 60  # seconds until the last has ended


def missing() -> str:
    return servers.missing("apt-get install strace", [servers.program("strace")])


async def measure(folder: Path, count: int) -> Figures:
    """Syncs for each of so many commands, of both programs, by names like `agent at 64`."""
    figures = Figures()
    with _counted("router", programs.environ(folder), folder) as router:
        environ = own_agent.environ(folder / "machine", router.address, "syncs")
        async with grpc.aio.insecure_channel(router.address) as channel:
            await own_agent.enrol(channel, environ)
            with _counted("agent", environ, folder):
                names = await own_agent.register(channel, environ, SESSIONS, "true")
                sending = Sending(rpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA), names)
                for load in LOADS:
                    before = {name: _syncs(folder, name) for name in ("router", "agent")}
                    await _send(sending, folder / "machine" / "agent" / "agent.db", count, load)
                    await _ended(channel, sending.accepted[-SESSIONS:])
                    figures |= {
                        f"{name} at {load}": (_syncs(folder, name) - syncs) / count for name, syncs in before.items()
                    }
    return figures


async def _send(sending: Sending, inbox: Path, count: int, load: int) -> None:
    with closing(sqlite3.connect(f"file:{inbox}?mode=ro", uri=True)) as machine:
        first, there = sending.number, _there(machine)
        while (arrived := _there(machine) - there) < count:
            sent = sending.number - first
            await sending.fill(min(load - (sent - arrived), count - sent))
            if sending.under_way:
                await sending.answers()
            else:
                await asyncio.sleep(0.0005)


def _there(machine: sqlite3.Connection) -> int:
    number: int = machine.execute("SELECT COALESCE(MAX(position), 0) FROM inbox").fetchone()[0]
    return number


async def _ended(channel: grpc.aio.Channel, commands: list[str]) -> None:
    control = control_pb2_grpc.ControlStub(channel)
    for command_id in commands:
        request = control_pb2.GetCommandRequest(command_id=command_id)
        request.wait.FromSeconds(PATIENCE)
        await control.GetCommand(request, metadata=METADATA)


@contextmanager
def _counted(name: str, environ: dict[str, str], folder: Path) -> Iterator[programs.Program]:
    """Our program, not slowed but where it syncs; strace is no parent of it, and hands no signal on."""
    argv = ["strace", "-D", "-f", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-o", str(folder / f"{name}.calls")]
    with programs.started([*argv, *programs.ours(name)], environ, log=folder / f"{name}.log") as program:
        yield program


def _syncs(folder: Path, name: str) -> int:
    lines = (folder / f"{name}.calls").read_text().splitlines()
    return sum(" fdatasync(" in line or " fsync(" in line for line in lines)

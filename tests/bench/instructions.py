"""What a command costs router, agent and adapter, in instructions: the same on a busy machine, unlike seconds.

`python -m tests.bench.instructions` counts them with valgrind, in the real programs, beside a fixed piece of work in
the same Python: the ratio of the two is what can be compared between machines and kept.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc as rpc
from agentlink.v1 import control_pb2, control_pb2_grpc

from router.store import integrity
from tests.bench import agents, driver, programs, submits
from tests.bench.machine import METADATA, Machine

WAYS = {"its machine away": False, "from the door to its end": True}
"""In this order: what waits for a machine that is away is in nobody's way, and one that is there is heard all along."""
WARM, COUNTED, BATCH = 64, 320, 32
WAITED = 1024  # four windows
OF_AN_AGENT = 160  # counted: as many again change nothing
RESTED = 3.0  # seconds
ROWS = 4_000  # of the fixed piece of work
PATIENCE = 300.0  # seconds; the program runs fifty times slower
_COUNTING = ("valgrind", "--tool=callgrind", "--quiet")
# Not by the command line: it sets signals that valgrind keeps for itself.
_ROUTER = "import os, sys; from router.cli import main; sys.exit(main(os.environ))"
# Its worker runs in the process that was started: valgrind can be told nothing about a fork.
_ADAPTER = """
import os, sys
from webhook_adapter.cli import http
os.fork, os.getppid = lambda: 0, os.getpid
sys.exit(http(os.environ))
"""
_WHOLE = "the database is whole"  # the router's log says
_REFERENCE = f"""
import hashlib, json, sqlite3
on = sqlite3.connect(":memory:")
on.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, body TEXT)")
for number in range({ROWS}):
    body = json.dumps({{"id": number, "text": "go on please", "tags": [number % 7, "a", None]}})
    key = hashlib.sha256(body.encode()).hexdigest()
    on.execute("INSERT INTO rows VALUES (?, ?)", (key, json.loads(body)["text"]))
"""


def is_possible() -> bool:
    """Whether the programs that count are there."""
    return all(shutil.which(name) for name in ("valgrind", "callgrind_control"))


def reference() -> float:
    """Instructions for a row of the fixed piece of work."""
    with programs.folder() as folder:
        totals = []
        for number, script in enumerate(("import hashlib, json, sqlite3", _REFERENCE)):
            counts = folder / f"counts.{number}"
            argv = [*_COUNTING, f"--callgrind-out-file={counts}", sys.executable, "-I", "-S", "-c", script]
            subprocess.run(argv, check=True, capture_output=True)
            totals.append(_total([counts]))
    return (totals[1] - totals[0]) / ROWS


async def per_command(*, connected: bool, past: Path | None = None) -> float:
    """Instructions of the router for a command: handed in, and with a machine there also sent, confirmed and ended.

    `past`: a database that it begins with; it is copied.
    """
    return (await _per_command([connected], past))[0]


async def per_commands() -> dict[str, float]:
    """The same for each of `WAYS`, of one router: to begin takes it as long as half of what is counted."""
    return dict(zip(WAYS, await _per_command(WAYS.values()), strict=True))


async def _per_command(ways: Iterable[bool], past: Path | None = None) -> list[float]:
    with programs.folder() as folder:
        if past:
            shutil.copy(past, folder / "router.db")
        with _router(folder) as router:
            if past:
                await looked_at(folder)
            dumps = [await _counted(folder, router, number, connected) for number, connected in enumerate(ways, 1)]
        return [_total([dump]) / COUNTED for dump in dumps]  # what comes later is its end


async def _counted(folder: Path, router: programs.Program, number: int, connected: bool) -> Path:
    """The dump of that number, of commands for a machine of its own."""
    first = number * (WARM + COUNTED)  # what came before is known by its number
    async with _crowd(router.address, f"counted-{number}", connected=connected) as crowd:
        await crowd.send(range(first, first + WARM))
        _control(router.process.pid, "--instr=on")
        _control(router.process.pid, "--zero")
        await crowd.send(range(first + WARM, first + WARM + COUNTED))
        _control(router.process.pid, "--dump")
        _control(router.process.pid, "--instr=off")
    return folder / f"counts.{number}"


async def of_what_waited() -> float:
    """Instructions of the router for a command that waited, from its machine's coming back to its end."""
    with programs.folder() as folder, _router(folder) as router:
        pid = router.process.pid
        async with _crowd(router.address, "waited", connected=False) as crowd:
            await crowd.send(range(WAITED))
            _control(pid, "--instr=on")
            _control(pid, "--zero")
            async with _serving(crowd.machine):
                await crowd.ended()
                _control(pid, "--dump")
        return _total([folder / "counts.1"]) / WAITED


@contextmanager
def _router(folder: Path) -> Iterator[programs.Program]:
    """One that counts from when it is told."""
    counting = [*_COUNTING, "--instr-atstart=no", f"--callgrind-out-file={folder / 'counts'}"]
    argv = [*counting, sys.executable, "-I", "-c", _ROUTER]
    with programs.started(argv, programs.environ(folder, PYTHONHASHSEED="0"), log=folder / "router.log") as router:
        yield router


async def looked_at(folder: Path) -> None:
    """Come back once the router has looked at its file, if that is large: what it takes is not to be measured."""
    log = folder / "router.log"
    while integrity.is_large(folder / "router.db") and _WHOLE not in await asyncio.to_thread(log.read_text):
        await asyncio.sleep(0.5)


async def of_an_agent(*at_once: int) -> dict[int, float]:
    """Instructions of an agent for a command: stored, confirmed, typed into nothing, reported and forgotten.

    By how many come at once, in the order given, of one agent.
    """
    with programs.folder() as folder:
        counting = [*_COUNTING, "--instr-atstart=no", f"--callgrind-out-file={folder / 'counts'}"]
        async with agents.started(folder, counting) as (pid, sender):
            took = {}
            for number in at_once:
                await sender.send(WARM, number)
                _control(pid, "--instr=on")
                _control(pid, "--zero")
                began = time.monotonic()
                await sender.send(OF_AN_AGENT, number)
                _control(pid, "--dump")
                took[number] = time.monotonic() - began
            await asyncio.sleep(RESTED)  # its timers go on by seconds, however many commands come in one
            _control(pid, "--dump")
        at_rest = _total([folder / f"counts.{len(took) + 1}"]) / RESTED
        dumps = (folder / f"counts.{number}" for number in range(1, len(took) + 1))
        return {
            number: (_total([dump]) - at_rest * took[number]) / OF_AN_AGENT
            for number, dump in zip(at_once, dumps, strict=True)
        }


async def of_an_adapter(at_once: int) -> float:
    """Instructions of the adapter for a webhook, from the socket to its answer; so many come at the same time."""
    with programs.folder() as folder, programs.router(folder) as router:
        counting = [*_COUNTING, "--instr-atstart=no", f"--callgrind-out-file={folder / 'counts'}"]
        environ = programs.environ(folder, POINTSMAN_ROUTER=router.address, PYTHONHASHSEED="0")
        argv = [*counting, sys.executable, "-I", "-c", _ADAPTER]
        with programs.started(argv, environ, log=folder / "adapter.log") as adapter:
            pid, address = adapter.process.pid, urlsplit(adapter.address)
            clients = [await asyncio.open_connection(address.hostname, address.port) for _ in range(at_once)]
            await _post(clients, range(WARM))
            _control(pid, "--instr=on")
            _control(pid, "--zero")
            await _post(clients, range(WARM, WARM + COUNTED))
            _control(pid, "--dump")
            for _, client in clients:
                client.close()
        return _total([folder / "counts.1"]) / COUNTED


async def _post(clients: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]], numbers: range) -> None:
    """Over all connections at once, each time until all are answered."""
    for start in range(numbers.start, numbers.stop, len(clients)):
        for number, (_, client) in enumerate(clients, start):
            body = driver.UPDATE % (number, number, number)
            client.write((driver.HEAD % (len(body), body)).encode())
        for reader, _ in clients:
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 OK\r\n") or b"\r\nContent-Length: 0\r\n" not in head:
                raise RuntimeError(f"answered {head!r}")


@dataclass
class _Crowd:
    """Those who hand in, and look whether all has ended."""

    stream: Any
    control: control_pb2_grpc.ControlStub
    machine: Machine
    sessions: list[str]
    connected: bool
    last: str = ""  # command that was accepted

    async def send(self, numbers: range) -> None:
        """In full batches, each answered before the next: how they are grouped must not be chance."""
        for start in range(numbers.start, numbers.stop, BATCH):
            batch = [submits.item(number, self.sessions) for number in range(start, start + BATCH)]
            await self.stream.write(pb.SubmitBatch(items=batch))
            left = BATCH
            while left:
                answers = (await self.stream.read()).items
                left, self.last = left - len(answers), answers[-1].response.command_id
        if self.connected:
            await self.ended()

    async def ended(self) -> None:
        """Come back once what was handed in last has ended."""
        request = control_pb2.GetCommandRequest(command_id=self.last)
        request.wait.FromSeconds(int(PATIENCE))
        await self.control.GetCommand(request, metadata=METADATA)


@asynccontextmanager
async def _crowd(address: str, name: str, *, connected: bool) -> AsyncIterator[_Crowd]:
    async with grpc.aio.insecure_channel(address) as channel:
        machine = Machine(channel, name)
        await machine.enrol()
        names = await machine.sessions(submits.SESSIONS)
        stream = rpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA)
        crowd = _Crowd(stream, control_pb2_grpc.ControlStub(channel), machine, names, connected)
        if not connected:
            yield crowd
            return
        async with _serving(machine):
            yield crowd


@asynccontextmanager
async def _serving(machine: Machine) -> AsyncIterator[None]:
    await machine.connect()
    serving = asyncio.create_task(machine.serve())
    yield
    serving.cancel()
    machine.close()


def _control(pid: int, what: str) -> None:
    # They meet in the folder for temporary files: the router was told of none.
    environ = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    subprocess.run(["callgrind_control", what, str(pid)], env=environ, check=True, capture_output=True)


def _total(files: Iterable[Path]) -> int:
    lines = (line for file in files for line in file.read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("summary:"))


def main() -> None:
    base = reference()
    for name, count in asyncio.run(per_commands()).items():
        _tell(f"a command, {name}", count, base)
    _tell("a command that waited, from its machine's coming back to its end", asyncio.run(of_what_waited()), base)
    for at_once, count in asyncio.run(of_an_agent(1, BATCH)).items():
        _tell(f"an agent's half of it, {at_once} at once", count, base)
    for at_once in (1, BATCH):
        _tell(f"the adapter's for a webhook, {at_once} at once", asyncio.run(of_an_adapter(at_once)), base)


def _tell(what: str, count: float, base: float) -> None:
    sys.stdout.write(f"{what}: {count / 1000:.0f} thousand instructions, {count / base:.1f} rows\n")


if __name__ == "__main__":
    main()

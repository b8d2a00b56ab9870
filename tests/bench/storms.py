"""A crowd of machines comes back to a router that was killed: `python -m tests.bench.storms --machines 5000`.

How long until all are back, beside a bare gRPC server with the same clients in the same run, who sign before and look
at proofs behind it (`thin_crowd` says why); and how long a command takes meanwhile, beside what it takes when all is
quiet: from a chat, by the Unix socket, and by a call at the port.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from router.local_socket import socket_path
from tests.bench import programs
from tests.bench.enrolled import Router, enrol
from tests.bench.figures import middle
from tests.bench.storm_people import People
from tests.bench.thin_crowd import BARE, Crowd, crowd
from tests.faults.table import quantile

WAYS = ("chat", "socket", "port")
QUIET = 6.0  # seconds of commands before the storm
CROWDS = 2  # processes
DEAD = 0.5  # seconds between the end of the last link and the next start


@dataclass
class Server:
    """What is killed and started again, at the same address."""

    argv: list[str]
    folder: Path
    address: str = "127.0.0.1:0"

    def start(self) -> float:
        """Returns when it was ready (monotonic)."""
        argv = [each.replace("LISTEN", self.address) for each in self.argv]
        environ = programs.environ(self.folder, POINTSMAN_ROUTER_LISTEN=self.address)
        with (self.folder / "log.txt").open("a") as log:
            self._process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("ready"):
            raise RuntimeError((self.folder / "log.txt").read_text()[-2000:])
        self.address = line.split()[-1]
        return time.monotonic()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def cpu(self) -> float:
        """Seconds of CPU that its life has taken."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system


@dataclass(frozen=True)
class Storm:
    """How it was: seconds."""

    back: float
    cpu: float
    quiet: dict[str, list[float]]
    meanwhile: dict[str, list[float]]

    def ratio(self, way: str) -> float:
        """Of the 99th percentiles."""
        return quantile(self.meanwhile[way], 0.99) / quantile(self.quiet[way], 0.99)


async def bare(count: int) -> float:
    """Seconds until so many are back at a server that knows nobody."""
    with programs.folder() as folder, ExitStack() as stack:
        known = enrol(folder, 0)
        code = str(programs.ROOT / "tests" / "bench" / "bare.py")
        server = Server([sys.executable, code, str(folder), "LISTEN"], folder)
        server.start()
        stack.callback(server.kill)
        machines = stack.enter_context(crowd(server.address, range(count), Router(BARE, known.fingerprint), CROWDS))
        await machines.all_say("full")
        return (await _storm(server, machines))[1]


async def ours(count: int) -> Storm:
    """The same at our router, with people at work."""
    with programs.folder() as folder, ExitStack() as stack:
        known = enrol(folder, count)
        server = Server(programs.ours("router"), folder)
        server.start()
        stack.callback(server.kill)
        machines = stack.enter_context(crowd(server.address, range(count), known, CROWDS))
        async with People(server.address, str(socket_path(folder))).at_work() as people:
            await machines.all_say("full")
            await asyncio.sleep(1.0)
            begun = time.perf_counter()
            await asyncio.sleep(QUIET)
            quiet = {way: people.waits(way, begun, time.perf_counter() - 0.2) for way in WAYS}
            ready, took = await _storm(server, machines)
            since, cpu = ready + time.perf_counter() - time.monotonic(), server.cpu()
            await asyncio.sleep(2.0)
            # To a machine that is not there no command comes, however fast the router is.
            there = max(since, people.back_at)
            meanwhile = {way: people.waits(way, there, since + took) for way in WAYS}
    return Storm(took, cpu, quiet, meanwhile)


async def _storm(server: Server, machines: Crowd) -> tuple[float, float]:
    server.kill()
    await machines.all_say("empty")
    await asyncio.sleep(DEAD)
    ready = server.start()
    return ready, await machines.all_say("full") - ready


async def measure(count: int, rounds: int) -> None:
    """Rounds of both, one after the other."""
    bares, storms = [], []
    for number in range(rounds):
        bares.append(await bare(count))
        storms.append(one := await ours(count))
        _tell(f"round {number + 1}: bare {bares[-1]:.2f} s, ours {one.back:.2f} s, {one.cpu:.1f} s of CPU")
        for way in WAYS:
            _tell(
                f"  {way:<8} quiet {_ms(one.quiet[way])}; meanwhile {_ms(one.meanwhile[way])}; {one.ratio(way):.1f} x"
            )
    ratio, back = middle([one.back / floor for one, floor in zip(storms, bares, strict=True)]), [s.back for s in storms]
    _tell(f"{count} machines back: bare {middle(bares):.2f} s, ours {middle(back):.2f} s, {ratio:.2f} x")
    for way in WAYS:
        _tell(f"p99 of a command, {way}: {middle([one.ratio(way) for one in storms]):.1f} x")


def _ms(waits: list[float]) -> str:
    return f"p50 {1000 * quantile(waits, 0.5):.1f}, p99 {1000 * quantile(waits, 0.99):.1f} ms of {len(waits)}"


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.machines, arguments.rounds))

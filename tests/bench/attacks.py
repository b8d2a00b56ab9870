"""What others feel while clients without a credential attack the router's gRPC door: `python -m tests.bench.attacks`.

Others send one message after the other to a machine, over a submit stream, and what counts is the time until it is
there. Quiet and attacked alternate, so that both see the same weather; the attackers run in a process of their own, at
the lowest priority: what they compute themselves is not the router's affair.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc as rpc
from agentlink.v1 import types_pb2

from tests.bench import programs
from tests.bench.figures import Run
from tests.bench.machine import METADATA, Machine
from tests.rigs.crowd import ATTACKS, attacked

PAUSE = 0.005  # seconds between two messages
MEBIBYTE = 1024 * 1024
NICEST = 40  # as far as it goes


class Others:
    """A door that hands messages in, and the machine that they are for."""

    def __init__(self, machine: Machine, session: str, channel: grpc.aio.Channel) -> None:
        self._machine, self._session = machine, session
        self._stream = rpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA)
        self._number = 0

    async def work(self, count: int) -> Run:
        """Hand in so many, each once the last has arrived."""
        began, latencies = time.perf_counter(), []
        for _ in range(count):
            latencies.append(await self._one())
            await asyncio.sleep(PAUSE)
        return Run(latencies, time.perf_counter() - began)

    async def _one(self) -> float:
        self._number += 1
        text = f"message {self._number}"
        chat = types_pb2.ChatRef(transport="bench", chat_id="1")
        request = pb.SubmitRequest(update_key=text, chat=chat, text=text, session_id=self._session)
        sent = time.perf_counter()
        await self._stream.write(pb.SubmitBatch(items=[pb.SubmitItem(item_id=self._number, request=request)]))
        await self._stream.read()
        while text not in self._machine.arrived:
            await asyncio.sleep(0)
        return self._machine.arrived[text] - sent


async def measure(folder: Path, clients: int, rounds: int, count: int, only: str) -> None:
    with programs.router(folder) as router:
        process = psutil.Process(router.process.pid)
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "bench")
            await machine.enrol()
            [session] = await machine.sessions(1)
            await machine.connect()
            serving = asyncio.create_task(machine.serve())
            others = Others(machine, session, channel)
            await others.work(count)
            for number, attack in enumerate(ATTACKS):
                if only not in attack.name:
                    continue
                quiet, loud, memory = [], [], []
                for _ in range(rounds):
                    quiet.append(await others.work(count))
                    before = process.memory_info().rss
                    with attackers(number, router.address, clients):
                        watching = asyncio.create_task(_most(process))
                        loud.append(await others.work(count))
                        watching.cancel()
                        memory.append((await watching) - before)
                tell(attack.name, quiet, loud, memory)
            serving.cancel()
            machine.close()


async def _most(process: psutil.Process) -> int:
    most = 0
    try:
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return most


def tell(name: str, quiet: list[Run], loud: list[Run], memory: list[int]) -> None:
    """A line of the table: a p99 is of all rounds together, as one of a few hundred messages is chance."""
    both = [Run([one for run in runs for one in run.latencies], 0.0) for runs in (quiet, loud)]
    p50, p99 = ([getattr(run, figure) * 1000 for run in both] for figure in ("p50", "p99"))
    sys.stdout.write(
        f"| {name} | +{max(memory) / MEBIBYTE:.0f} MiB | {p50[0]:.2f} → {p50[1]:.2f} ms | "
        f"{p99[0]:.2f} → {p99[1]:.2f} ms | {p99[1] / p99[0]:.2f} |\n"
    )
    sys.stdout.flush()


@contextmanager
def attackers(number: int, address: str, clients: int) -> Iterator[None]:
    """They attack inside the block."""
    argv = [sys.executable, "-m", "tests.bench.attacks", "--attack", str(number), address, "--clients", str(clients)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=programs.ROOT)
    assert process.stdin
    assert process.stdout
    try:
        if not process.stdout.readline():
            raise RuntimeError("the attackers did not begin")
        yield
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


async def _attack(number: int, address: str, clients: int) -> None:
    async with attacked(address, ATTACKS[number], clients, spread=True):
        sys.stdout.write("attacking\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=800, help="messages a round")
    parser.add_argument("--only", default="", help="attacks whose name has this in it")
    parser.add_argument("--attack", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        os.nice(NICEST)
        asyncio.run(_attack(int(options.attack[0]), options.attack[1], options.clients))
        return
    sys.stdout.write(f"{options.clients} clients\n| attack | memory | p50 | p99 | p99, times |\n")
    with programs.folder() as folder:
        asyncio.run(measure(folder, options.clients, options.rounds, options.count, options.only))


if __name__ == "__main__":
    main()

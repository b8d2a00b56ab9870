"""How others are served while slow clients crowd the HTTP door: `python -m tests.bench.door --clients 400`.

Webhooks go one at a time through adapter and router to a machine, with and without the crowd in turns. Prints p50 and
p99 from post to machine, and by how much the adapter's memory grew; `--each` for each kind of slow client alone.
"""

import argparse
import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from tests.bench import programs
from tests.bench.chain import posted
from tests.bench.machine import Machine
from tests.bench.webhooks import Door
from tests.rigs.slow_clients import SlowClients, shapes

KINDS = shapes(programs.API_KEY, programs.PATH_SECRET)
POSTS = 300
PAUSE = 1.0  # seconds between two words of a slow client
SETTLED = 5  # turns until those that never read have been sent what the kernel keeps for them


@dataclass(frozen=True)
class Seen:
    """Seconds from each post to the machine, and bytes of the adapter's memory after them."""

    times: list[float]
    memory: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=10, help="with and without them, in turns")
    parser.add_argument("--each", action="store_true", help="each kind alone")
    arguments = parser.parse_args()
    for name in KINDS if arguments.each else ["all kinds"]:
        kinds = [name] if arguments.each else list(KINDS)
        with programs.folder() as folder:
            seen = asyncio.run(_measure(folder, kinds, arguments.clients, arguments.rounds))
        _tell(name, seen[::2], seen[1::2])


def _tell(name: str, quiet: list[Seen], crowded: list[Seen]) -> None:
    (p50, p99), (p50_crowded, p99_crowded) = _quantiles(quiet), _quantiles(crowded)
    grown = max(each.memory for each in crowded) - quiet[0].memory  # since before they first came
    sys.stdout.write(
        f"{name:<30} quiet p50 {_ms(p50)}, p99 {_ms(p99)}   crowded p50 {_ms(p50_crowded)}, p99 {_ms(p99_crowded)} "
        f"({p99_crowded / p99:.2f} x)   memory +{grown / 2**20:.1f} MiB\n"
    )
    sys.stdout.flush()


def _quantiles(rounds: list[Seen]) -> tuple[float, float]:
    times = sorted(time for each in rounds for time in each.times)
    return times[len(times) // 2], times[int(len(times) * 0.99)]


async def _measure(folder: Path, kinds: list[str], clients: int, rounds: int) -> list[Seen]:
    with programs.router(folder) as router, programs.adapter(folder, router.address) as adapter:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "bench")
            await machine.enrol()
            names = await machine.sessions(1)
            await machine.connect()
            serving = asyncio.create_task(machine.serve())
            await asyncio.to_thread(Door(adapter.address).say, f"/use {names[0]}")
            seen = list[Seen]()
            for number in range(2 * rounds):
                with _crowd(adapter.address, kinds, clients) if number % 2 else nullcontext():
                    _, times = await posted(adapter.address, machine, 100_000 * number, POSTS, 1)
                    seen.append(Seen(times, _memory(adapter.process.pid)))
            serving.cancel()
            machine.close()
    return seen


@contextmanager
def _crowd(base: str, kinds: list[str], clients: int) -> Iterator[None]:
    """Slow clients in a process of their own."""
    argv = [sys.executable, "-m", "tests.bench.door", "crowd", base.rpartition(":")[2], str(clients), *kinds]
    with subprocess.Popen(argv, cwd=programs.ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # they are there
        yield
        process.kill()


def crowd(port: int, clients: int, kinds: list[str]) -> None:
    """Be slow for ever."""
    with SlowClients(port, [KINDS[name] for name in kinds], clients) as slow:
        for turn in itertools.count():
            if turn == SETTLED:
                sys.stdout.write("there\n")
                sys.stdout.flush()
            slow.turn(lambda: time.sleep(PAUSE / clients))  # not all at once


def _memory(pid: int) -> int:
    started = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (started, *started.children(recursive=True)))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


if __name__ == "__main__":
    if sys.argv[1:2] == ["crowd"]:
        crowd(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    else:
        main()

"""How others are served while slow clients crowd the HTTP door: `python -m tests.bench.door --clients 400`.

Webhooks go one at a time through adapter and router to a machine, in turns in quiet, while the crowd comes, and once it
is there. Prints p50 and p99 from post to machine, and by how much the adapter's memory grew; `--each` for each kind of
slow client alone.
"""

import argparse
import asyncio
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import grpc
import psutil

from tests.bench import programs
from tests.bench.chain import WARM_UP, posted
from tests.bench.machine import Machine
from tests.bench.webhooks import Door
from tests.rigs.slow_clients import SlowClients, shapes

KINDS = shapes(programs.API_KEY, programs.PATH_SECRET)
POSTS = 300
PAUSE = 1.0  # seconds between two words of a slow client
HEAD_START = 0.5  # seconds for those who post to begin, before the crowd comes
SETTLED = 5  # turns until those that never read have been sent what the kernel keeps for them


class When(Enum):
    """What a post had beside it."""

    QUIET = "quiet"
    ARRIVING = "arriving"
    ARRIVED = "arrived"


@dataclass(frozen=True)
class Seen:
    """Seconds from each post to the machine, and bytes of the adapter's memory after them."""

    when: When
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
        _tell(name, seen)


def _tell(name: str, seen: list[Seen]) -> None:
    told = {when: _quantiles([each for each in seen if each.when is when]) for when in When}
    quiet = told[When.QUIET][1]
    figures = "   ".join(
        f"{when.value} p50 {_ms(p50)}, p99 {_ms(p99)} ({p99 / quiet:.2f} x)" for when, (p50, p99) in told.items()
    )
    grown = max(each.memory for each in seen) - seen[0].memory  # since before they first came
    sys.stdout.write(f"{name:<30} {figures}   memory +{grown / 2**20:.1f} MiB\n")
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
            seen = await _rounds(adapter, machine, kinds, clients, rounds)
            serving.cancel()
            machine.close()
    return seen


async def _rounds(
    adapter: programs.Program, machine: Machine, kinds: list[str], clients: int, rounds: int
) -> list[Seen]:
    numbers, seen = itertools.count(100_000, 1_000), list[Seen]()

    async def look(when: When) -> None:
        warm_up = 0 if when is When.ARRIVING else WARM_UP  # the first moments count
        _, times = await posted(adapter.address, machine, next(numbers), POSTS, 1, warm_up)
        seen.append(Seen(when, times, _memory(adapter.process.pid)))

    for _ in range(rounds):
        await look(When.QUIET)
        with _crowd(adapter.address, kinds, clients) as is_there:
            while not is_there.is_set():
                await look(When.ARRIVING)
            await look(When.ARRIVED)
    return seen


@contextmanager
def _crowd(base: str, kinds: list[str], clients: int) -> Iterator[threading.Event]:
    """Slow clients in a process of their own, which begin to come; set once they are there."""
    argv = [sys.executable, "-m", "tests.bench.door", "crowd", base.rpartition(":")[2], str(clients), *kinds]
    with subprocess.Popen(argv, cwd=programs.ROOT, stdout=subprocess.PIPE) as process:
        said, is_there = process.stdout, threading.Event()
        assert said is not None
        said.readline()  # they come now
        waiting = threading.Thread(target=lambda: (said.readline(), is_there.set()))
        waiting.start()
        yield is_there
        process.kill()
        waiting.join()


def crowd(port: int, clients: int, kinds: list[str]) -> None:
    """Be slow for ever."""
    _say("coming")
    time.sleep(HEAD_START)
    with SlowClients(port, [KINDS[name] for name in kinds], clients) as slow:
        for turn in itertools.count():
            if turn == SETTLED:
                _say("there")
            slow.turn(lambda: time.sleep(PAUSE / clients))  # not all at once


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


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

"""Many thin machines in a process of their own: `python -m tests.bench.thin_crowd ADDRESS FIRST COUNT ID FINGERPRINT`.

It says "full" or "empty", and when (monotonic seconds), each time that all of them are connected, or none.

A real crowd has a computer for each machine; here all share the router's cores. What each does for itself alone is
therefore not done while they come back, at whichever server: credentials are signed as soon as a link is lost, and what
the router has proven is looked at once all are there, before "full" is said.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from agent.link.identity import Identity
from tests.bench import programs
from tests.bench.enrolled import Router, key_of, name_of
from tests.rigs.thin_machine import Behaviour, ThinMachine, here

LOOK_EVERY = 0.02  # seconds
BARE = "bare"  # the id of a router that is none


class Crowd:
    """Such processes, seen from outside."""

    def __init__(self, address: str, numbers: range, router: Router, processes: int = 1) -> None:
        each = len(numbers) // processes
        self._processes = [_started(address, first, each, router) for first in numbers[:: max(1, each)][:processes]]

    async def all_say(self, word: str) -> float:
        """When the last of them had said so (monotonic)."""
        return max(await asyncio.gather(*(asyncio.to_thread(_said, process, word) for process in self._processes)))

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


@contextmanager
def crowd(address: str, numbers: range, router: Router, processes: int = 1) -> Iterator[Crowd]:
    """The machines of these numbers, which come to an address for as long as the block runs."""
    machines = Crowd(address, numbers, router, processes)
    try:
        yield machines
    finally:
        machines.close()


def _started(address: str, first: int, count: int, router: Router) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "tests.bench.thin_crowd", address, str(first), str(count)]
    argv += [router.router_id, router.fingerprint]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=programs.ROOT)


def _said(process: "subprocess.Popen[str]", word: str) -> float:
    for line in process.stdout or ():
        said, at = line.split()
        if said == word:
            return float(at)
    raise RuntimeError("a crowd has died")


def machines(address: str, numbers: range, router: Router, behaviour: Behaviour) -> list[ThinMachine]:
    """Of these numbers."""
    rng = random.Random(numbers.start)
    return [
        ThinMachine(
            Identity(name_of(number), router.router_id, address, key_of(number), router.fingerprint), rng, behaviour
        )
        for number in numbers
    ]


async def stay(those: list[ThinMachine]) -> None:
    """Hold their links, and say how many there are."""
    staying = [asyncio.create_task(machine.stay()) for machine in those]
    said = ""
    while not any(task.done() for task in staying):
        await asyncio.sleep(LOOK_EVERY)
        word = {0: "empty", len(those): "full"}.get(here(those), "")
        if word and word != said:
            said, at = word, time.monotonic()
            for machine in those:
                machine.check_proofs()
            print(word, at, flush=True)
    await asyncio.gather(*staying)  # says what went wrong


if __name__ == "__main__":
    where, first, count, router_id, fingerprint = sys.argv[1:]
    numbers = range(int(first), int(first) + int(count))
    behaviour = Behaviour(trusting=router_id == BARE, spares=True)
    uvloop.run(stay(machines(where, numbers, Router(router_id, fingerprint), behaviour)))

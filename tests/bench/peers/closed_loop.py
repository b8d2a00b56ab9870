"""A publisher of the peers: so many messages under way, each followed by the next once it was confirmed."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import uvloop

from tests.bench import driver
from tests.bench.loads import Poster

TEXT = "t=%d %d please continue with the next task and run the tests, " + "x" * 100

HandIn = Callable[[int, str], Awaitable[object]]
"""Hands in one text, on the connection with this number; done once it is confirmed."""


def poster(module: str, address: str) -> Poster:
    """How a module of the peers is run as publisher."""

    async def post(at_once: int, seconds: float, _first: int) -> driver.Posted:
        return await driver.told(["-m", module, address, str(at_once), str(seconds)])

    return post


def main(publish: Callable[[str, int, float], Awaitable[driver.Posted]]) -> None:
    """Publish as the command line says: ADDRESS AT_ONCE SECONDS."""

    async def run() -> driver.Posted:
        return await publish(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

    print(json.dumps(asdict(uvloop.run(run()))))


async def closed_loop(hand_in: HandIn, at_once: int, seconds: float) -> driver.Posted:
    begun = time.monotonic_ns()
    until, count = begun + int(seconds * 1e9), 0

    async def each(number: int) -> None:
        nonlocal count
        while (now := time.monotonic_ns()) < until:
            count += 1
            await hand_in(number, TEXT % (now, count))

    await asyncio.gather(*(each(number) for number in range(at_once)))
    return driver.Posted(count, begun, time.monotonic_ns())

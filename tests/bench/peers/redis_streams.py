"""Redis Streams: XADD, XREADGROUP, XACK, each synced to disk before it is answered (`appendfsync always`)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from tests.bench.driver import Posted
from tests.bench.loads import PATIENCE, Way
from tests.bench.peers import servers
from tests.bench.peers.closed_loop import closed_loop, main, poster

STREAM, GROUP = "q", "g"
DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0")


def missing() -> str:
    return servers.missing("apt-get install redis-server", [servers.program("redis-server")])


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    port = servers.free_port()
    argv = [servers.program("redis-server") or "", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    with servers.server([*argv, *DURABLE], port, log=folder / "redis.log"):
        async with Redis(port=port, socket_timeout=PATIENCE) as redis:
            await redis.xgroup_create(STREAM, GROUP, "0", mkstream=True)
            arrived = dict[str, float]()
            receiving = asyncio.create_task(_receive(redis, arrived))
            yield Way(poster(__name__, str(port)), arrived)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)


async def _receive(redis: Redis, arrived: dict[str, float]) -> None:
    while True:
        for _, messages in await redis.xreadgroup(GROUP, "machine", {STREAM: ">"}, count=128, block=1000) or ():
            now = time.monotonic()
            for _, fields in messages:
                arrived[fields[b"text"].decode()] = now
            await redis.xack(STREAM, GROUP, *[number for number, _ in messages])


async def publish(port: str, at_once: int, seconds: float) -> Posted:
    async with Redis(port=int(port), max_connections=at_once + 1, socket_timeout=PATIENCE) as redis:

        async def hand_in(_number: int, text: str) -> None:
            await redis.xadd(STREAM, {"text": text})

        return await closed_loop(hand_in, at_once, seconds)


if __name__ == "__main__":
    main(publish)

"""The floor: what the parts cost bare, measured beside the chain. No chain of them can be faster than their sum.

Each part is measured as it is met in a chain that carries one message at a time: once in two milliseconds, which is
about what a message takes there and back. In a tight loop, with every cache and core awake, the same calls take two
thirds of that; but then so would the chain.
"""

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from tests.bench import textbook
from tests.bench.figures import Run, middle
from tests.bench.programs import started
from tests.bench.webhooks import Door, flood

SAMPLES = 300
PAUSE = 0.002  # seconds between samples
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Floor:
    """Medians in seconds."""

    http: float  # a Flask no-op under gunicorn, there and back
    call: float  # a unary call that does nothing, there and back
    push: float  # one way on an open stream
    commit: float  # one row, WAL, synchronous FULL

    @property
    def chain(self) -> float:
        """HTTP, the way into the router, a commit, a push to the agent."""
        return self.http + self.call / 2 + self.commit + self.push


def measure(folder: Path) -> Floor:
    """Measure the parts one after the other, each alone."""
    with _textbook("router", str(folder / "floor.db"), folder) as router:
        push = asyncio.run(_echo(router.address)) / 2
        call = _call(router.address)
        with _textbook("http", router.address, folder) as http:
            door = Door(http.address)
            http_time = _paced(lambda: door.get("/nothing"))
    return Floor(http_time, call, push, _commit(folder / "commit.db"))


def chain(folder: Path, count: int, threads: int) -> tuple[Run, list[float]]:
    """The textbook variant of the chain: its run, and seconds from each post to the agent."""
    return asyncio.run(_chain(folder, count, threads))


async def _chain(folder: Path, count: int, threads: int) -> tuple[Run, list[float]]:
    with (
        _textbook("router", str(folder / f"textbook-{count}-{threads}.db"), folder) as router,
        _textbook("http", router.address, folder) as http,
    ):
        arrived = dict[str, float]()
        async with grpc.aio.insecure_channel(router.address) as channel:
            call = channel.stream_stream(textbook.CONNECT)()
            await call.read()
            listener = asyncio.create_task(_listen(call, arrived))
            posted = await asyncio.to_thread(flood, http.address, 0, count, threads)
            while len(arrived) < count:
                await asyncio.sleep(0.001)
            listener.cancel()
            call.cancel()
        return posted.run, [arrived[text] - sent for text, sent in posted.sent.items()]


async def _listen(call: "grpc.aio.StreamStreamCall[bytes, bytes]", arrived: dict[str, float]) -> None:
    while True:
        raw = await call.read()
        text = textbook.link_pb.RouterFrame.FromString(raw).command.action.input.text
        arrived[text] = time.perf_counter()


def _paced(part: Callable[[], object]) -> float:
    times = []
    for _ in range(SAMPLES):
        time.sleep(PAUSE)
        begun = time.perf_counter()
        part()
        times.append(time.perf_counter() - begun)
    return middle(times[20:])


async def _echo(address: str) -> float:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(textbook.ECHO)()
        times = []
        for _ in range(SAMPLES):
            await asyncio.sleep(PAUSE)
            begun = time.perf_counter()
            await call.write(b"x" * 200)
            await call.read()
            times.append(time.perf_counter() - begun)
        call.cancel()
    return middle(times[20:])


def _call(address: str) -> float:
    with grpc.insecure_channel(address) as channel:
        nothing = channel.unary_unary(textbook.NOTHING)
        return _paced(lambda: nothing(b"x" * 200))


def _commit(path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    took = _paced(lambda: connection.execute("INSERT INTO t (b) VALUES (?)", ("x" * 200,)))
    connection.close()
    return took


def _textbook(part: str, argument: str, folder: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202
    argv = [sys.executable, str(HERE / "textbook.py"), part, argument]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return started(argv, env, log=folder / f"textbook-{part}.log")

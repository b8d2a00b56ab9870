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
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import grpc

from tests.bench import driver, textbook
from tests.bench.figures import Figures, middle
from tests.bench.loads import Way
from tests.bench.programs import started
from tests.bench.webhooks import Door

SAMPLES = 300
PAUSE = 0.002  # seconds between samples
HERE = Path(__file__).parent


def measure(folder: Path) -> Figures:
    """Medians in seconds of the parts, each alone, and of their sum: HTTP, half a call, a commit, a push."""
    with _textbook("router", str(folder / "floor.db"), folder) as router:
        push = asyncio.run(_echo(router.address)) / 2
        call = _call(router.address)
        with _textbook("http", router.address, folder) as http, closing(Door(http.address)) as door:
            there_and_back = _paced(lambda: door.get("/nothing"))
    commit, sync = _commit(folder / "commit.db"), _sync(folder / "synced")
    return {"sum": there_and_back + call / 2 + commit + push, "commit": commit, "sync": sync}


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    """The textbook variant of the chain."""
    with (
        _textbook("router", str(folder / "textbook.db"), folder) as router,
        _textbook("http", router.address, folder) as http,
    ):
        arrived = dict[str, float]()
        async with grpc.aio.insecure_channel(router.address) as channel:
            call = channel.stream_stream(textbook.CONNECT)()
            await call.read()
            listener = asyncio.create_task(_listen(call, arrived))

            async def post(at_once: int, seconds: float, first: int) -> driver.Posted:
                return await driver.post(http.address, at_once, seconds, first)

            yield Way(post, arrived)
            listener.cancel()
            call.cancel()


async def _listen(call: "grpc.aio.StreamStreamCall[bytes, bytes]", arrived: dict[str, float]) -> None:
    while True:
        raw = await call.read()
        text = textbook.link_pb.RouterFrame.FromString(raw).command.action.input.text
        arrived[text] = time.monotonic()


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


def _sync(path: Path) -> float:
    """A sync of 4 KiB of a file that has them already."""
    with path.open("wb", buffering=0) as file:
        file.write(bytes(4096))
        os.fsync(file.fileno())

        def once() -> None:
            os.pwrite(file.fileno(), os.urandom(4096), 0)
            os.fdatasync(file.fileno())

        return _paced(once)


def _textbook(part: str, argument: str, folder: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202
    argv = [sys.executable, str(HERE / "textbook.py"), part, argument]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return started(argv, env, log=folder / f"textbook-{part}.log")

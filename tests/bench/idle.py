"""What an idle machine costs the router in memory, with its proof and its credential; and a bare gRPC server."""

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil

from tests.bench import programs
from tests.bench.enrolled import Router, enrol
from tests.bench.thin_crowd import BARE, crowd

WARM = 50  # links before the first look
SETTLED = 2.0  # seconds


async def measure(folder: Path, count: int) -> tuple[float, float]:
    """Bytes of memory per idle link: the router's, and those of a gRPC server that knows nobody."""
    known = enrol(folder, count)
    bare = [sys.executable, str(programs.ROOT / "tests" / "bench" / "bare.py"), str(folder), "127.0.0.1:0"]
    nobody = Router(BARE, known.fingerprint)
    return await _per_link(folder, programs.ours("router"), count, known), await _per_link(folder, bare, count, nobody)


async def _per_link(folder: Path, argv: list[str], count: int, known: Router) -> float:
    with programs.started(argv, programs.environ(folder), log=folder / "log.txt") as server, ExitStack() as stack:
        process = psutil.Process(server.process.pid)
        warm = stack.enter_context(crowd(server.address, range(WARM), known))
        await warm.all_say("full")
        before = process.memory_info().rss
        rest = stack.enter_context(crowd(server.address, range(WARM, count), known))
        await rest.all_say("full")
        await asyncio.sleep(SETTLED)
        return (process.memory_info().rss - before) / (count - WARM)

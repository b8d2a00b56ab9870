"""What can be measured, by name; each part is measured anew in every round, with programs and a folder of its own."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench import chain, chatty, drain, floor, idle, real_pages, starts, storms, submits, syncs, told
from tests.bench.figures import Figures
from tests.bench.loads import Way, loaded
from tests.bench.peers import jetstream, postgres, redis_streams, worker
from tests.faults.table import quantile


@dataclass(frozen=True)
class Scale:
    """How much of it; a test takes little."""

    seconds: float = 2.0  # of each load
    submits: int = 9_000
    queued: int = 10_000
    idle: tuple[int, ...] = (2_000, 10_000)
    starts: int = 20
    synced: int = 640
    storm: int = 5_000
    turns: int = 6
    kinds: tuple[str, ...] = real_pages.KINDS


@dataclass(frozen=True)
class Part:
    name: str
    says: str
    measure: Callable[[Path, Scale], Figures]
    missing: Callable[[], str] = str  # how to install what is not here
    most: int = 99  # rounds: what takes long, and swings little, is not done in each


def _way(opened: Callable[[Path], AbstractAsyncContextManager[Way]]) -> Callable[[Path, Scale], Figures]:
    async def measure(folder: Path, scale: Scale) -> Figures:
        async with opened(folder) as way:
            return await loaded(way, scale.seconds)

    return lambda folder, scale: uvloop.run(measure(folder, scale))


def _away(folder: Path, scale: Scale) -> Figures:
    return uvloop.run(submits.away(folder, scale.submits, 64))


def _drain(folder: Path, scale: Scale) -> Figures:
    took = asyncio.run(drain.measure(folder, scale.queued))
    return {"seconds": took, "rate": scale.queued / took}


def _idle(folder: Path, scale: Scale) -> Figures:
    figures = Figures()
    for name, count in zip(("few", "many"), scale.idle, strict=True):
        inside = folder / name
        inside.mkdir()
        figures[name], figures[f"{name} bare"] = asyncio.run(idle.measure(inside, count))
    return figures


def _starts(folder: Path, scale: Scale) -> Figures:
    return asyncio.run(starts.measure(folder, scale.starts))


def _syncs(folder: Path, scale: Scale) -> Figures:
    return asyncio.run(syncs.measure(folder, scale.synced))


def _chatty(folder: Path, scale: Scale) -> Figures:
    return uvloop.run(chatty.measure(folder, scale.seconds))


def _told(folder: Path, scale: Scale) -> Figures:
    run = asyncio.run(told.measure(folder, scale.seconds))
    return {"p50": run.p50, "p99": run.p99}


def _pages(folder: Path, scale: Scale) -> Figures:
    return real_pages.measure(folder, scale.turns, scale.kinds)


async def _storm(_folder: Path, scale: Scale) -> Figures:
    bare = await storms.bare(scale.storm)
    ours = await storms.ours(scale.storm)
    figures = {"bare": bare, "back": ours.back}
    for way in ("chat", "port"):
        figures[f"{way} quiet"] = quantile(ours.quiet[way], 0.99)
        figures[f"{way} meanwhile"] = quantile(ours.meanwhile[way], 0.99)
    return figures


PARTS = [
    Part("floor", "the bare parts of the chain, each alone", lambda folder, _: floor.measure(folder)),
    Part("chain", "a webhook, our adapter, our router, a machine", _way(chain.opened)),
    Part("textbook", "the same as one would write it first", _way(floor.opened)),
    Part("worker", "the same as a Durable Object under workerd", _way(worker.opened), worker.missing),
    Part("router", "our router alone: a submit stream, a machine that confirms", _way(submits.opened)),
    Part("redis", "Redis Streams, appendfsync always", _way(redis_streams.opened), redis_streams.missing),
    Part("postgres", "PostgreSQL, SKIP LOCKED and NOTIFY", _way(postgres.opened), postgres.missing),
    Part("nats", "NATS JetStream, file store", _way(jetstream.opened), jetstream.missing),
    Part("away", "our router alone, while the machine is away", _away),
    Part("drain", "10 000 queued commands onto a machine's disk", _drain, most=3),
    Part("idle", "memory of the router for each machine that is idle", _idle, most=1),
    Part("chatty", "a webhook beside 50 sessions that say 20 things a second", _chatty, most=3),
    Part("told", "from 50 programs' records to those who watch them", _told, most=3),
    Part("pages", "from the real Claude Code's record to the console's page", _pages, real_pages.missing, most=1),
    Part("storm", "machines that come back to a router that was killed", lambda *of: asyncio.run(_storm(*of)), most=3),
    Part("syncs", "how often a command makes a disk sync", _syncs, syncs.missing, most=1),
    Part("starts", "commands that people wait for, from start to end", _starts, most=3),
]
BY_NAME = {part.name: part for part in PARTS}

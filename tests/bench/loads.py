"""What goes through a way under load: one, sixteen and sixty-four at a time, by the same rules for everybody.

A way takes texts in at one end (a process that posts, or publishes) and gives them out at the other, in this process:
there they are confirmed. Latencies run from just before a text was sent until it was there; the rate counts until the
last was both answered and there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.bench.driver import Posted, stamp
from tests.bench.figures import Figures, Run

WARM_UP = 0.5  # seconds: connections and caches are warm then, and a log is written over
AT_ONCE = (1, 16, 64)
PATIENCE = 60.0  # seconds for what is under way at the end

Poster = Callable[[int, float, int], Awaitable[Posted]]
"""Hands texts in: so many at once, for so many seconds, numbered from there."""


@dataclass(frozen=True)
class Way:
    """One end and the other."""

    post: Poster
    arrived: dict[str, float]  # by text: seconds (CLOCK_MONOTONIC)


async def loaded(way: Way, seconds: float, at_once: tuple[int, ...] = AT_ONCE) -> Figures:
    """Latencies and rates of each load, by names like `p99 at 16`."""
    await under(way, 4, WARM_UP, 0)
    figures = Figures()
    for number, count in enumerate(at_once, 1):
        run = await under(way, count, seconds, number * 10_000_000)
        figures |= {f"p50 at {count}": run.p50, f"p99 at {count}": run.p99, f"rate at {count}": run.rate}
    return figures


async def under(way: Way, at_once: int, seconds: float, first: int) -> Run:
    way.arrived.clear()
    posted = await way.post(at_once, seconds, first)
    until = time.monotonic() + PATIENCE
    while len(way.arrived) < posted.count:
        if time.monotonic() > until:
            raise RuntimeError(f"{len(way.arrived)} of {posted.count} have arrived")
        await asyncio.sleep(0.001)
    ended = max(posted.ended / 1e9, *way.arrived.values())
    return Run([at - stamp(text) for text, at in way.arrived.items()], ended - posted.begun / 1e9)

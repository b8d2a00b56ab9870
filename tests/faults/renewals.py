"""Programs that are stopped in peace and started again under traffic, as an upgrade does it."""

import time

from tests.faults.kills import Strike, recoveries, until_recovered
from tests.faults.load import Senders
from tests.faults.table import Row
from tests.faults.world import World


def peaceful(world: World, count: int) -> Row:
    """The router, then every agent, so many times: nothing may be in doubt afterwards."""
    since, strikes = time.monotonic(), []
    names = tuple(machine.name for machine in world.machines)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        for _ in range(count):
            world.router.stop()
            strikes.append(Strike(time.monotonic(), names))
            world.start_router()
            until_recovered(world, strikes)
            for machine in world.machines:
                world.refresh(machine)
                strikes.append(Strike(time.monotonic(), (machine.name,)))
                until_recovered(world, strikes)
    world.drain()
    verdict = world.verdict(since)
    doubts = [f"uncertain: {len(verdict.uncertain)}"] if verdict.uncertain else []
    back, failures = recoveries(world, strikes), [*senders.refusals, *doubts]
    return Row("router and agents renewed (SIGTERM)", len(strikes), verdict, back=back, failures=failures)

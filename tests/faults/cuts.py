"""Power cuts under traffic; and the proof that the cut is real: without synchronous FULL it loses what was accepted."""

import random
import time
from pathlib import Path

from tests.faults import kills
from tests.faults.load import Senders
from tests.faults.table import Row
from tests.faults.victims import AgentVictim, RouterVictim
from tests.faults.world import World
from tests.waiting import wait_until

ENOUGH = 20  # accepted texts before the control's cut


def router(world: World, rng: random.Random, count: int) -> Row:
    """The router loses power so many times."""
    victim = RouterVictim(world, _survivors(world, "router"))
    return kills.under_traffic(world, "power cut at the router", [victim], kills.schedule(rng, kills.RANDOM, count))


def agents(world: World, rng: random.Random, count: int) -> Row:
    """Machines lose power so many times."""
    victims = [AgentVictim(world, machine, _survivors(world, machine.name)) for machine in world.machines]
    return kills.under_traffic(world, "power cut at a machine", victims, kills.schedule(rng, kills.RANDOM, count))


def control(world: World) -> Row:
    """The router without FULL, and nobody there to type: whatever it accepted is lost with the power."""
    for machine in world.machines:
        world.bury(machine)
    world.router.stop()  # writes everything down
    world.start_router(synchronous="normal", survivors=_survivors(world, "control"))
    since = time.monotonic()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}"):
        wait_until(lambda: len(list(world.journal.read("accepted", since=since))) >= ENOUGH, 60)
    world.end_router()
    world.start_router()
    for machine in world.machines:
        world.start_agent(machine)
        machine.agent.ready()
    world.drain()
    verdict = world.verdict(since)
    failures = [] if verdict.lost else ["nothing was lost: the cut is not real"]
    remarks = [f"lost {len(verdict.lost)} of {verdict.accepted} accepted, as it must"]
    return Row("control: power cut with synchronous NORMAL", 1, remarks=remarks, failures=failures)


def _survivors(world: World, name: str) -> Path:
    folder = world.folder / f"survivors-{name}"
    folder.mkdir(exist_ok=True)
    return folder

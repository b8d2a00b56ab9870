"""Wall clocks that are set forward or back by 25 hours: nothing may expire early, nothing may stall."""

import itertools
import signal
import time
from collections.abc import Iterator

from tests.faults.kills import RECOVERY, Strike, recoveries, until_recovered
from tests.faults.load import Senders
from tests.faults.table import Row
from tests.faults.world import World
from tests.waiting import wait_until

DAY_AND_MORE = 25 * 3600.0  # seconds: more than a command may wait
ENOUGH = 40  # texts that meet the step, or follow it
TTL = 600  # seconds, for every other text


def steps(world: World) -> Iterator[Row]:
    """Both directions, at the router and at the machines."""
    for seconds, program in itertools.product((DAY_AND_MORE, -DAY_AND_MORE), ("router", "agents")):
        yield while_running(world, seconds, program)
        yield while_down(world, seconds, program)


def while_running(world: World, seconds: float, program: str) -> Row:
    """The clock is set while the program runs, under traffic."""
    _restart(world, program, step=seconds)
    since = time.monotonic()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", ttl=TTL) as senders:
        until_recovered(world, [Strike(since, _names(world))])
        for process in [world.router] if program == "router" else [machine.agent for machine in world.machines]:
            process.signal(signal.SIGUSR2)
        strike = Strike(time.monotonic(), _names(world))
        until_recovered(world, [strike])
        _more(world, "typed", strike.at)
    world.drain()
    row = _judged(world, f"clock {seconds / 3600:+.0f} h, running {program}", since, [strike], senders)
    _restart(world, program)
    return row


def while_down(world: World, seconds: float, program: str) -> Row:
    """Commands wait for machines that are away; meanwhile the program stops and comes back with another time."""
    for machine in world.machines:
        world.bury(machine)
    since = time.monotonic()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", ttl=TTL) as senders:
        _more(world, "accepted", since)
        strike = Strike(time.monotonic(), _names(world))
        if program == "router":
            world.end_router()
            world.start_router(clock=seconds)
        for machine in world.machines:
            world.start_agent(machine, clock=seconds if program == "agents" else 0.0)
        until_recovered(world, [strike])
    world.drain()
    row = _judged(world, f"clock {seconds / 3600:+.0f} h, {program} away", since, [strike], senders)
    _restart(world, program)
    return row


def _restart(world: World, program: str, **changes: float) -> None:
    if program == "router":
        world.end_router()
        world.start_router(**changes)
    for machine in world.machines:
        world.bury(machine)
        world.start_agent(machine, **(changes if program == "agents" else {}))
        machine.agent.ready()


def _more(world: World, event: str, since: float) -> None:
    wait_until(lambda: len(list(world.journal.read(event, since=since))) >= ENOUGH, RECOVERY)


def _names(world: World) -> tuple[str, ...]:
    return tuple(machine.name for machine in world.machines)


def _judged(world: World, name: str, since: float, strikes: list[Strike], senders: Senders) -> Row:
    verdict = world.verdict(since)
    early = [f"{count} {state}" for state, count in verdict.otherwise.items() if state != "uncertain"]
    return Row(name, 1, verdict, back=recoveries(world, strikes), failures=[*senders.refusals, *early])

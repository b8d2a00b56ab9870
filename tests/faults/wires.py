"""Bad networks between machines and the router, under traffic: what breaks a link is found, and nothing is lost by it.

The links have TLS, as any link off this machine: nothing else would notice a corrupted byte.
"""

import random
import time
from collections.abc import Callable

from tests.faults.kills import RECOVERY, Strike, recoveries, until_recovered
from tests.faults.load import Senders
from tests.faults.table import Row
from tests.faults.world import World
from tests.rigs.chaos_proxy import Wire
from tests.waiting import wait_until

FRESH_AFTER = 2  # faults, then new agents: else their reconnect windows double up to a minute
SLOW = "slow link (20-200 ms a chunk)"

Fault = Callable[[Wire, random.Random], None]


def _latency(wire: Wire, rng: random.Random) -> None:
    wire.up.latency = wire.down.latency = rng.uniform(0.02, 0.2)


def _reset(wire: Wire, _rng: random.Random) -> None:
    wire.reset()


def _half_close(wire: Wire, _rng: random.Random) -> None:
    wire.half_close()


def _cut(wire: Wire, rng: random.Random) -> None:
    weather = rng.choice([wire.up, wire.down])
    weather.cut_after = rng.randint(1, 400)


def _corrupt(wire: Wire, rng: random.Random) -> None:
    weather = rng.choice([wire.up, wire.down])
    weather.corrupt = True


FAULTS: dict[str, Fault] = {
    SLOW: _latency,
    "reset": _reset,
    "half-closed by the machine": _half_close,
    "cut inside a frame": _cut,
    "corrupted byte": _corrupt,
}


def break_links(world: World, rng: random.Random, name: str, count: int) -> Row:
    """Strike every machine's link so many times with one fault; each time until all machines type again."""
    since, strikes = time.monotonic(), []
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        for number in range(count):
            for machine in world.machines:
                wait_until(lambda machine=machine: machine.wire.live(), RECOVERY)
                struck = machine.wire.each(lambda wire: FAULTS[name](wire, rng))
                wait_until(lambda struck=struck: name == SLOW or all(wire.over for wire in struck), RECOVERY)
                strikes += [Strike(time.monotonic(), (machine.name,)) for _ in struck[:1]]
            until_recovered(world, strikes)
            if number % FRESH_AFTER == FRESH_AFTER - 1:
                for machine in world.machines:
                    world.refresh(machine)
    world.drain()
    back = recoveries(world, strikes)
    return Row(f"link: {name}", len(strikes), world.verdict(since), back=back, failures=senders.refusals)

"""kill -9 at random moments and at every labelled point, under traffic."""

import multiprocessing.connection
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.faults.load import Senders
from tests.faults.processes import Died
from tests.faults.table import Row
from tests.faults.victims import AgentVictim, RouterVictim, Victim
from tests.faults.world import World
from tests.waiting import NeverHappened, wait_until

RANDOM = "at random"
SOONEST, LATEST = 0.05, 0.6  # seconds of life before a random kill
PASSES = 4  # of a point, at most, before it kills
ONCE = ("welcome", "hello")  # points that a life passes once
UNFIRED = 60.0  # seconds without reaching the point; then it is killed all the same, and not counted
IN_A_ROW = 2  # deaths of the router before it may live until everything is well again
RECOVERY = 60.0  # seconds until something is typed again


@dataclass(frozen=True, slots=True)
class Death:
    """What a life will die of."""

    point: str
    passes: int
    after: float  # seconds; for a random kill

    @property
    def due(self) -> float:
        """When to kill it from outside (monotonic)."""
        return time.monotonic() + (self.after if self.point == RANDOM else UNFIRED)


@dataclass(frozen=True, slots=True)
class Strike:
    """A death that happened, and the machines that were cut off by it."""

    at: float
    machines: tuple[str, ...]


def schedule(rng: random.Random, point: str, count: int) -> list[Death]:
    """So many deaths of one kind."""
    most = 1 if point.startswith(ONCE) else PASSES
    return [Death(point, rng.randint(1, most), rng.uniform(SOONEST, LATEST)) for _ in range(count)]


def mixed(rng: random.Random, points: Sequence[str], count: int) -> list[Death]:
    """So many deaths at each of these points, in any order."""
    deaths = [death for point in points for death in schedule(rng, point, count)]
    rng.shuffle(deaths)
    return deaths


def under_traffic(
    world: World, name: str, victims: Sequence[Victim], deaths: list[Death], *, in_a_row: int | None = None
) -> Row:
    """Let victims die these deaths while texts are sent, so many `in_a_row` before all is well again (None: all).

    What became of the texts.
    """
    since, strikes, in_a_row = time.monotonic(), list[Strike](), in_a_row or len(deaths)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        for first in range(0, len(deaths), in_a_row):
            strikes += all_die(victims, deaths[first : first + in_a_row])
            until_recovered(world, strikes)
    world.drain()
    back = recoveries(world, strikes)
    return Row(name, len(strikes), world.verdict(since), back=back, failures=senders.refusals)


def all_die(victims: Sequence[Victim], deaths: list[Death]) -> list[Strike]:
    """Start each victim again and again until no death is left; all victims at the same time."""
    deaths, strikes = list(deaths), []
    living: dict[int, tuple[Victim, Death, float]] = {}

    def next_life(victim: Victim) -> None:
        if not deaths:
            victim.start("", 0)
            return
        death = deaths.pop()
        with suppress(Died):  # it reached its point before it was ready
            victim.start("" if death.point == RANDOM else death.point, death.passes)
        living[victim.sentinel] = (victim, death, death.due)

    for victim in victims:
        victim.kill()
        next_life(victim)
    while living:
        victim, on_time = _next_dead(living)
        if on_time:
            strikes.append(Strike(time.monotonic(), victim.machines))
        victim.kill()
        next_life(victim)
    return strikes


def _next_dead(living: dict[int, tuple[Victim, Death, float]]) -> tuple[Victim, bool]:
    """The next victim to be dead, killed here when that was due; and whether it died of what it should."""
    first = min(living, key=lambda sentinel: living[sentinel][2])
    wait = max(0.0, living[first][2] - time.monotonic())
    dead = multiprocessing.connection.wait(list(living), wait)
    sentinel = int(dead[0]) if dead else first  # type: ignore[call-overload]
    victim, death, _ = living.pop(sentinel)
    return victim, bool(dead) == (death.point != RANDOM)


def until_recovered(world: World, strikes: Sequence[Strike]) -> None:
    """Wait until every machine that was struck has typed again. What does not come says how the world is."""
    try:
        wait_until(lambda: len(_returns(world, strikes)) == len(strikes), RECOVERY)
    except NeverHappened as never:
        raise NeverHappened(f"{never}; {world.condition()}") from None


def recoveries(world: World, strikes: Sequence[Strike]) -> list[float]:
    """Seconds from each strike until its last machine typed again.

    Left out are strikes without that, and those that another one followed before: of a row the last one counts.
    """
    returns = _returns(world, strikes)
    return [
        back - strike.at for strike, back in returns if not any(_cuts_short(other, strike, back) for other in strikes)
    ]


def _cuts_short(other: Strike, strike: Strike, back: float) -> bool:
    return strike.at < other.at < back and not set(strike.machines).isdisjoint(other.machines)


def _returns(world: World, strikes: Sequence[Strike]) -> list[tuple[Strike, float]]:
    """When the last machine of each strike typed again (monotonic); strikes without that are left out."""
    typed: dict[str, list[float]] = {}
    for entry in world.journal.read("typed", since=min((strike.at for strike in strikes), default=0.0)):
        typed.setdefault(entry["machine"], []).append(entry["at"])
    found = []
    for strike in strikes:
        firsts = [next((at for at in typed.get(name, []) if at > strike.at), None) for name in strike.machines]
        if None not in firsts:
            found.append((strike, max(at for at in firsts if at is not None)))
    return found


def agents(world: World, rng: random.Random, point: str, count: int) -> Row:
    """Kill agents so many times at one point, all machines at once."""
    victims = [AgentVictim(world, machine) for machine in world.machines]
    return under_traffic(world, f"kill -9 agent {_at(point)}", victims, schedule(rng, point, count))


def router(world: World, rng: random.Random, point: str, count: int) -> Row:
    """Kill the router so many times at one point."""
    deaths = schedule(rng, point, count)
    return under_traffic(world, f"kill -9 router {_at(point)}", [RouterVictim(world)], deaths, in_a_row=IN_A_ROW)


def _at(point: str) -> str:
    return point if point == RANDOM else f"at {point}"

"""`make faults`: every fault that one machine can inject, and whether the promises held. Prints a table.

The seed makes the schedule: which program dies at which point and when. Exit code 1 when a promise was broken, or when
a fault did not come about.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator

from tests.fakes.acp_programs import PROGRAMS
from tests.faults import (
    clocks,
    coding_agents,
    cuts,
    disks,
    files,
    found,
    github_runs,
    github_stage,
    hostile,
    identities,
    kills,
    power,
    renewals,
    rude_programs,
    storm,
    telling,
    wires,
    workspace_runs,
    workspace_stage,
)
from tests.faults.chat import Chat
from tests.faults.points import AGENT_POINTS, ROUTER_POINTS
from tests.faults.table import Row, rendered
from tests.faults.victims import AgentVictim, RouterVictim
from tests.faults.world import World, world

Group = Callable[[argparse.Namespace, random.Random], Iterable[Row]]
SOAK = 30.0  # seconds of one round of a longer run


def _kills(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    with world(machines=2) as one:
        for point, count in shared(options.kills_agent, [kills.RANDOM, *AGENT_POINTS]):
            yield kills.agents(one, rng, point, count)
        for point, count in shared(options.kills_router, [kills.RANDOM, *ROUTER_POINTS]):
            yield kills.router(one, rng, point, count)
        with Chat(one, options.seed) as chat:
            for kill in (chat.kill_courier, chat.kill_http):
                yield kill(kills.schedule(rng, kills.RANDOM, options.kills_adapter))


def _telling(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    counts = {"agents": options.kills_agent, "router": options.kills_router, "adapter": options.kills_adapter}
    with world(machines=2) as one:
        for name in telling.KILLED:
            yield telling.killed(one, name, rng, max(2, counts.get(name, options.kills_agent) // 5))
        yield telling.cut(one, rng, options.times)
        yield telling.away(one, max(2, options.times // 2))


def _wires(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    with world(machines=2, tls=True) as one:
        for name in wires.FAULTS:
            yield wires.break_links(one, rng, name, options.times)


def _found(_options: argparse.Namespace, _rng: random.Random) -> Iterator[Row]:
    with world(machines=len(found.HALF_OPENS), sessions=1) as one:
        yield from found.half_open(one)
        yield from found.hung_agents(one)
        for number in found.HANGS:
            yield found.hung_router(one, number)


def _power(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    if not power.possible():
        yield Row("power cut", 0, failures=["SQLite cannot be reached in this Python"])
        return
    with world(machines=2) as one:
        yield cuts.router(one, rng, options.times)
        yield cuts.agents(one, rng, options.times)
        yield cuts.control(one)


def _disks(options: argparse.Namespace, _rng: random.Random) -> Iterator[Row]:
    with world(machines=2) as one:
        yield disks.full_at_router(one, max(1, options.times // 4))
        if disks.may_mount():
            yield disks.full_at_machine(one, max(1, options.times // 4))
        for locked, seconds in ((disks.locked_router, 2.0), (disks.locked_router, 8.0), (disks.locked_machine, 8.0)):
            yield locked(one, seconds)


def _files(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    few = max(1, options.times // 2)
    with world(machines=2) as one:
        yield files.lost_index(one, few)
        for damaged in (files.damaged_router, files.damaged_agent):
            yield damaged(one, rng, few)
        yield files.pinned_reader(one, options.reader)
        yield files.cut_log(one, rng, few)


def _hostile(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    with world(machines=2) as one:
        yield hostile.nonsense(one, rng, max(1, options.times // 4))
        yield renewals.peaceful(one, max(1, options.times // 2))
        yield hostile.revoked(one)


def _clocks(_options: argparse.Namespace, _rng: random.Random) -> Iterator[Row]:
    with world(machines=2) as one:
        yield from clocks.steps(one)


def _identities(_options: argparse.Namespace, _rng: random.Random) -> Iterator[Row]:
    with world(machines=2) as one:
        for scenario in (
            identities.lost_inbox, identities.rolled_back_inbox, identities.poison, identities.cloned,
        ):  # fmt: skip
            yield scenario(one)


def _storm(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    with world(machines=1) as one:
        yield storm.storm(one, rng, options.agents)


def soak(minutes: float, rng: random.Random) -> Iterator[Row]:
    """Everything killed at random and at the same time, round after round."""
    ends = time.monotonic() + minutes * 60
    while time.monotonic() < ends:
        with world(machines=3) as one:
            yield _round(one, rng)


def _round(one: World, rng: random.Random) -> Row:
    victims = [RouterVictim(one), *(AgentVictim(one, machine) for machine in one.machines)]
    deaths = kills.schedule(rng, kills.RANDOM, int(SOAK))
    return kills.under_traffic(one, "router and agents at the same time", victims, deaths)


def _programs(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    yield rude_programs.rude(rng, options.times * 5)
    for name in coding_agents.installed(options.programs):
        yield coding_agents.life(name, rng, options.rounds)


def _moments(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    for name in coding_agents.installed(options.programs):
        yield coding_agents.moments(name, rng, options.moments)


def _github(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    with github_stage.stage() as one:
        for victim in options.victims:
            yield github_runs.deaths(one, victim, rng, options.runs)


def _workspaces(options: argparse.Namespace, rng: random.Random) -> Iterator[Row]:
    with workspace_stage.stage() as one:
        for deed in workspace_runs.DEATHS:
            yield workspace_runs.deaths(one, deed, rng, options.runs)


GROUPS: dict[str, Group] = {
    "kills": _kills,
    "telling": _telling,
    "wires": _wires,
    "power": _power,
    "disks": _disks,
    "files": _files,
    "clocks": _clocks,
    "identities": _identities,
    "hostile": _hostile,
    "found": _found,
    "programs": _programs,
    "moments": _moments,
    "github": _github,
    "workspaces": _workspaces,
    "storm": _storm,
}


def shared(count: int, points: list[str]) -> list[tuple[str, int]]:
    """So many kills: a third at random moments, the rest spread over the labelled points."""
    each = max(1, count * 2 // 3 // (len(points) - 1))
    at_random = max(1, count - each * (len(points) - 1))
    return [(points[0], at_random), *((point, each) for point in points[1:])]


def main() -> int:
    options = _options()
    _tell(f"seed {options.seed}")
    rows: list[Row] = []
    for name in options.only or GROUPS:
        rng = random.Random(f"{options.seed} {name}")
        rows += _run(name, lambda name=name, rng=rng: GROUPS[name](options, rng))
    if options.minutes:
        rows += _run("soak", lambda: soak(options.minutes, random.Random(f"{options.seed} soak")))
    _tell("\n" + rendered(rows))
    bad = [row for row in rows if row.problems or row.late]
    _tell(f"\nseed {options.seed}: {len(rows)} kinds of faults, {sum(row.injected for row in rows)} injected, "
          f"{f'{len(bad)} NOT GOOD' if bad else 'every promise kept'}")  # fmt: skip
    return 1 if bad else 0


def _run(name: str, group: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """The rows of a group, told as they come. One that breaks is a row, too, and does not end the others."""
    began = time.monotonic()
    try:
        for row in group():
            _tell(f"{time.monotonic() - began:6.1f} s  " + "  ".join(row.cells()))
            yield row
    except Exception as error:  # noqa: BLE001 -- the other groups are still worth a run
        traceback.print_exc()
        yield Row(name, 0, failures=[f"did not come to its end: {type(error).__name__} {str(error)[:200]}"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="replays the schedule of another run")
    parser.add_argument("--minutes", type=float, default=0, help="kill everything at random for so long, afterwards")
    parser.add_argument("--kills-agent", type=int, default=500)
    parser.add_argument("--kills-router", type=int, default=200)
    parser.add_argument("--kills-adapter", type=int, default=100, help="of the HTTP program, and of the courier")
    parser.add_argument("--times", type=int, default=20, help="of each other fault that can be repeated")
    parser.add_argument("--reader", type=float, default=20, help="seconds that a reader keeps the router's log")
    parser.add_argument("--agents", type=int, default=2000, help="in the reconnect storm")
    parser.add_argument("--rounds", type=int, default=21, help="of each real coding agent over ACP")
    parser.add_argument("--moments", type=int, default=200, help="texts in a turn of each of them")
    victims = list(github_runs.CASES)
    parser.add_argument(
        "--runs", type=int, default=2, help="from a mention on GitHub on, and of a workspace, to each point"
    )
    parser.add_argument("--victims", nargs="*", choices=victims, default=victims, help="these alone die in them")
    parser.add_argument("--programs", nargs="*", choices=list(PROGRAMS), default=list(PROGRAMS), help="these alone")
    parser.add_argument("--only", nargs="*", choices=list(GROUPS), help="these groups alone")
    return parser.parse_args()


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""What sessions do, told through the deaths of everybody on its way: each watcher sees each thing of the record once.

Programs write their records meanwhile and live on. Some watch from the start, some come in the middle; each over gRPC,
over HTTP and by the stream of the console's page, through the adapter.
"""

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack

from tests.faults.chat import ProgramVictim
from tests.faults.kills import RANDOM, all_die, schedule
from tests.faults.table import Row
from tests.faults.talks import Talk
from tests.faults.victims import AgentVictim, RouterVictim, Victim
from tests.faults.watched import Watched, judged, together
from tests.faults.watchers import Watcher, over_grpc, over_http, over_page
from tests.faults.wires import FRESH_AFTER
from tests.faults.world import World
from tests.ports import free_port
from tests.waiting import NeverHappened, wait_until

PATIENCE = 90.0  # seconds until all is told; machines come back after a minute at most
NEWEST = 30  # events that somebody wants who comes in the middle
CUTS_AWAY = 1.0  # seconds for which a link cannot be made
DAY_AND_MORE = 25 * 3600.0  # seconds that a clock is set by
TURNS = 2  # of each session between two faults


class Telling:
    """Sessions that talk, and those who watch them, while it is entered."""

    def __init__(self, world: World, name: str, sessions: int = 1) -> None:
        self.world = world
        self._name = name
        self._watchers: dict[str, list[Watcher]] = {}
        self._stack = ExitStack()
        folder = world.folder / f"talks-{name}"
        folder.mkdir()
        self._address = f"127.0.0.1:{free_port()}"
        settings = {"POINTSMAN_ROUTER": world.door_wire.address, "POINTSMAN_HTTP_LISTEN": self._address}
        self.http = ProgramVictim(world, "http", settings)
        self.talks = []
        for machine in world.machines:
            for number in range(sessions):
                self.talks.append(talk := Talk(machine, f"{machine.name}-{name}-{number}", folder))
                self._stack.callback(talk.close)

    def __enter__(self) -> "Telling":
        self._stack.callback(self.http.kill)
        self.http.start("", 0)
        for talk in self.talks:
            wait_until(lambda name=talk.session: name in self.world.known_sessions(), PATIENCE)
            self.watch(talk, "from the start")
            talk.begin()
        return self

    def __exit__(self, *_: object) -> None:
        watchers = [one for each in self._watchers.values() for one in each]
        for end in (Watcher.go, Watcher.close):
            for watcher in watchers:
                end(watcher)
        self._stack.close()

    def watch(self, talk: Talk, since: str, last: int = 0) -> None:
        """Three more watch it, from here on or all of it. A page begins with the newest anyway."""
        ways = {"gRPC": over_grpc(self.world.door_wire.address, talk.session, last)}
        ways["HTTP"] = over_http(self._address, talk.session, last)
        ways["page"] = over_page(self._address, talk.session)
        for way, comes in ways.items():
            watched = Watched(f"{talk.session} over {way} {since}", is_whole=not (last or way == "page"))
            self._watchers.setdefault(talk.session, []).append(Watcher(watched, comes))

    def more(self, turns: int = TURNS) -> None:
        """Let every session go on for so many turns."""
        for talk, ends in [(talk, talk.turns + turns) for talk in self.talks]:
            wait_until(lambda talk=talk, ends=ends: talk.turns >= ends, PATIENCE)

    def joined(self) -> None:
        """Somebody comes who wants all there is, and somebody who wants the newest."""
        for talk in self.talks:
            self.watch(talk, "from the middle")
            self.watch(talk, "newest from the middle", NEWEST)

    def row(self, fault: str, injected: int) -> Row:
        """Let it come to rest, and judge."""
        for talk in self.talks:
            talk.rest()
        remarks, problems, began = [], [], time.monotonic()
        try:
            wait_until(self._is_all_seen, PATIENCE)
            remarks.append(f"{sum(talk.turns for talk in self.talks)} turns")
        except NeverHappened:
            problems.append(f"not all was seen within {time.monotonic() - began:.0f} s; {self.world.condition()}")
        watched = {name: [one.watched for one in those] for name, those in self._watchers.items()}
        judgements = [judged(talk.files, watched[talk.session]) for talk in self.talks]
        problems += [each for _, found in judgements for each in found]
        return Row(fault, injected, together(one for one, _ in judgements), remarks=remarks, failures=problems)

    def _is_all_seen(self) -> bool:
        return all(self._is_seen(talk, [one.watched for one in self._watchers[talk.session]]) for talk in self.talks)

    def _is_seen(self, talk: Talk, watchers: list[Watched]) -> bool:
        """Whoever wanted all of it has the end of each file, and everybody has come as far as they have."""
        ends = {file[-1] for file in talk.files if file}
        whole = all(ends <= {each.key for each in one.seen} for one in watchers if one.is_whole)
        return whole and len({one.seen[-1].seq if one.seen else 0 for one in watchers}) == 1


def killed(world: World, name: str, rng: random.Random, count: int) -> Row:
    """kill -9 so many times: of the agents, the router, the adapter, or all at the same time."""
    with Telling(world, name.replace(" ", "-")) as telling:
        deaths = schedule(rng, RANDOM, count)
        telling.more()
        strikes = all_die(_victims(telling, name), deaths[: count // 2])
        telling.joined()
        strikes += all_die(_victims(telling, name), deaths[count // 2 :])
        telling.more()
        return telling.row(f"events: kill -9 {name}", len(strikes))


def _victims(telling: Telling, name: str) -> Sequence[Victim]:
    agents = [AgentVictim(telling.world, machine) for machine in telling.world.machines]
    router = RouterVictim(telling.world)
    return {
        "agents": agents, "router": [router], "adapter": [telling.http], "all": [*agents, router, telling.http],
    }[name]  # fmt: skip


KILLED = ("agents", "router", "adapter", "all")


def cut(world: World, rng: random.Random, count: int) -> Row:
    """Links of machines and of watchers are reset, and for a while none can be made."""
    with Telling(world, "cut") as telling:
        for number in range(count):
            if number % FRESH_AFTER == 0:
                for machine in world.machines:
                    world.refresh(machine)
            telling.more(1)
            struck = rng.choice([world.door_wire, *(machine.wire for machine in world.machines)])
            port, struck.upstream = struck.upstream, free_port()
            struck.each(lambda wire: wire.reset())
            telling.more(1)
            struck.upstream = port
            if number == count // 2:
                telling.joined()
        telling.more()
        return telling.row("events: link away", count)


def away(world: World, count: int) -> Row:
    """A machine is away while its programs go on, and comes back with another time."""
    with Telling(world, "away") as telling:
        for number in range(count):
            telling.more(1)
            for machine in world.machines:
                world.bury(machine)
            telling.more()
            for machine in world.machines:
                world.start_agent(machine, clock=DAY_AND_MORE * (-1) ** number)
            if number == count // 2:
                telling.joined()
        telling.more()
        row = telling.row("events: machine away, its clock 25 h off", count)
    for machine in world.machines:
        world.bury(machine)
        world.start_agent(machine)
    return row

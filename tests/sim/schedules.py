"""Worlds in which people want things later: rules in several zones, near summer time and behind clocks that are set.

Each moment of a rule is computed here by walking through the minutes, and compared with what the router carried out.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from tests.sim import plan
from tests.sim.checks import Checks
from tests.sim.network import Unreachable
from tests.sim.people import ADMIN
from tests.sim.plants import Plant
from tests.sim.programs import EPOCH
from tests.sim.world import Size, World

SMALL = Size(machines=1, sessions=1, events=50, span=5400.0)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
# Shortly before clocks are put forward and back in those zones; and a day on which they are not.
BEGINNINGS = ("2027-03-28T00:20", "2027-10-31T00:20", "2027-03-14T06:20", "2027-11-07T05:20", "2027-06-01T12:00")
STEPS = (-90_000.0, -3_600.0, -300.0, 300.0, 3_600.0, 90_000.0)
NOTICED_WITHIN = 70.0  # seconds: the router looks once a minute


@dataclass(slots=True)
class Wanted:
    """Something that was asked for later; `rule` is the minute and hour in its zone, None for a span or a moment."""

    text: str
    when: str
    zone: str
    rule: tuple[int, int | None] | None
    answered: bool = False
    occurrence: int = 0
    moments: list[float] = field(default_factory=list)  # that it was carried out for


class ScheduleWorld(World):
    """One of them."""

    def __init__(self, seed: int, size: Size, plant: Plant) -> None:
        super().__init__(seed, size, plant)
        self.happenings = {**_FAULTS, "want later": (12, _want)}
        self.wanted: dict[str, Wanted] = {}
        self.set_at = 0.0  # virtual; when somebody last set the wall clock
        self.checks = ScheduleChecks(self)
        begins = datetime.fromisoformat(self.random.choice(BEGINNINGS)).replace(tzinfo=UTC)
        self.router.skew = begins.timestamp() - EPOCH

    def wall(self) -> float:
        """The router's machine's clock."""
        return EPOCH + self.router.skew + asyncio.get_running_loop().time()

    def want(self) -> None:
        """Ask for something later."""
        zone = self.random.choice(ZONES)
        soon = datetime.fromtimestamp(self.wall(), ZoneInfo(zone)) + timedelta(minutes=self.random.randint(1, 70))
        minute, hour = soon.minute, soon.hour
        when, rule = self.random.choice((
            ("in 1m", None), ("every 5m", None), (f"{hour}:{minute:02}", None),
            (f"every day {hour}:{minute:02}", (minute, hour)),
            (f"every cron {minute} {hour} * * *", (minute, hour)), (f"every cron {minute} * * * *", (minute, None)),
        ))  # fmt: skip
        one = Wanted(f"later{len(self.wanted) + 1}", when, zone, rule)
        self.wanted[one.text] = one
        self.record.redriven[one.text] = 0
        self.spawn(self._insist(one))

    async def _insist(self, one: Wanted) -> None:
        request = control_pb.DeferRequest(
            when=one.when, zone=one.zone, task=pb.DEFERRED_TASK_TEXT, session_id="m0-s0", text=one.text,
            request_id=f"later {one.text}",
        )  # fmt: skip
        while not one.answered:
            try:
                await self.call("/agentlink.v1.Control/Defer", ADMIN, request, control_pb.DeferResponse)
                one.answered = True
            except Unreachable as error:
                if not error.helps_to_repeat:
                    one.answered = True  # its session is not known yet
            await asyncio.sleep(self.random.uniform(0.3, 3.0))


class ScheduleChecks(Checks):
    """The promises of what is done later: no occurrence twice, none lost."""

    _world: ScheduleWorld

    def after_commit(self) -> None:
        """What was carried out became one command, in the same transaction; and no moment comes again."""
        super().after_commit()
        counts = dict(self._rows("SELECT text, COUNT(*) FROM commands GROUP BY text"))
        for text, occurrence, fired_for in self._rows("SELECT text, occurrence, fired_for FROM deferred"):
            one = self._world.wanted[text]
            self._world.record.redriven[text] = max(0, counts.get(text, 0) - 1)
            if counts.get(text, 0) != occurrence:
                self.broken(f"{text} was carried out {occurrence} times and became {counts.get(text, 0)} commands")
            if occurrence > one.occurrence + 1:
                self.broken(f"{text} was carried out {occurrence - one.occurrence} times at once")
            if occurrence > one.occurrence:
                self._fired(one, fired_for)
            one.occurrence = occurrence

    def is_quiet(self) -> bool:
        """And nothing is overdue."""
        overdue = "SELECT 1 FROM deferred WHERE state = 'waiting' AND next_at <= {} AND is_steady = {}"
        wall, steady = self._world.wall(), self._steady()
        due = self._rows(overdue.format(wall, 0)) + self._rows(overdue.format(steady, 1))
        asked = all(one.answered for one in self._world.wanted.values())
        has_looked = asyncio.get_running_loop().time() - self._world.set_at > NOTICED_WITHIN
        return has_looked and asked and not due and super().is_quiet()

    def at_end(self) -> None:
        """Whatever repeats has its next moment, and that is the first which was not carried out."""
        super().at_end()
        rows = self._rows("SELECT text, state, next_at, occurrence, fired_for, detail FROM deferred")
        for text, state, next_at, occurrence, fired_for, detail in rows:
            one = self._world.wanted[text]
            # Where the clock was put forward by more than a day while no router ran, once is over; and that is told.
            if state == "failed" and "more than a day ago" not in detail:
                self.broken(f"{text} was given up: {detail}")
            if not one.when.startswith("every") and state == "done" and occurrence != 1:
                self.broken(f"{text} was to be done once, and was {occurrence} times")
            if one.rule is not None and state == "waiting":
                expected = next_of(one, max(self._world.wall(), fired_for or 0.0))
                if next_at != expected:
                    self.broken(f"{text} ({one.when}, {one.zone}) is lost: next at {next_at} and not at {expected}")

    def _fired(self, one: Wanted, fired_for: float) -> None:
        self._world.note("router", f"carries out {one.text} ({one.when}, {one.zone}) for {fired_for:.0f}")
        # Spans are of the steady clock, whose moments on disk move along when that is set.
        if one.rule is not None:
            if fired_for in one.moments:
                self.broken(f"{one.text} ({one.when}, {one.zone}) was carried out twice for {fired_for:.0f}")
            if fired_for != next_of(one, fired_for - 1):
                self.broken(f"{one.text} ({one.when}, {one.zone}) has no moment {fired_for:.0f}")
            if fired_for > self._world.wall():
                self.broken(f"{one.text} ({one.when}, {one.zone}) was carried out early")
        one.moments.append(fired_for)

    def _steady(self) -> float:
        router = self._world.router.router
        return router._delivery._clock.now() if router is not None else 0.0


def next_of(one: Wanted, after: float) -> float:
    """The first moment of a rule behind a time, found minute by minute."""
    minute, hour = one.rule or (0, 0)
    begins = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return next(moment for moment in _minutes(begins) if _is_due(moment, ZoneInfo(one.zone), minute, hour)).timestamp()


def _minutes(begins: datetime) -> Iterator[datetime]:
    return (begins + timedelta(minutes=count) for count in range(4 * 24 * 60))


def _is_due(moment: datetime, zone: ZoneInfo, minute: int, hour: int | None) -> bool:
    local, before = moment.astimezone(zone), (moment - timedelta(minutes=1)).astimezone(zone)
    if hour is None:
        return local.minute == minute
    if (local.hour, local.minute) == (hour, minute):
        return local.fold == 0
    # Put forward just now: what was skipped is due at the first moment behind it.
    skipped = local.replace(tzinfo=None) - before.replace(tzinfo=None)
    return any(
        (passed.hour, passed.minute) == (hour, minute)
        for count in range(1, int(skipped.total_seconds() // 60))
        if (passed := before.replace(tzinfo=None) + timedelta(minutes=count))
    )


def _want(world: World) -> None:
    assert isinstance(world, ScheduleWorld)
    world.want()


def _step(world: World) -> None:
    assert isinstance(world, ScheduleWorld)
    world.router.skew += world.random.choice(STEPS)
    world.set_at = asyncio.get_running_loop().time()
    world.note("router", f"wall clock is set: {world.router.skew:+.0f} s")


_KEPT = (
    "cut a link", "kill the router", "kill an agent", "kill the router at a commit", "kill an agent at a commit",
    "disk trouble",
)  # fmt: skip
_FAULTS: dict[str, Any] = {
    **{name: (weight * 2, happens) for name, (weight, happens) in plan.HAPPENINGS.items() if name in _KEPT},
    "set the wall clock": (8, _step),
}

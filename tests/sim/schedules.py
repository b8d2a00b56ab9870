"""Worlds in which people want things later: rules in several zones, near summer time and behind clocks that are set.

Texts, reminders and starts; at moments, by rules, and when a machine is back, a session rests or a limit is over. What
waits is paused, moved, taken back and wanted now, at the same time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from agent.domain.errors import StoreUnavailable
from agent.domain.session import SessionState
from tests.sim import plan
from tests.sim.network import Unreachable
from tests.sim.people import ADMIN
from tests.sim.plants import Plant
from tests.sim.programs import EPOCH
from tests.sim.schedule_checks import ScheduleChecks, Wanted
from tests.sim.world import Size, World

SMALL = Size(machines=1, sessions=1, events=60, span=5400.0)
SESSION = "m0-s0"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
# Shortly before clocks are put forward and back in those zones; and a day on which they are not.
BEGINNINGS = ("2027-03-28T00:20", "2027-10-31T00:20", "2027-03-14T06:20", "2027-11-07T05:20", "2027-06-01T12:00")
STEPS = (-90_000.0, -3_600.0, -300.0, 300.0, 3_600.0, 90_000.0)
TASKS = {
    "text": pb.DEFERRED_TASK_TEXT, "reminder": pb.DEFERRED_TASK_REMINDER, "start": pb.DEFERRED_TASK_START,
}  # fmt: skip
CHANGES = {
    "pause": control_pb.DEFERRED_CHANGE_PAUSE, "resume": control_pb.DEFERRED_CHANGE_RESUME,
    "now": control_pb.DEFERRED_CHANGE_NOW, "move": control_pb.DEFERRED_CHANGE_MOVE,
}  # fmt: skip


class ScheduleWorld(World):
    """One of them."""

    begins_sessions = True

    def __init__(self, seed: int, size: Size, plant: Plant) -> None:
        super().__init__(seed, size, plant)
        self.happenings = HAPPENINGS
        self.wanted: dict[str, Wanted] = {}
        self.set_at = 0.0  # virtual; when somebody last set the wall clock
        self.checks = ScheduleChecks(self)
        begins = datetime.fromisoformat(self.random.choice(BEGINNINGS)).replace(tzinfo=UTC)
        self.router.skew = begins.timestamp() - EPOCH

    def wall(self) -> float:
        """The router's machine's clock."""
        return EPOCH + self.router.skew + asyncio.get_running_loop().time()

    def want(self, task: str, when: str = "") -> None:
        """Ask for something later; at a time unless it is said when."""
        zone = self.random.choice(ZONES)
        one = Wanted(f"later{len(self.wanted) + 1}", when or self._time(zone), zone, task)
        self.wanted[one.text] = one
        self.record.redriven[one.text] = 0
        self.spawn(self._defer(one))

    def change(self, what: str) -> None:
        """Do something about what is there, whatever became of it meanwhile."""
        if known := [one for one in self.wanted.values() if one.deferred_id]:
            one = self.random.choice(known[-6:])
            one.changes += 1
            one.pressed += what == "now"
            one.moves += what == "move"
            self.spawn(self._change(one, what))

    def at_its_machine(self, change: Callable[[Any], Awaitable[object]]) -> None:
        """Something becomes of the session, if there is an agent that tells it."""
        if (agent := self.agents["m0"]).link_handler is not None:
            agent.life.spawn(_told(change(agent.sessions)))

    async def _quiet(self) -> None:
        """What anybody waits for comes in the end."""
        while not await self._is_at_rest():
            await asyncio.sleep(1.0)
        await super()._quiet()

    async def _is_at_rest(self) -> bool:
        agent = self.agents["m0"]
        if agent.link_handler is None:
            return False
        work = agent.life.spawn(_at_rest(agent.sessions))
        await asyncio.wait([work])
        return not work.cancelled() and work.exception() is None

    def _time(self, zone: str) -> str:
        soon = datetime.fromtimestamp(self.wall(), ZoneInfo(zone)) + timedelta(minutes=self.random.randint(1, 70))
        minute, hour = soon.minute, soon.hour
        return self.random.choice((
            "in 1m", "every 5m", f"{hour}:{minute:02}", f"every day {hour}:{minute:02}",
            f"every cron {minute} {hour} * * *", f"every cron {minute} * * * *",
        ))  # fmt: skip

    async def _defer(self, one: Wanted) -> None:
        place = {"machine_id": "m0"} if one.task == "start" else {"session_id": SESSION if one.task == "text" else ""}
        request = control_pb.DeferRequest(
            when=one.when, zone=one.zone, task=TASKS[one.task], text=one.text, request_id=f"later {one.text}", **place
        )
        answer = await self._insist("Defer", request, control_pb.DeferResponse)
        one.answered = True  # also where it was refused: its session is not known yet, its machine is there
        one.deferred_id = answer.deferred.deferred_id if answer else ""

    async def _change(self, one: Wanted, what: str) -> None:
        name = f"change {self.new_id()}"
        if what == "cancel":
            cancel = control_pb.CancelDeferredRequest(deferred_id=one.deferred_id, request_id=name)
            answer = await self._insist("CancelDeferred", cancel, control_pb.CancelDeferredResponse)
            one.is_cancelled |= answer is not None
        else:
            when = self._time(one.zone) if what == "move" else ""
            request = control_pb.ChangeDeferredRequest(
                deferred_id=one.deferred_id, change=CHANGES[what], when=when, request_id=name
            )
            answer = await self._insist("ChangeDeferred", request, control_pb.ChangeDeferredResponse)
            one.pressed -= what == "now" and answer is None
        one.changes -= 1

    async def _insist(self, method: str, request: Any, response_class: Any) -> Any:
        """Until it is answered; None for a no."""
        while True:
            try:
                return await self.call(f"/agentlink.v1.Control/{method}", ADMIN, request, response_class)
            except Unreachable as error:
                if not error.helps_to_repeat:
                    return None
            await asyncio.sleep(self.random.uniform(0.3, 3.0))


async def _told(change: Awaitable[object]) -> None:
    with suppress(StoreUnavailable):  # nobody is told of it
        await change


async def _at_rest(sessions: Any) -> None:
    await sessions.limit(SESSION, 0.0)
    await sessions.update(SESSION, state=SessionState.IDLE)


def _want(world: World) -> None:
    _of(world).want(world.random.choice(("text", "text", "text", "reminder", "start")))


def _want_on(world: World) -> None:
    """When its session rests, or is at no limit any more."""
    _of(world).want("text", world.random.choice(("on rest", "on reset")))


def _want_back(world: World) -> None:
    """When its machine is back."""
    world.agents["m0"].life.kill()
    world.later(world.random.choice((0.1, 0.5, 2.0)), _of(world).want, "text", "on return")


def _change(world: World) -> None:
    """Two things about one, sometimes."""
    for _ in range(world.random.choice((1, 1, 2))):
        _of(world).change(world.random.choice(("pause", "resume", "resume", "now", "move", "cancel")))


def _work(world: World) -> None:
    """Its program begins to work, or rests."""
    state = world.random.choice((SessionState.BUSY, SessionState.IDLE))
    _of(world).at_its_machine(lambda sessions: sessions.update(SESSION, state=state))


def _limit(world: World) -> None:
    """Its program comes to a usage limit, or is over it."""
    until = world.random.choice((0.0, _of(world).wall() + 120.0, _of(world).wall() + 1800.0))
    _of(world).at_its_machine(lambda sessions: sessions.limit(SESSION, until))


def _step(world: World) -> None:
    world.router.skew += world.random.choice(STEPS)
    _of(world).set_at = asyncio.get_running_loop().time()
    world.note("router", f"wall clock is set: {world.router.skew:+.0f} s")


def _of(world: World) -> ScheduleWorld:
    assert isinstance(world, ScheduleWorld)
    return world


_KEPT = (
    "cut a link", "kill the router", "kill an agent", "kill the router at a commit", "kill an agent at a commit",
    "disk trouble",
)  # fmt: skip
HAPPENINGS: dict[str, Any] = {
    **{name: (weight * 2, happens) for name, (weight, happens) in plan.HAPPENINGS.items() if name in _KEPT},
    "set the wall clock": (8, _step),
    "want later": (14, _want),
    "want on a condition": (4, _want_on),
    "want when it is back": (2, _want_back),
    "change what waits": (10, _change),
    "work or rest": (4, _work),
    "come to a limit": (3, _limit),
}

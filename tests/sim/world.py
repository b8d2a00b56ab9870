"""One simulated world: a router, machines, a network, disks, people; all of it decided by one seed."""

import asyncio
import gc
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from typing import Any

from peewee import SqliteDatabase

from agent.store import migrations as agent_migrations
from router.domain.credentials import Principal
from router.domain.machine import Machine
from router.store import machines
from router.store.database import Transaction
from router.store.meta import router_id
from router.store.migrations import migrate
from tests.sim import plan
from tests.sim.checks import Checks
from tests.sim.disks import Disk
from tests.sim.ends import PUBLIC_KEY
from tests.sim.loop import Life, run
from tests.sim.network import Over, Stream, Unreachable
from tests.sim.people import Courier, People
from tests.sim.plants import Plant
from tests.sim.programs import AgentProgram, RouterProgram
from tests.sim.record import Record

MEET_WITHIN = 60.0  # virtual seconds for router and courier, which nothing disturbs yet
QUIET_WITHIN = 1200.0  # virtual seconds after the last fault: the longest backoff with what leads to it
LOOK_EVERY = 10.0
GARBAGE = 50_000  # objects that are made until the collector looks for those that nobody can reach


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is, and how much happens in it."""

    machines: int = 2
    sessions: int = 2  # of each machine
    events: int = 45
    span: float = 25.0  # virtual seconds in which they happen


class World:
    """Everything there is."""

    TYPING = (0.005, 0.02, 0.1, 0.5)  # seconds
    happenings = plan.HAPPENINGS
    begins_sessions = False  # the router takes its machines for such

    def __init__(self, seed: int, size: Size, plant: Plant) -> None:
        self.size = size
        self.plant = plant
        self.random = random.Random(seed)
        self.router_random = random.Random(seed + 1)
        self.record = Record()
        self.checks = Checks(self)
        self.over = False
        self._ids = 0
        self._tasks: list[asyncio.Task[Any]] = []
        names = [f"m{number}" for number in range(size.machines)]
        self.programs = {f"{name}-s{number}": "1" for name in names for number in range(size.sessions)}
        self.router = RouterProgram(self, "router", Disk(router_disk(size.machines)))
        self.agents = {name: AgentProgram(self, name, Disk(self.fresh_agent_disk())) for name in names}
        self.courier = Courier(self, "courier", Disk(_agent_disk()))
        self.people = People(self)

    async def play(self) -> None:
        """Live through the plan, heal, wait for quiet, look."""
        self.courier.start()
        self.router.start()
        await self._met()
        for agent in self.agents.values():
            agent.start()
        await asyncio.sleep(1.0)
        await plan.unfold(self)
        plan.heal(self)
        await self._quiet()
        self.checks.at_end()
        self.record.lasted = asyncio.get_running_loop().time()
        await self._end()

    async def _met(self) -> None:
        """Until the router knows the courier's chat: before that, a notification has no address."""
        gives_up = asyncio.get_running_loop().time() + MEET_WITHIN
        while not self.router.rows("SELECT 1 FROM chats"):
            if asyncio.get_running_loop().time() > gives_up:
                raise RuntimeError("the simulated router takes no courier; is it still put together as the real one?")
            await asyncio.sleep(0.1)

    async def _end(self) -> None:
        self.over = True
        programs = plan.everything(self)
        for program in programs:
            program.life.kill()
        for task in self._tasks:
            task.cancel()
        while any(program.life.tasks for program in programs):
            await asyncio.sleep(0)

    async def _quiet(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + QUIET_WITHIN
        while not self.checks.is_quiet() and loop.time() < until:
            await asyncio.sleep(LOOK_EVERY)

    def sessions_of(self, machine: str) -> list[str]:
        """The sessions whose programs run on a machine."""
        return [session_id for session_id in self.programs if session_id.startswith(f"{machine}-")]

    def new_id(self) -> str:
        """Ids in order, so that a history can be read."""
        self._ids += 1
        return f"{self._ids:06d}"

    def note(self, who: str, what: str) -> None:
        """A line of the history."""
        self.record.history.append(f"{asyncio.get_running_loop().time():9.3f}  {who:8} {what}")

    def later(self, seconds: float, action: Callable[..., object], *values: object) -> None:
        """Do something later, whoever dies meanwhile."""
        asyncio.get_running_loop().call_later(seconds, action, *values)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Something that no program's death ends."""
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def disk_delay(self) -> float:
        """Seconds until a writer is through, or its word has come."""
        return self.random.choice((0.0, 0.0005, 0.003, 0.02))

    def net_delay(self) -> float:
        """Seconds on the way, one direction."""
        return self.random.choice((0.0, 0.001, 0.01, 0.08))

    def dial(self, client: Life, method: str, principal: Principal, request: bytes | None = None) -> Stream:
        """Open a call to the router, which may not be there."""
        stream = Stream(client, self.router.life, self.net_delay)
        self.later(self.net_delay(), self.router.accept, method, stream, principal, request)
        return stream

    async def call(self, method: str, principal: Principal, request: Any, response_class: Any) -> Any:
        """A unary call. Raises Unreachable."""
        stream = self.dial(self.people.life, method, principal, request.SerializeToString())
        answer = await stream.down.get()
        if isinstance(answer, Over):
            raise Unreachable(answer)
        return response_class.FromString(answer)

    def fresh_agent_disk(self) -> bytes:
        """A new agent.db with ids of its own."""
        return fresh_agent_disk(str(self.random.random()))


def fresh_agent_disk(identity: str) -> bytes:
    """A new agent.db whose ids are made of this one."""
    disk = Disk(_agent_disk())
    connection = disk.opened()
    for name in ("inbox_id", "outbox_id"):
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", (f"{name}-{identity}", name))
    return disk.keep()


def simulate(seed: int, size: Size = Size(), plant: Plant | None = None, kind: type[World] = World) -> Record:
    """Run one seed."""
    holder: list[World] = []

    async def played() -> None:
        world = kind(seed, size, plant or Plant())
        holder.append(world)
        await world.play()

    faults = _Faults()
    for program in _PROGRAMS:
        program.addHandler(faults)
    thresholds = gc.get_threshold()
    gc.set_threshold(GARBAGE)  # a world leaves little of it, and lets go of itself at the end
    try:
        complaints = run(played())
    finally:
        gc.set_threshold(*thresholds)
        for program in _PROGRAMS:
            program.removeHandler(faults)
    record = holder[0].record
    record.broken += [*complaints, *faults.told]
    return record


_PROGRAMS = (logging.getLogger("router"), logging.getLogger("agent"))


class _Faults(logging.Handler):
    """What a program logs with a stack is a mistake in it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            self.told.append(f"{record.getMessage()}: {type(error).__name__}: {error}")


@cache
def _agent_disk() -> bytes:
    database = SqliteDatabase(":memory:", pragmas={})
    database.connect()
    agent_migrations.migrate(database)
    content = agent_migrations.connection_of(database).serialize()
    database.close()
    return content


@cache
def router_disk(count: int) -> bytes:
    """A new router.db that knows so many machines."""
    disk = Disk(b"")
    connection = disk.opened()
    migrate(connection)
    router_id(connection, lambda: "router")
    for number in range(count):
        machines.write(Transaction(connection), Machine(f"m{number}", PUBLIC_KEY, 0.0))
    return disk.keep()

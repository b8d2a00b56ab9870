"""The programs of the simulated world: the real router and the real agents, put together as they are in earnest."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from agent.backends.backend import Backends, Entry
from agent.domain.clock_steps import Moment
from agent.domain.command import Action, Input, Outcome
from agent.domain.errors import RouterUnreachable, StoreUnavailable
from agent.domain.session import Session
from agent.link import backoff
from agent.link.driver import Driver
from agent.link.protocol import End, Ending
from agent.loops import Tasks
from agent.services.executor import Executor
from agent.services.files import Files
from agent.services.folders import Folders
from agent.services.link_handler import LinkHandler
from agent.services.permissions import Permissions
from agent.services.prompt_tracking import PromptTracking
from agent.services.sessions import Sessions
from agent.services.starts import Starts
from agent.services.uploads import Uploads
from agent.store import clock_steps
from agent.store.inbox import Inbox
from agent.store.outbox import Outbox
from agent.store.prompts import Prompts
from agent.store.questions import Questions
from agent.store.sessions import SessionStore
from router.api.body_limits import Bodies
from router.api.call_limits import CallLimits
from router.api.handlers import Door, handlers
from router.api.server import SERVICES
from router.app import Router
from router.domain.credentials import Principal
from router.domain.errors import Refusal
from router.randomness import Randomness
from router.store import clock_steps as router_lifetime
from tests.sim.disks import AgentDatabase, Disk, RouterDatabase, Turns
from tests.sim.door import Caller, Doorman
from tests.sim.ends import PUBLIC_KEY, ROUTER_KEY
from tests.sim.loop import Life
from tests.sim.network import AgentSide, Over, Stream

if TYPE_CHECKING:
    from tests.sim.world import World

EPOCH = 1_800_000_000.0  # wall time when the world begins
OBSTACLES = 0.03  # of all looks at a terminal
TARGET = "life"  # of a session: which program it is


class Clock:
    """Time of one process: steady from its start, whatever is done to the machine's wall clock."""

    def __init__(self, skew: float, skew_now: Callable[[], float] = float) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = EPOCH + skew
        self._skew_now = skew_now

    def now(self) -> float:
        return self._start + self._loop.time()

    def wall(self) -> float:
        return EPOCH + self._skew_now() + self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    def uptime(self) -> float:
        return self._loop.time()

    def boot_id(self) -> str:
        return "boot"


class Program:
    """Something that runs, dies, and is started again by its supervisor."""

    def __init__(self, world: "World", name: str, disk: Disk) -> None:
        self.world = world
        self.name = name
        self.disk = disk
        self.skew = 0.0  # seconds by which the wall clock is wrong
        self.life = Life(name)
        self.life.alive = False
        self.turns: Turns | None = None

    def start(self) -> None:
        """Begin a new life, unless there is one."""
        if self.life.alive:
            return
        self.life = Life(self.name)
        self.life.on_death.append(self._died)
        self.turns = Turns(self.life, self.world.disk_delay, self.committed)
        self.world.note(self.name, "starts")
        self.life.spawn(self._live())

    def committed(self) -> None:
        """After each commit."""

    def went(self) -> None:
        """The life is over: forget what was only in memory."""

    async def run(self, turns: Turns) -> None:
        """Work until the end."""

    def rows(self, sql: str) -> list[Any]:
        """What is on the disk now, committed."""
        return self.disk.shown().execute(sql).fetchall()

    async def _live(self) -> None:
        assert self.turns is not None
        try:
            await self.run(self.turns)
        except (Refusal, StoreUnavailable, sqlite3.OperationalError) as error:
            self.world.note(self.name, f"gives up: {error}")
            self.life.kill()

    def _died(self) -> None:
        self.disk.leave()
        self.went()
        if self.world.over:
            return
        self.world.note(self.name, "dies")
        self.world.later(self.world.random.uniform(0.05, 3.0), self.start)


class RouterProgram(Program):
    """The router: everything but its gRPC server."""

    router: Router | None = None
    _handlers: Mapping[str, Any] = MappingProxyType({})

    async def run(self, turns: Turns) -> None:
        world, clock = self.world, Clock(self.skew, lambda: self.skew)
        database = RouterDatabase(self.disk, turns)
        router_lifetime.resume(database.connection(), clock)
        randomness = Randomness(world.new_id, world.router_random.random, world.router_random.randbytes)
        router = Router(database, ROUTER_KEY, clock, {}, randomness=randomness)
        world.plant.router(router, self.life)
        await router.recover()
        s = router.servicers
        servicers = (s.links, s.chats, s.control)
        # One may be made of parts, or be a plant over the real one.
        services = [next(SERVICES[kind] for kind in type(one).__mro__ if kind in SERVICES) for one in servicers]
        door = Door(cast("Any", Doorman()), Bodies(), CallLimits(clock))
        self._handlers = {
            f"/{service.full_name}/{name}": handler
            for service, one in zip(services, servicers, strict=True)
            for name, handler in handlers(service, one, door).items()
        }
        self.router = router
        await router.timers.run(self._told)

    def committed(self) -> None:
        self.world.checks.after_turn()

    def went(self) -> None:
        self.router = None

    def accept(self, method: str, stream: Stream, principal: Principal, request: bytes | None) -> None:
        """Answer a call, if there is a router to answer it."""
        if self.router is None or stream.server is not self.life:
            stream.cut(0.0, 0.0)
            return
        self.life.spawn(self._answer(method, stream, principal, request))

    async def _answer(self, method: str, stream: Stream, principal: Principal, request: bytes | None) -> None:
        context = Caller(stream, principal, request)
        handler = self._handlers[method]
        try:
            if request is None:
                await handler.stream_stream(None, context)
            else:
                await context.write(await handler.stream_unary(None, context))
        except Exception as error:
            if type(error).__name__ != "AbortError":
                raise
        finally:
            if self.life.alive:
                stream.down.put(Over())

    async def _told(self, _writable: bool) -> None:
        """Nobody asks for its health here."""


class Terminal:
    """The backend: a person's terminal that takes its time."""

    def __init__(self, world: "World", machine: str, life: Life) -> None:
        self._world = world
        self._machine = machine
        self._life = life

    async def deliver(self, session: Session, action: Action) -> Outcome:
        if not self._life.alive:
            await asyncio.get_running_loop().create_future()
        text = action.text if isinstance(action, Input) else action.name
        self._world.checks.typed(session.session_id, text)
        self._world.record.typing[text] = self._machine
        await asyncio.sleep(self._world.random.choice(self._world.TYPING))
        self._world.record.typing.pop(text, None)
        return Outcome.done()

    async def clear_line(self, session: Session) -> None:
        """Nothing is joined here."""

    async def obstacle(self, _session: Session, _action: Action) -> str:
        return "a dialog is open" if self._world.random.random() < OBSTACLES else ""

    async def release(self, session: Session) -> None:
        """Nothing here is kept for a session."""

    async def alive(self, session: Session) -> bool:
        return self._world.programs.get(session.session_id) == session.target.get(TARGET)


async def _no_file(_command_id: str, _number: int) -> bytes:
    raise RouterUnreachable("nobody sends files here")


NO_FILES = Files(Path("files"), _no_file)


class Retelling(Uploads):
    """What is held for the router, of which nothing has files here."""

    async def _tidy(self) -> None:
        """So nothing is left of any."""


class AgentProgram(Program):
    """An agent: everything but its socket and its gRPC channel."""

    link_handler: LinkHandler | None = None
    sessions: Sessions
    outbox: Outbox
    backup: tuple[int, bytes] | None = None  # a copy of the disk, and the epoch it was made in
    link: Stream | None = None
    driver: Driver | None = None
    inherited: frozenset[str] = frozenset()  # commands that were STARTED on the disk when this life began

    def start(self) -> None:
        if not self.life.alive:
            self.inherited = frozenset(self._started())
        super().start()

    async def run(self, turns: Turns) -> None:
        world, clock = self.world, Clock(self.skew)
        database: Any = AgentDatabase(self.disk, turns)
        backends = Backends({"sim": Entry(Terminal(world, self.name, self.life))})
        outbox = Outbox(database)
        inbox: Inbox = world.plant.inbox(database, outbox)
        sessions = Sessions(SessionStore(database, outbox), backends, clock)
        tasks = Tasks()
        prompts = PromptTracking(Prompts(outbox), sessions, clock, tasks)
        starts = Starts(sessions, outbox, Folders((), Path("/")), clock)
        executor = Executor(
            inbox, sessions, Permissions(Questions(outbox)), starts, backends, prompts, clock, NO_FILES, tasks
        )
        link_handler = LinkHandler(
            self.name, "sim", inbox, outbox, sessions, executor, clock, can_start=lambda: world.begins_sessions,
            instance_id=world.new_id(),
        )  # fmt: skip
        await clock_steps.resume(database, Moment(clock.now(), clock.uptime(), clock.boot_id()))
        await sessions.load()
        self.outbox, self.sessions = outbox, sessions
        for session_id in world.sessions_of(self.name):
            await self.register(session_id)
        await link_handler.recover()
        self.link_handler = link_handler
        nobody: Any = None
        self.life.spawn(Retelling(Path("files"), outbox, nobody).run())
        await self._keep_link(link_handler, clock)

    async def register(self, session_id: str) -> None:
        """The program behind a session makes itself known."""
        await self.sessions.register(Session(session_id, "sim", target={TARGET: self.world.programs[session_id]}))

    async def introduce(self, session_id: str) -> None:
        """Register, until the disk takes it."""
        while True:
            try:
                await self.register(session_id)
                return
            except StoreUnavailable:
                await asyncio.sleep(1.0)

    def stored_epoch(self) -> int:
        """The newest link that the disk knows of."""
        return int(self.rows("SELECT value FROM meta WHERE key = 'last_link_epoch'")[0][0])

    def went(self) -> None:
        self.link_handler = None
        if self.driver is not None and not 0 < self.driver.link.epoch <= self.stored_epoch():
            self.world.record.half_greeted.add(self.name)
        self.driver = None
        begun = self._started()
        self.world.record.doubtful |= {text for command_id, text in begun.items() if command_id not in self.inherited}
        typing = self.world.record.typing
        for text in [text for text, machine in typing.items() if machine == self.name]:
            del typing[text]

    def _started(self) -> dict[str, str]:
        """The texts that are STARTED on the disk, by command."""
        return dict(self.rows("SELECT command_id, text FROM inbox WHERE state = 'started'"))

    async def _keep_link(self, link_handler: LinkHandler, clock: Clock) -> None:
        wait, stop = backoff.Backoff(), asyncio.Event()
        while True:
            self.driver = driver = Driver(self._dialled(), link_handler, clock)
            ending = await driver.run(stop)
            self.world.note(self.name, f"link ends: {ending.end.value} {ending.text}")
            wait = _learned(wait, ending, clock.monotonic(), self.world.random.random(), driver.welcomed_for)
            await asyncio.sleep(max(0.0, wait.attempt_at - clock.monotonic()))

    def _dialled(self) -> AgentSide:
        principal = Principal(self.name, machine_id=self.name, public_key=PUBLIC_KEY)
        self.link = self.world.dial(self.life, "/agentlink.v1.AgentLink/Connect", principal)
        return AgentSide(self.link, self.world.checks.link(self.name))


def _learned(wait: backoff.Backoff, ending: Ending, now: float, jitter: float, welcomed_for: float) -> backoff.Backoff:
    """As agent.link.client does it."""
    if ending.retry_after is not None:
        return backoff.told(wait, now, ending.retry_after)
    if ending.end is End.REFUSED:
        return backoff.refused(wait, now, jitter)
    return backoff.lost(wait, now, jitter, welcomed_for)

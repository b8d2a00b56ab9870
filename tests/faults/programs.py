"""The programs under fire, as child processes: the real ones, started with points and journals around them."""

import asyncio
import ctypes
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

# What forks and becomes another program must have no handlers of gRPC's; it is asked as it is loaded.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
import grpc.aio._utils

del os.environ["GRPC_ENABLE_FORK_SUPPORT"]

import agent.app
import agent.backends.registry
import agent.config
import agent.processes
import agent.services.workspaces
import agent.store.database
import router.app
import router.config
import router.store.database
import webhook_adapter.cli
import webhook_adapter.courier.courier
import webhook_adapter.http.server
import webhook_adapter.logs
import webhook_adapter.transports.github.outbound.route
import webhook_adapter.transports.github.platform
from agent.backends.backend import Backends, Entry, Traits
from tests.faults import power
from tests.faults.journal import Journal
from tests.faults.points import AgentDatabase, JournalBackend, RouterDatabase, Trigger
from tests.rigs import dying_workspaces
from tests.rigs.fast_time import FastClock, event_loop
from webhook_adapter.transports import github

_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


@dataclass(frozen=True, slots=True)
class Life:
    """How a program is started, and what it will die of unless it is killed before."""

    program: str
    environ: dict[str, str]
    journal: Path
    log: Path
    point: str = ""
    passes: int = 1
    pace: float = 0.004  # seconds to type a line
    clock: float = 0.0  # seconds the wall clock of this process is ahead
    step: float = 0.0  # seconds it is set forward at SIGUSR2
    speed: float = 1.0  # the program's seconds per real second
    synchronous: str = "full"
    survivors: Path | None = None  # where the disk's own state is kept; set means: a power cut may come
    immune: bool = False  # to poison
    extra: dict[str, str] = field(default_factory=dict)


def run(life: Life, stdout: Connection) -> None:
    """Become the program. What it starts dies with it, being of its group; it dies with whoever runs it."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    with life.log.open("ab") as log:
        os.dup2(log.fileno(), 2)
    os.dup2(stdout.fileno(), 1)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    os.environ.clear()
    os.environ.update(life.environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, _hang)
    _arrange(life)
    code = PROGRAMS[life.program](life, Trigger(Journal(life.journal), life.point, life.passes, immune=life.immune))
    sys.stdout.flush()
    os._exit(code)


def _arrange(life: Life) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if life.clock or life.step:
        wall = _Wall(life.clock)
        # A deadline is counted from there to gRPC's core, which asks the kernel: both see one clock in earnest.
        grpc.aio._utils.time = SimpleNamespace(time=time.time)  # type: ignore[assignment]
        time.time = wall.time
        agent.processes._boot_time += life.clock  # as the kernel tells it to whoever begins now
        signal.signal(signal.SIGUSR2, lambda *_: wall.step(life.step))
    if life.survivors:
        power.install(life.survivors)
    router.store.database.PRAGMAS["synchronous"] = life.synchronous
    agent.store.database.PRAGMAS["synchronous"] = {"full": 2, "normal": 1}[life.synchronous]


class _Wall:
    """The wall clock of a process, as somebody sets it."""

    def __init__(self, ahead: float) -> None:
        self._real = time.time
        self._ahead = ahead

    def time(self) -> float:
        return self._real() + self._ahead

    def step(self, seconds: float) -> None:
        self._ahead += seconds


def _hang(*_: object) -> None:
    """Block the event loop: the process lives, its threads answer, the program does nothing."""
    time.sleep(3600)


def _router(life: Life, trigger: Trigger) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    with asyncio.Runner(loop_factory=event_loop(life.speed)) as runner:
        runner.run(_serve(life, trigger))
    return 0


async def _serve(life: Life, trigger: Trigger) -> None:
    loop, stop, journal = asyncio.get_running_loop(), asyncio.Event(), Journal(life.journal)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: journal.note("tasks", count=len(asyncio.all_tasks(loop))))
    config = router.config.RouterConfig.from_environ(life.environ)
    database = partial(RouterDatabase, trigger=trigger)
    async with router.app.running(config, partial(_say, "router"), clock=FastClock(life.speed), database=database):
        await stop.wait()


def _agent(life: Life, trigger: Trigger) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    with asyncio.Runner(loop_factory=event_loop(life.speed)) as runner:
        runner.run(_work(life, trigger))
    return 0


async def _work(life: Life, trigger: Trigger) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    backend = JournalBackend(Journal(life.journal), life.extra["machine"], trigger, life.pace)
    config = agent.config.Config.from_environ(life.environ)
    database = partial(AgentDatabase, trigger=trigger)
    backends = Backends({"command": Entry(backend)})
    one = agent.app.Agent(config, backends, FastClock(life.speed), database)
    await one.run(stop, partial(_say, "agent"))


def _worker(life: Life, trigger: Trigger) -> int:
    """An agent with the hands that it has in earnest."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    config = agent.config.Config.from_environ(life.environ)
    hands = agent.backends.registry.backends(life.environ, trusted=config.trusted_folders, workers=config.workers)

    async def work() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        one = agent.app.Agent(config, hands, None, partial(AgentDatabase, trigger=trigger))
        await one.run(stop, partial(_say, "agent"))

    asyncio.run(work())
    return 0


def _workspaces(life: Life, trigger: Trigger) -> int:
    """An agent that makes workspaces in earnest; what is typed in them goes into the journal."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    config = agent.config.Config.from_environ(life.environ)
    backend = JournalBackend(Journal(life.journal), life.extra["machine"], trigger, life.pace)
    hands = Backends({"headless": Entry(backend, Traits(hosted=True, agents=("claude",)))})
    agent.services.workspaces.LOOK_EVERY = 0.05
    for word in ("_can_start", "_has_workspaces"):  # without Claude Code, too
        setattr(agent.app.Agent, word, lambda _: True)
    dying_workspaces.install(trigger)

    async def work() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        one = agent.app.Agent(config, hands, None, partial(AgentDatabase, trigger=trigger))
        await one.run(stop, partial(_say, "agent"))

    asyncio.run(work())
    return 0


def _github_courier(life: Life, _trigger: Trigger) -> int:
    """It looks all the time for what it looks for now and then, and waits for no limits."""
    github.platform.POLL_S, github.platform.LOOK_S, github.outbound.route._LOOK_S = 0.5, 0.5, 0.3
    webhook_adapter.logs.log_to_stderr(())
    return webhook_adapter.courier.courier.run(life.environ, FastClock(1000.0))


def _http(life: Life, _trigger: Trigger) -> int:
    return webhook_adapter.cli.http(life.environ)


def _courier(life: Life, _trigger: Trigger) -> int:
    webhook_adapter.logs.log_to_stderr(())
    return webhook_adapter.courier.courier.run(life.environ, FastClock(life.speed))


def _say(program: str, what: str) -> None:
    sys.stdout.write(f"ready {program} {what}\n")
    sys.stdout.flush()


PROGRAMS: dict[str, Callable[[Life, Trigger], int]] = {
    "router": _router,
    "agent": _agent,
    "worker": _worker,
    "workspaces": _workspaces,
    "github-courier": _github_courier,
    "http": _http,
    "courier": _courier,
}

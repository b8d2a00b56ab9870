"""Puts the agent together, runs it until it is told to stop, and takes it apart in order."""

import asyncio
import logging
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from agent.backends.acp.backend import AcpBackend
from agent.backends.backend import Backend, Backends
from agent.backends.claude.headless import HeadlessBackend
from agent.backends.joined.backend import JoinedBackend
from agent.backends.joined.opencode import OpenCode
from agent.backends.model.backend import NAME as MODEL
from agent.backends.model.backend import ModelBackend
from agent.backends.programs import ProgramBackend
from agent.backends.pty import PtyBackend
from agent.backends.record import Records
from agent.backends.terminals.keyboard import Keyboard
from agent.backends.workspaces.folders import Places as WorkspacePlaces
from agent.backends.workspaces.git import Git
from agent.clock import Clock, SteadyClock
from agent.config import Config
from agent.domain.clock_steps import Moment
from agent.domain.errors import StoreUnavailable
from agent.domain.frames import Condition
from agent.domain.masks import Masks
from agent.domain.program import Program
from agent.domain.session import Session
from agent.link import identity
from agent.link.channel import Endpoint
from agent.link.client import Client
from agent.link.machine_key import MachineKey
from agent.link.session_calls import SessionCalls
from agent.local.client import socket_path
from agent.local.requests import Requests
from agent.local.server import LocalServer
from agent.local.tools import Tools
from agent.local.unheard import Unheard
from agent.loops import Tasks, Work, endless, guarded
from agent.services.acp_questions import AcpQuestions, DialogQuestions
from agent.services.alerts import Alerts
from agent.services.claude_questions import ClaudeQuestions, StreamQuestions
from agent.services.deltas import DeltaTeller
from agent.services.desk import DeskWatch
from agent.services.events import EventTeller
from agent.services.executor import Executor
from agent.services.files import Files
from agent.services.folders import Folders
from agent.services.gemini import GeminiHooks
from agent.services.headless import HeadlessListener
from agent.services.hooks import Hooks
from agent.services.joined import JoinedSessions
from agent.services.link_handler import LinkHandler
from agent.services.parking import Parking
from agent.services.permissions import Permissions
from agent.services.prompt_tracking import PromptTracking
from agent.services.screen_states import ScreenStates
from agent.services.screens import ScreenTeller
from agent.services.session_lookup import SessionLookup
from agent.services.sessions import Sessions
from agent.services.starts import Starts
from agent.services.states import States
from agent.services.uploads import Uploads
from agent.services.worker_tokens import WorkerTokens
from agent.services.workspace_moves import Carrier, MovingWorkspaces
from agent.store import clock_steps
from agent.store.database import Database
from agent.store.inbox import Inbox
from agent.store.outbox import Outbox
from agent.store.prompts import Prompts
from agent.store.questions import Questions
from agent.store.sessions import SessionStore
from agent.store.workspaces import WorkspaceStore

logger = logging.getLogger(__name__)
B = TypeVar("B", bound=Backend)

LOOK_AROUND = 30.0  # seconds between looks at the sessions' processes: cheap, and nobody waits for it
MARK_EVERY = 600.0  # seconds of waiting that a reboot may forget
WAL_RESET_FIXED = (3, 51, 3)  # earlier ones can corrupt a file that two connections write; we have one


class Agent:
    """One agent process. Make it inside the event loop."""

    def __init__(
        self,
        config: Config,
        backends: Backends,
        clock: Clock | None = None,
        database: Callable[[Path], Database] = Database,
    ) -> None:
        """Open everything on disk. Raises NotEnrolled, AlreadyRunning or StoreUnavailable."""
        self.key = MachineKey(config.folder, identity.load(config.folder))
        self._folder = config.folder
        self.database = database(config.folder)
        self._clock = clock = clock or SteadyClock()
        self.outbox = Outbox(self.database)
        self.inbox = Inbox(self.database, self.outbox)
        self.worker_tokens = WorkerTokens(config.workers, self.key, lambda: self.client.router_time)
        self.sessions = Sessions(SessionStore(self.database, self.outbox), backends, clock, self.worker_tokens)
        self._tasks = tasks = Tasks()
        self.prompts = PromptTracking(Prompts(self.outbox), self.sessions, clock, tasks)
        self.states = States(self.sessions, self.prompts)
        self.permissions, self.parking = self._asking(60.0 * config.wait_minutes, clock, tasks)
        self.outbox.unasked = self.permissions.unasked
        self.headless, self.acp = _one_of(HeadlessBackend, backends), _one_of(AcpBackend, backends)
        self.model, self.programs = _one_of(ModelBackend, backends), _programs(backends)
        folders, masks = Folders(config.start_folders, config.home), Masks(config.masks)
        self.workspaces = self._workspaces(config)
        self.starts = Starts(self.sessions, self.outbox, folders, clock, self.programs, self.workspaces)
        files = Files(config.folder / "files", self._file_part)
        self.executor = Executor(
            self.inbox, self.sessions, self.permissions, self.starts, backends, self.prompts, clock, files, tasks
        )
        events, deltas = EventTeller(self.sessions, masks, clock), DeltaTeller(masks, clock)
        self.screen_states = ScreenStates(self.sessions, events.shown, clock)
        self.link_handler = LinkHandler(
            self.key.identity.machine_id, _version(), self.inbox, self.outbox, self.sessions, self.executor,
            clock, self.starts.folders, self._can_start, self._can_answer, self._condition,
            events, ScreenTeller(self.sessions, masks), deltas, has_workspaces=self._has_workspaces())  # fmt: skip
        endpoint = Endpoint(config.router or self.key.identity.router, config.tls.ca, config.tls.cert, config.tls.key)
        self.client = Client(endpoint, self.key, self.link_handler, clock)
        self.desk = DeskWatch(self.sessions, self.link_handler.at_desk.add)
        self.uploads = Uploads(config.folder / "outgoing", self.outbox, self.client)
        lookup = SessionLookup(self.sessions)
        hooks = Hooks(lookup, self.prompts, self.states, Alerts(self.outbox), ClaudeQuestions(clock))
        tools = Tools(self.sessions, lookup, self.uploads, SessionCalls(self.client))
        self.gemini = self._gemini(config, tasks)
        requests = Requests(
            self.key.identity.machine_id, self.sessions, self.inbox, self.outbox, hooks, self.permissions,
            self.uploads, tools, self.client, self.gemini, config.workers, Unheard(config.data_dir))  # fmt: skip
        self.headless_listener = HeadlessListener(self.sessions, self.outbox, self.prompts, events, deltas)
        self._connect(tasks, backends)
        self.joined = JoinedSessions(self.sessions, backends, self.headless_listener, config.home)
        self.local = self._server(Path(socket_path(config.data_dir)), requests, events, backends)

    def _server(self, path: Path, requests: Requests, events: EventTeller, backends: Backends) -> LocalServer:
        pty, opencode, typed = _one_of(PtyBackend, backends), _opencode(backends), self.link_handler.at_desk.add
        return LocalServer(path, requests, self.sessions, pty, events.shown, typed, opencode)

    def _workspaces(self, config: Config) -> MovingWorkspaces:
        store = WorkspaceStore(self.database, self.outbox)
        places = WorkspacePlaces(config.folder / "workspaces")
        carrier = Carrier(self._file_part, lambda *part: self.client.put(*part))  # noqa: PLW0108 -- no client yet
        git, rules = Git(config.environ), config.workspaces
        return MovingWorkspaces(store, self.sessions, git, places, rules, self._clock, carrier=carrier)

    def _has_workspaces(self) -> bool:
        """Whether there may be any, and what they need is here."""
        is_installed = self.headless is not None and self.headless.is_installed()
        return self.workspaces.is_able and is_installed and shutil.which("git") is not None

    def _asking(self, after: float, clock: Clock, tasks: Tasks) -> tuple[Permissions, Parking]:
        """Who brings questions to people, and who ends programs that wait for so many seconds."""
        questions = Questions(self.outbox)
        permissions = Permissions(questions)
        return permissions, Parking(questions, permissions, self.sessions, clock, tasks, after)

    def _gemini(self, config: Config, tasks: Tasks) -> GeminiHooks:
        folder, records = config.folder / "programs", Records(config.records)
        return GeminiHooks(folder, records, self.sessions, self.permissions, self._screen, tasks)

    def _screen(self, session: Session) -> Keyboard | None:
        """What shows the terminal of a session."""
        opens = self.sessions.traits(session).screen
        return opens(session) if opens else None

    def _connect(self, tasks: Tasks, backends: Backends) -> None:
        """Let the programs that run here be heard, and ask."""
        if self.headless is not None:
            asker = StreamQuestions(self.permissions, self.sessions.find, self.parking)
            self.headless.connect(self.headless_listener, asker, tasks)
            self.parking.connect(self.headless.tell, self.headless_listener.said, self.headless_listener.became)
        if self.acp is not None:
            self.acp.connect(self.headless_listener, AcpQuestions(self.permissions), tasks)
        if self.model is not None:
            self.model.connect(self.headless_listener, tasks)
        for entry in backends.table.values():
            if isinstance(entry.backend, JoinedBackend):
                entry.backend.connect(self.headless_listener, DialogQuestions(self.permissions), tasks)

    async def run(self, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
        """Work until `stop`; `ready` is called with the machine's name once programs here can talk to us.

        Raises LoopBroken when a part of it does not go on: then all of it has been stopped in order.
        """
        try:
            await self._resume_time()  # before anything looks at a time on disk
            await self.sessions.load()  # before anybody can ask for one
            await self.worker_tokens.begin(self.sessions.live())
            await self.parking.recover()
            await self.headless_listener.recover(self.parking.is_waiting)
            await self.workspaces.recover()
            await self.permissions.recover()
            self.gemini.recover()
            await self.local.start()  # from here on programs may register and hooks may tell
            await self.link_handler.recover()  # what was begun is over before anything new is begun
            ready(self.key.identity.machine_id)
            await self._work(stop)
        finally:
            self.permissions.stop()  # askers are answered first: the socket waits for them
            await self.local.stop()
            await self.executor.stop()
            await asyncio.gather(*(programs.close() for programs in self.programs.values()))
            await asyncio.gather(*([self.model.close()] if self.model else []))
            await self.joined.close()
            await self.prompts.stop()
            await self.database.close()  # last: all of the others write when they end

    async def _work(self, stop: asyncio.Event) -> None:
        link_stop = asyncio.Event()
        link = asyncio.create_task(guarded("link", partial(self.client.run, link_stop)), name="link")
        try:
            await self._go_on(stop, link)
        finally:
            # First the hands, so that what they still finish goes up before the goodbye.
            await self.executor.stop()
            link_stop.set()
            await link

    async def _go_on(self, stop: asyncio.Event, link: "asyncio.Task[None]") -> None:
        """Run everything that goes on by itself, until `stop`. Raises LoopBroken as soon as one of it does not."""
        loops: dict[str, Work] = {
            "link": partial(_end_of, link),
            "sessions": self._look_around,
            "marks": self._mark_time,
            "states": self.states.run,
            "screens": self.screen_states.run,
            "desk": self.desk.run,
            "joined": self.joined.run,
            "parking": self.parking.run,
            "workspaces": self.workspaces.run,
            "uploads": self.uploads.run,
            "worker tokens": partial(self.worker_tokens.run, self.sessions.live),
            "tasks": self._tasks.watch,
        }
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(endless(name, loop), name=name) for name, loop in loops.items()]
                tasks.append(group.create_task(guarded("questions", self._close_left), name="questions"))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None  # the others ended because of it

    def _can_start(self) -> bool:
        """Whether there is a folder, and something to start in it."""
        there = self.headless is not None and self.headless.is_installed()
        somewhere = bool(self.starts.folders) or self.workspaces.is_able
        return somewhere and (there or bool(self.acp and self.acp.installed))

    def _can_answer(self) -> bool:
        """Whether sessions may be begun with a model alone."""
        return self.model is not None and self.model.is_set

    async def _condition(self) -> Condition:
        """For the router's gates; asked at each link."""
        programs: list[Program] = []
        if self._can_start():
            if self.headless is not None and self.headless.is_installed():
                programs.append(await self.headless.standing())
            programs += await self.acp.standing() if self.acp is not None else ()
        if self.model is not None and self.model.is_set:
            programs.append(Program(MODEL, "", f"answers ({self.model.title}); it has no tools"))
        try:
            free = max(1, (await asyncio.to_thread(shutil.disk_usage, self._folder)).free)
        except OSError:
            free = 0  # unknown: not a reason to be out of reach
        return Condition(tuple(programs), free)

    async def _file_part(self, command_id: str, number: int) -> bytes:
        return await self.client.part(command_id, number)

    async def _resume_time(self) -> None:
        step = await clock_steps.resume(self.database, self._moment())
        if step:
            logger.warning("the wall clock moved by %.3f s beside the time that passed; limits moved along", step)

    async def _close_left(self) -> None:
        with suppress(StoreUnavailable):
            await self.permissions.close_left()

    async def _mark_time(self) -> None:
        while True:
            await asyncio.sleep(MARK_EVERY)
            with suppress(StoreUnavailable):
                await clock_steps.mark(self.database, self._moment())

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.uptime(), self._clock.boot_id())

    async def _look_around(self) -> None:
        """See which sessions are over, or have had their time."""
        while True:
            with suppress(StoreUnavailable):
                await self.sessions.close_gone()
                await self.starts.look()
            await asyncio.sleep(LOOK_AROUND)


async def _end_of(link: "asyncio.Task[None]") -> None:
    """Wait for its end, and leave it alone."""
    await asyncio.wait([link])
    link.result()


def _programs(backends: Backends) -> dict[str, ProgramBackend[Any, Any, Any]]:
    """The backends that run programs themselves, by name."""
    return {name: entry.backend for name, entry in backends.table.items() if isinstance(entry.backend, ProgramBackend)}


def _opencode(backends: Backends) -> OpenCode | None:
    """What the plugins of OpenCode come to."""
    kinds = (entry.backend.kind for entry in backends.table.values() if isinstance(entry.backend, JoinedBackend))
    return next((kind for kind in kinds if isinstance(kind, OpenCode)), None)


def _one_of(kind: type[B], backends: Backends) -> B | None:
    """The backend of this kind, for what only it can do."""
    return next((entry.backend for entry in backends.table.values() if isinstance(entry.backend, kind)), None)


async def run(config: Config, backends: Backends, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run the agent until SIGTERM or SIGINT. Raises LoopBroken when a part of it breaks before."""
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        logger.info("sqlite %s has the WAL-reset bug; harmless here: one connection", sqlite3.sqlite_version)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)  # all is ended in order
    await Agent(config, backends, clock).run(stop, ready)


def _version() -> str:
    try:
        return version("pointsman")
    except PackageNotFoundError:
        return "unknown"

"""Carries commands out: one worker per session and lane, first come first served, each command at most once.

What protects "at most once" is the order of writes: STARTED is on disk before the backend is called, and nothing that
was STARTED is ever started again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from agent.backends.backend import Backends
from agent.clock import Clock
from agent.domain import prompt
from agent.domain.command import (
    Command,
    Ending,
    FileInput,
    IllegalMove,
    Input,
    KeepSession,
    Lane,
    Outcome,
    PermissionDecision,
    Reason,
    StartSession,
    StopSession,
)
from agent.domain.errors import Refusal, RouterUnreachable, StoreUnavailable
from agent.domain.session import Session, SessionState, bare_id
from agent.loops import Tasks
from agent.services.files import Files
from agent.services.permissions import Permissions
from agent.services.prompt_tracking import PromptTracking
from agent.services.sessions import Sessions
from agent.services.starts import Starts
from agent.store.inbox import Inbox, Start

logger = logging.getLogger(__name__)
T = TypeVar("T")

RETRY = 1.0  # seconds between tries to write when the disk is full
HOLD_LOOK = 0.5  # seconds between looks whether a dialog is still open
HOLD_TELL = 3.0  # seconds after which people are told that their text waits
STOP_PATIENCE = 5.0  # seconds for what is being typed when the agent stops


@dataclass(frozen=True, slots=True)
class _Job:
    command: Command
    received: float  # monotonic


@dataclass(slots=True)
class _BusyTerminal:
    """The command that waits for its terminal to be free."""

    command_id: str
    since: float  # monotonic
    told: bool = False


class _Left(Exception):
    """The agent stops; the command has not started, and is there at the next start."""


class Executor:
    """The workers, and what they work with. A worker exists while its session has something to do."""

    def __init__(
        self,
        inbox: Inbox,
        sessions: Sessions,
        permissions: Permissions,
        starts: Starts,
        backends: Backends,
        prompts: PromptTracking,
        clock: Clock,
        files: Files,
        tasks: Tasks,
        retry: float = RETRY,
    ) -> None:
        self.inbox = inbox
        self.sessions = sessions
        self.permissions = permissions
        self.starts = starts
        self.backends = backends
        self.prompts = prompts
        self.clock = clock
        self.files = files
        self.depth = 0
        self._start = tasks.start
        self._retry = retry
        self._workers: dict[tuple[str, Lane], _Worker] = {}
        self._tasks: dict[tuple[str, Lane], asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    def submit(self, command: Command, received: float) -> None:
        """Queue a command that is in the inbox. `received` is the monotonic time its ttl counts from.

        Queueing one twice is harmless: only its first start succeeds.
        """
        key = (bare_id(command.session_id), command.lane)
        self.depth += 1
        if key in self._workers:
            self._workers[key].queue.append(_Job(command, received))
            return
        self._workers[key] = _Worker(self, _Job(command, received))
        self._tasks[key] = self._start(f"worker {key[0]}", partial(self._employ, key))

    async def stop(self, patience: float = STOP_PATIENCE) -> None:
        """Start nothing more; give what is being typed time to end. What does not is UNCERTAIN at the next start."""
        self._stopping.set()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def stopping(self) -> bool:
        """Nothing more is to be started."""
        return self._stopping.is_set()

    async def insist(self, written: Awaitable[T], again: Callable[[], Awaitable[T]]) -> T:
        """Write until the disk takes it. Raises StoreUnavailable only when the agent stops meanwhile."""
        while True:
            try:
                return await written
            except StoreUnavailable:
                if self.stopping:
                    raise
            await self.pause(self._retry)
            written = again()

    async def pause(self, seconds: float) -> None:
        """Wait, unless the agent stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _employ(self, key: tuple[str, Lane]) -> None:
        try:
            await self._workers[key].work()
        finally:
            del self._workers[key], self._tasks[key]


class _Worker:
    """The queue of one session and lane."""

    def __init__(self, executor: Executor, first: _Job) -> None:
        self.queue = deque([first])
        self._executor = executor
        self._held: _BusyTerminal | None = None
        self._finishing: tuple[Awaitable[int], Callable[[], Awaitable[int]]] | None = None

    async def work(self) -> None:
        while self.queue and not self._executor.stopping:
            job = self.queue.popleft()
            try:
                await self._carry_out(job.command, job.received)
                if not self.queue:
                    await self._finished()
            except IllegalMove:
                logger.debug("ended before command_id=%s", job.command.command_id)  # it was queued twice
            except (StoreUnavailable, _Left):
                logger.warning("left for the next start command_id=%s", job.command.command_id)
            except Exception as error:  # a fault of ours: nobody knows how far it got, and a person is told
                logger.exception("broken command_id=%s", job.command.command_id)
                text = f"{type(error).__name__} in the agent"
                await self._finish(job.command, Outcome.uncertain(Reason.BACKEND_ERROR, text), None)
            self._executor.depth -= 1
        await self._finished()

    async def _carry_out(self, command: Command, received: float) -> None:
        try:
            match command.action:
                case PermissionDecision() as decision:
                    await self._decide(command, decision)
                case StartSession() as wanted:
                    await self._begin(command, wanted, received)
                case StopSession():
                    await self._settle(self._executor.starts.stop, command)
                case KeepSession():
                    await self._settle(self._executor.starts.keep, command)
                case FileInput() as file:
                    await self._type(replace(command, action=await self._fetched(command, file)), received)
                case _:
                    await self._type(command, received)
        except Refusal as refusal:
            await self._finish(command, Outcome.failed(refusal.reason, refusal.text), None)

    async def _type(self, command: Command, received: float) -> None:
        session = await self._executor.sessions.reach(command.session_id)
        objection = self._objection(session, command, received)
        while objection is None and session is not None and await self._obstructed(session, command):
            session = await self._executor.sessions.reach(command.session_id)
            objection = self._objection(session, command, received)
        if objection is not None or session is None:
            await self._finish(command, objection or _UNKNOWN, None)
            return
        start = await self._start(session, command)
        if start is Start.FORBIDDEN:
            return  # cancelled while it waited
        if start is Start.IN_DOUBT and isinstance(command.action, Input):
            await self._clear_line(session)
        outcome = await self._deliver(session, command)
        typed = outcome.ending is Ending.DONE
        await self._finish(command, outcome, self._executor.clock.now() if typed else None)
        if typed:
            self._executor.prompts.typed(session, command)

    async def _fetched(self, command: Command, file: FileInput) -> Input:
        """What to type for a file, once it is here. Raises Refusal where it never will be, _Left at the agent's end."""
        await self._finished()  # the command before must not wait with it
        while not self._executor.stopping:
            try:
                return await self._executor.files.typed(command.command_id, file)
            except RouterUnreachable:
                await self._executor.pause(RETRY)
        raise _Left

    async def _decide(self, command: Command, decision: PermissionDecision) -> None:
        """Nothing is typed, and one transaction does all of it: so there is no STARTED, and no doubt after a crash."""
        await self._finished()
        permissions = self._executor.permissions
        await self._executor.insist(
            permissions.decide(command, decision), lambda: permissions.decide(command, decision)
        )

    async def _begin(self, command: Command, wanted: StartSession, received: float) -> None:
        """Begin a session and give it its prompt. Raises Refusal."""
        if late := self._late(command, received):
            await self._finish(command, late, None)
            return
        starts, insist = self._executor.starts, self._executor.insist
        session = await starts.prepare(command, wanted)
        await self._finished()
        begin = partial(starts.begin, session, command)
        if not await insist(begin(), begin):
            return  # cancelled while it waited
        outcome = await self._deliver(session, command)
        if outcome.ending is Ending.FAILED:
            abandon = partial(starts.abandon, session, outcome.detail)
            await insist(abandon(), abandon)
        await self._finish(command, outcome, self._executor.clock.now() if outcome.ending is Ending.DONE else None)

    async def _settle(self, settle: Callable[[Command], Awaitable[None]], command: Command) -> None:
        """Like a decision: one transaction does all of it. Raises Refusal."""
        await self._finished()
        again = partial(settle, command)
        await self._executor.insist(again(), again)

    async def _obstructed(self, session: Session, command: Command) -> bool:
        """Whether it has to wait, after having waited a while. Raises _Left when the agent stops meanwhile."""
        backend = self._executor.backends.get(session.backend)
        if backend is None or command.typed is None:
            return False
        why = await backend.obstacle(session, command.typed)
        if not why:
            self._held = None
            return False
        await self._finished()  # the command before must not wait with it
        await self._tell(command, why)
        await self._executor.pause(HOLD_LOOK)
        if self._executor.stopping:
            raise _Left
        return True

    async def _tell(self, command: Command, why: str) -> None:
        """Say once that it waits, unless that is over so soon that it would be noise."""
        now = self._executor.clock.monotonic()
        if self._held is None or self._held.command_id != command.command_id:
            self._held = _BusyTerminal(command.command_id, now)
        if not self._held.told and now - self._held.since >= HOLD_TELL:
            self._held.told = True
            inbox = self._executor.inbox
            await self._executor.insist(inbox.held(command, why), lambda: inbox.held(command, why))

    async def _clear_line(self, session: Session) -> None:
        if backend := self._executor.backends.get(session.backend):
            await backend.clear_line(session)

    async def _start(self, session: Session, command: Command) -> Start:
        # Queued right behind the finish of the command before, so that one fsync carries both.
        tells = self._executor.sessions.traits(session).tells_states
        awaits = prompt.awaited(session, command.typed, tells=tells)
        start = partial(self._executor.inbox.start, command.command_id, awaited=awaits)
        started = start()
        await self._finished()
        return await self._executor.insist(started, start)

    async def _finish(self, command: Command, outcome: Outcome, typed_at: float | None) -> None:
        await self._finished()
        command_id, executor = command.command_id, self._executor
        level = logging.DEBUG if outcome.ending is Ending.DONE else logging.INFO
        logger.log(level, "command ended command_id=%s ending=%s reason=%s", command_id, outcome.ending, outcome.reason)

        def write() -> Awaitable[int]:
            return executor.inbox.finish(command_id, outcome, typed_at)

        self._finishing = (write(), write)

    async def _finished(self) -> None:
        """Wait until the command before is over on disk. That it had ended already is no matter of the next one."""
        if self._finishing is not None:
            (written, again), self._finishing = self._finishing, None
            with suppress(IllegalMove):  # it was queued twice, or taken back
                await self._executor.insist(written, again)

    def _objection(self, session: Session | None, command: Command, received: float) -> Outcome | None:
        """Why it must not be typed now."""
        if session is None:
            return _UNKNOWN
        if command.generation not in (0, session.generation):
            return Outcome.failed(Reason.SESSION_RESTARTED, "The session was restarted after this was written.")
        if session.state is SessionState.ENDED:
            return Outcome.failed(Reason.SESSION_ENDED, "The session is over.")
        return self._late(command, received)

    def _late(self, command: Command, received: float) -> Outcome | None:
        if command.ttl is None or self._executor.clock.monotonic() < received + command.ttl:
            return None
        return Outcome(Ending.EXPIRED, Reason.TTL_EXPIRED, "Its time limit ran out before its turn came.")

    async def _deliver(self, session: Session, command: Command) -> Outcome:
        backend = self._executor.backends.get(session.backend)
        if backend is None or command.typed is None:
            return Outcome.failed(Reason.UNSUPPORTED, f"This agent has no backend {session.backend!r}.")
        try:
            outcome = await backend.deliver(session, command.typed)
        except Exception as error:
            # A fault of ours: nobody knows how far it got.
            logger.exception("backend %s broke command_id=%s", session.backend, command.command_id)
            outcome = Outcome.uncertain(Reason.BACKEND_ERROR, f"{type(error).__name__} in backend {session.backend}")
        known = self._executor.sessions.find(session.session_id)
        if known is not None and known.state is SessionState.ENDED:
            await backend.release(session)  # it ended meanwhile: what this has started would be nobody's
        return outcome


_UNKNOWN = Outcome.failed(Reason.SESSION_UNKNOWN, "This machine has no such session.")

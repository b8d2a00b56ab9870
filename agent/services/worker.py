"""The queue of one session and lane: first come, first served, each command carried out at most once."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from agent.domain.command import (
    CloseWorkspace,
    Command,
    Ending,
    FileInput,
    IllegalMove,
    Input,
    KeepSession,
    Outcome,
    PackWorkspace,
    PermissionDecision,
    Reason,
    StartSession,
    StopSession,
    TakeWorkspace,
)
from agent.domain.errors import Refusal, RouterUnreachable, StoreUnavailable
from agent.services.files import Files
from agent.services.permissions import Permissions
from agent.services.starts import Starts
from agent.services.typing import Begun, Left, Typing
from agent.services.write_behind import RETRY

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A command, the monotonic time that its ttl counts from, and whether it was STARTED with its receipt."""

    command: Command
    received: float
    begun: Begun | None = None


class Worker:
    """Works until its queue is empty, or the agent stops."""

    def __init__(self, typing: Typing, permissions: Permissions, starts: Starts, files: Files) -> None:
        self.queue: deque[Job] = deque()
        self._busy = False
        self._typing = typing
        self._writing = typing.writing
        self._behind = typing.behind
        self._permissions = permissions
        self._starts = starts
        self._files = files

    @property
    def is_free(self) -> bool:
        """Whether what comes now is next. The end of the command before may still be on its way to the disk."""
        return not (self._busy or self.queue)

    async def work(self, done: Callable[[], None]) -> None:
        """Carry out what is in the queue; `done` is called for each command, however it ended."""
        while self.queue and (self.queue[0].begun or not self._writing.stopping.is_set()):
            job = self.queue.popleft()
            try:
                self._busy = True
                await self._carry_out(job)
                self._busy = False
                if not self.queue:
                    await self._behind.finished()
            except IllegalMove:
                logger.debug("ended before command_id=%s", job.command.command_id)  # it was queued twice
            except (StoreUnavailable, Left):
                logger.warning("left for the next start command_id=%s", job.command.command_id)
            except Exception as error:  # a fault of ours: nobody knows how far it got, and a person is told
                logger.exception("broken command_id=%s", job.command.command_id)
                text = f"{type(error).__name__} in the agent"
                await self._behind.finish(job.command, Outcome.uncertain(Reason.BACKEND_ERROR, text))
            self._busy = False
            done()
        await self._behind.finished()

    async def _carry_out(self, job: Job) -> None:
        command, received = job.command, job.received
        try:
            match command.action:
                case PermissionDecision() as decision:
                    # Nothing is typed, and one transaction does all of it: no STARTED, and no doubt after a crash.
                    await self._settle(partial(self._permissions.decide, command, decision))
                case StartSession() as wanted:
                    await self._begin(command, wanted, received)
                case StopSession():
                    await self._settle(partial(self._starts.stop, command))
                case KeepSession():
                    await self._settle(partial(self._starts.keep, command))
                case CloseWorkspace() as closing:
                    await self._see_to(command, received, partial(self._starts.close, closing))
                case PackWorkspace(key):
                    await self._see_to(command, received, partial(self._starts.pack, command, key))
                case TakeWorkspace() as coming:
                    await self._see_to(command, received, partial(self._starts.take, command, coming))
                case FileInput() as file:
                    await self._typing.type(replace(command, action=await self._fetched(command, file)), received)
                case _:
                    await self._typing.type(command, received, job.begun)
        except Refusal as refusal:
            await self._behind.finish(command, Outcome.failed(refusal.reason, refusal.text))

    async def _settle(self, write: Callable[[], Awaitable[object]]) -> None:
        """What ends with the transaction that carries it out. Raises Refusal, IllegalMove."""
        await self._behind.finished()
        await self._writing.insist(write)

    async def _fetched(self, command: Command, file: FileInput) -> Input:
        """What to type for a file, once it is here. Raises Refusal where it never will be, Left at the agent's end."""
        await self._behind.finished()  # the command before must not wait with it
        while not self._writing.stopping.is_set():
            try:
                return await self._files.typed(command.command_id, file)
            except RouterUnreachable:
                await self._writing.pause(RETRY)
        raise Left

    async def _see_to(self, command: Command, received: float, work: Callable[[], Awaitable[str]]) -> None:
        """Of a workspace: it goes on from what is on the disk, so nothing of it is in doubt after a crash.

        Raises Refusal, and Left at the agent's end.
        """
        if late := self._typing.late(command, received):
            await self._behind.finish(command, late)
            return
        await self._behind.finished()
        while not self._writing.stopping.is_set():
            try:
                done = await work()
            except RouterUnreachable:
                await self._writing.pause(RETRY)
            else:
                await self._behind.finish(command, Outcome.done(done))
                return
        raise Left

    async def _begin(self, command: Command, wanted: StartSession, received: float) -> None:
        """Begin a session and give it its prompt. Raises Refusal."""
        if late := self._typing.late(command, received):
            await self._behind.finish(command, late)
            return
        session = await self._starts.prepare(command, wanted)
        await self._behind.finished()
        if not await self._writing.insist(partial(self._starts.begin, session, command)):
            return  # cancelled while it waited
        outcome = await self._typing.deliver(session, command)
        if outcome.ending is Ending.FAILED:  # nothing was typed: a session without its prompt would be nobody's
            await self._writing.insist(partial(self._starts.abandon, session, outcome.detail))
        typed_at = self._typing.clock.now() if outcome.ending is Ending.DONE else None
        await self._behind.finish(command, outcome, typed_at)

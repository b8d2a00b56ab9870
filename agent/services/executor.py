"""Carries commands out: one worker per session and lane, each command at most once.

What protects "at most once" is the order of writes: STARTED is on disk before the backend is called, and nothing that
was STARTED is ever started again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from agent.backends.backend import Backends
from agent.clock import Clock
from agent.domain.command import Command, Lane
from agent.domain.session import Session, bare_id
from agent.loops import Tasks
from agent.services.files import Files
from agent.services.permissions import Permissions
from agent.services.prompt_tracking import PromptTracking
from agent.services.sessions import Sessions
from agent.services.starts import Starts
from agent.services.typing import Begun, Typing
from agent.services.worker import Job, Worker
from agent.services.write_behind import WriteBehind, Writing
from agent.store.inbox import AtOnce, Inbox, Start

MOST_AT_ONCE = 4  # commands that are STARTED with their receipt
STOP_PATIENCE = 5.0  # seconds for what is being typed when the agent stops


class Executor:
    """The workers. One exists while its session has something to do."""

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
    ) -> None:
        self.backends = backends
        self.depth = 0
        self.writing = Writing()
        self._typing = partial(Typing, inbox, sessions, prompts=prompts, clock=clock, writing=self.writing)
        self._behind = partial(WriteBehind, inbox, self.writing)
        self._worker = partial(Worker, permissions=permissions, starts=starts, files=files)
        self._start = tasks.start
        self._workers: dict[tuple[str, Lane], Worker] = {}
        self._tasks: dict[tuple[str, Lane], asyncio.Task[None]] = {}

    async def at_once(self, commands: Sequence[Command], received: float) -> dict[str, AtOnce]:
        """Which of these, by id, may be STARTED as they are stored: what has nothing before it or in its way.

        Of many none: they share their syncs anyway, and all would wait for a look at each.
        """
        found: dict[str, AtOnce] = {}
        if len(commands) > MOST_AT_ONCE or self.writing.stopping.is_set():
            return found
        typing = self._typing(backends=self.backends, behind=self._behind())
        seen = set()
        for command in commands:
            key = (bare_id(command.session_id), command.lane)
            worker = self._workers.get(key)
            if key not in seen and (worker is None or worker.is_free):
                with suppress(Exception):  # it comes again where it is typed, and is told of there
                    if ready := await typing.ready(command, received):
                        begin = partial(self._begun, command, received, ready.session)
                        found[command.command_id] = AtOnce(ready.awaited, begin)
            seen.add(key)
        return found

    def submit(self, command: Command, received: float, begun: Begun | None = None) -> None:
        """Queue a command that is in the inbox. `received` is the monotonic time its ttl counts from.

        Queueing one twice is harmless: only its first start succeeds.
        """
        key = (bare_id(command.session_id), command.lane)
        self.depth += 1  # the router is told how much waits here
        worker = self._workers.get(key)
        if worker is None:
            typing = self._typing(backends=self.backends, behind=self._behind())
            worker = self._workers[key] = self._worker(typing)
            self._tasks[key] = self._start(f"worker {key[0]}", partial(self._employ, key))
        worker.queue.append(Job(command, received, begun))

    def _begun(self, command: Command, received: float, session: Session, start: Start) -> None:
        self.submit(command, received, Begun(session, start))

    async def stop(self, patience: float = STOP_PATIENCE) -> None:
        """Start nothing more; give what is being typed time to end. What does not is UNCERTAIN at the next start."""
        self.writing.stopping.set()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()  # what it typed is found STARTED at the next start, and UNCERTAIN
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _employ(self, key: tuple[str, Lane]) -> None:
        try:
            await self._workers[key].work(self._done)
        finally:
            del self._workers[key], self._tasks[key]

    def _done(self) -> None:
        self.depth -= 1

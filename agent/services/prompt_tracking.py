"""Follows what was typed into a coding agent: taken, finished, or not taken in time. Nothing is typed again."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from agent.backends.terminals import screens
from agent.backends.terminals.keyboard import TerminalError
from agent.clock import Clock
from agent.domain.command import Command
from agent.domain.errors import StoreUnavailable
from agent.domain.hook import HookEvent
from agent.domain.prompt import PATIENCE, awaited
from agent.domain.session import Session, SessionState, bare_id
from agent.loops import Tasks
from agent.services.sessions import Sessions
from agent.store.prompts import Prompts

logger = logging.getLogger(__name__)

_OCCUPIED = (SessionState.BUSY, SessionState.WAITING)  # it may take a text only when that is over


class PromptTracking:
    """Watches typed texts. `patience` is in seconds.

    After a restart of the agent what is on disk goes on; the watch does not: a hook may have spoken meanwhile.
    """

    def __init__(
        self, prompts: Prompts, sessions: Sessions, clock: Clock, tasks: Tasks, patience: float = PATIENCE
    ) -> None:
        self.patience = patience
        self._prompts = prompts
        self._sessions = sessions
        self._clock = clock
        self._tasks = tasks
        self._turns: dict[str, str] = {}  # the turn that each session is in
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._settled: set[str] = set()  # sessions whose every taken text is known to be finished

    def typed(self, session: Session, command: Command) -> None:
        """A command was typed; its program will say that it takes it, if it will at all."""
        if awaited(session, command.typed, tells=self._sessions.traits(session).tells_states):
            name = f"prompt {command.command_id}"
            watch = self._tasks.start(name, partial(self._watch, session.session_id, command.command_id))
            self._watches[command.command_id] = watch
            watch.add_done_callback(lambda _: self._watches.pop(command.command_id, None))

    async def heard(self, session: Session, event: HookEvent) -> None:
        """What an event says of typed texts; it is on disk on return. Raises StoreUnavailable."""
        name, turn = bare_id(session.session_id), event.text("prompt_id")
        match event.name:
            case "UserPromptSubmit":
                joined = turn != "" and self._turns.get(name) == turn
                self._turns[name] = turn
                self._settled.discard(name)
                text, now = event.text("prompt"), self._clock.now()
                taken = await self._prompts.take(session.session_id, text, turn, joined=joined, now=now)
                if watch := self._watches.get(taken):
                    watch.cancel()
            case "Stop" | "StopFailure" | "Interrupt":
                await self._prompts.end_turn(session.session_id, turn)
            case "SessionEnd":
                self._turns.pop(name, None)

    async def took(self, session_id: str) -> None:
        """What we run ourselves has the text that it is being given. Raises StoreUnavailable."""
        await self._prompts.took(session_id, self._clock.now())

    async def finished(self, session_id: str) -> None:
        """What we run ourselves has done with all it has. Raises StoreUnavailable."""
        await self._prompts.rest(session_id)

    async def rested(self, session: Session) -> None:
        """The program has been at rest for a while: interrupted turns end without a word. Raises StoreUnavailable."""
        name = bare_id(session.session_id)
        if name not in self._settled:
            self._settled.add(name)  # a row of looks at a program at rest writes once
            await self._prompts.rest(session.session_id)

    async def stop(self) -> None:
        """Watch no more."""
        watches = list(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    async def _watch(self, session_id: str, command_id: str) -> None:
        """Say that a text was not taken: when its program had the time, and is at rest."""
        session = None
        while session is None or session.state in _OCCUPIED:
            await asyncio.sleep(self.patience)
            session = self._sessions.find(session_id)
            if session is None or session.state is SessionState.ENDED:
                return
        opens = self._sessions.traits(session).screen
        try:
            screen = await screens.shown(opens(session)) if opens else ""
        except TerminalError:  # of a program that is reached without its terminal, nobody may see that
            screen = ""
        with suppress(StoreUnavailable):
            if await self._prompts.overdue(command_id, screen):
                logger.info("not taken command_id=%s", command_id)

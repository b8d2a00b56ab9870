"""A command on its way into its session: whether it may go now, what it waits for, and what its backend makes of it."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from agent.backends.backend import Backends
from agent.clock import Clock
from agent.domain import prompt
from agent.domain.command import Command, Ending, Input, KeyPress, Outcome, Reason
from agent.domain.control import ControlSignal
from agent.domain.errors import Refusal
from agent.domain.session import Session, SessionState
from agent.services.prompt_tracking import PromptTracking
from agent.services.sessions import Sessions
from agent.services.write_behind import WriteBehind, Writing
from agent.store.inbox import Inbox, Start

logger = logging.getLogger(__name__)

HOLD_LOOK = 0.5  # seconds between looks whether a dialog is still open
HOLD_TELL = 3.0  # seconds after which people are told that their text waits

_UNKNOWN = Outcome.failed(Reason.SESSION_UNKNOWN, "This machine has no such session.")


class Left(Exception):
    """The agent stops; the command has not started, and is there at the next start."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Nothing is in a command's way into this session. `awaited`: its program will say when it takes the text."""

    session: Session
    awaited: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """A command is STARTED, for the session as it was when nothing was in its way."""

    session: Session
    start: Start


@dataclass(slots=True)
class _BusyTerminal:
    """The command that waits for its terminal to be free."""

    command_id: str
    since: float  # monotonic
    told: bool = False


@dataclass(slots=True)
class Typing:
    """Types the commands of one worker. What protects "at most once" is that STARTED is on disk before the backend."""

    inbox: Inbox
    sessions: Sessions
    backends: Backends
    prompts: PromptTracking
    clock: Clock
    writing: Writing
    behind: WriteBehind
    _held: _BusyTerminal | None = None

    async def type(self, command: Command, received: float, begun: Begun | None = None) -> None:
        """Carry it out once nothing is in its way, or at once where it is STARTED. Raises Left."""
        if begun is None:
            begun = await self._begin(command, received)
        else:
            await self.behind.finished()
        if begun is None:
            return
        session, start = begun.session, begun.start
        backend = self.backends.get(session.backend)
        # A command before it was cut short, and may have left a part of its text for this one to be joined to.
        if start is Start.IN_DOUBT and isinstance(command.action, Input) and backend is not None:
            await backend.clear_line(session)
        outcome = await self.deliver(session, command)
        if outcome.ending is Ending.DONE:
            await self.behind.finish(command, outcome, self.clock.now())
            if isinstance(command.action, ControlSignal):
                await self._told(session, command.action)
            self.prompts.typed(session, command)  # after its end is queued, which the mark must follow
        else:
            await self.behind.finish(command, outcome)

    async def ready(self, command: Command, received: float) -> Ready | None:
        """Where and how it would be begun now; None where something is in its way, or may be."""
        session = self.sessions.find(command.session_id)
        if session is None or not isinstance(command.action, Input | KeyPress):
            return None
        if self.sessions.is_awaited(session) or self._objection(session, command, received):
            return None
        backend = self.backends.get(session.backend)
        if backend is None or await backend.obstacle(session, command.action):
            return None
        return Ready(session, self._awaits(session, command))

    async def deliver(self, session: Session, command: Command) -> Outcome:
        """What its backend makes of a command that is STARTED."""
        backend = self.backends.get(session.backend)
        if backend is None or command.typed is None:
            return Outcome.failed(Reason.UNSUPPORTED, f"This agent has no backend {session.backend!r}.")
        try:
            outcome = await backend.deliver(session, command.typed)
        except Exception as error:  # a fault of ours: nobody knows how far it got
            logger.exception("backend %s broke command_id=%s", session.backend, command.command_id)
            outcome = Outcome.uncertain(Reason.BACKEND_ERROR, f"{type(error).__name__} in backend {session.backend}")
        known = self.sessions.find(session.session_id)
        if known is not None and known.state is SessionState.ENDED:
            await backend.release(session)  # it ended meanwhile: what this has started would be nobody's
        return outcome

    async def _told(self, session: Session, signal: ControlSignal) -> None:
        """What was changed is how its program works from now on."""
        chosen = {signal.kind.value: signal.value} if signal.value else {}
        if chosen:
            with suppress(Refusal):  # it ended meanwhile
                await self.writing.insist(partial(self.sessions.works, session.session_id, **chosen, chosen=True))

    def late(self, command: Command, received: float) -> Outcome | None:
        """How it ends where its time is over."""
        if command.ttl is None or self.clock.monotonic() < received + command.ttl:
            return None
        return Outcome(Ending.EXPIRED, Reason.TTL_EXPIRED, "Its time limit ran out before its turn came.")

    def _objection(self, session: Session | None, command: Command, received: float) -> Outcome | None:
        """Why it must not be typed now."""
        if session is None:
            return _UNKNOWN
        if command.generation not in (0, session.generation):
            return Outcome.failed(Reason.SESSION_RESTARTED, "The session was restarted after this was written.")
        if session.state is SessionState.ENDED:
            return Outcome.failed(Reason.SESSION_ENDED, "The session is over.")
        return self.late(command, received)

    async def _obstructed(self, session: Session, command: Command) -> bool:
        """Whether it has to wait, after having waited a while. Raises Left when the agent stops meanwhile."""
        backend = self.backends.get(session.backend)
        if backend is None or command.typed is None:
            return False
        why = await backend.obstacle(session, command.typed)
        if not why:
            self._held = None
            return False
        await self.behind.finished()  # the command before must not wait with it
        await self._tell(command, why)
        await self.writing.pause(HOLD_LOOK)
        if self.writing.stopping.is_set():
            raise Left
        return True

    async def _tell(self, command: Command, why: str) -> None:
        """Say once that it waits, unless that is over so soon that it would be noise."""
        now = self.clock.monotonic()
        if self._held is None or self._held.command_id != command.command_id:
            self._held = _BusyTerminal(command.command_id, now)
        if not self._held.told and now - self._held.since >= HOLD_TELL:
            self._held.told = True
            await self.writing.insist(partial(self.inbox.held, command, why))

    async def _begin(self, command: Command, received: float) -> Begun | None:
        """It is STARTED once nothing is in its way; None where it has ended. Raises Left."""
        while True:
            session = await self.sessions.reach(command.session_id)
            objection = self._objection(session, command, received)
            if objection is not None or session is None:
                await self.behind.finish(command, objection or _UNKNOWN)
                return None
            if not await self._obstructed(session, command):
                break  # else all that was asked is asked again: the session may have ended meanwhile
        start = partial(self.inbox.start, command.command_id, awaited=self._awaits(session, command))
        started = start()  # queued right behind the end of the command before
        await self.behind.finished()
        how = await self.writing.insist(start, started)
        return None if how is Start.FORBIDDEN else Begun(session, how)  # cancelled while it waited

    def _awaits(self, session: Session, command: Command) -> bool:
        return prompt.awaited(session, command.typed, tells=self.sessions.traits(session).tells_states)

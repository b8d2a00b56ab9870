"""What the program in each session is doing, as its own registry says; its hooks are heard first, and corrected."""

import asyncio
from contextlib import suppress
from pathlib import Path

from agent.backends.claude.limits import recorded_limit
from agent.backends.claude.registry_file import ClaudeCode, Doing
from agent.domain.errors import AgentError, Refusal
from agent.domain.hook import HookEvent
from agent.domain.session import Conversation, Session, SessionState, bare_id
from agent.processes import is_running
from agent.services.prompt_tracking import PromptTracking
from agent.services.sessions import Sessions

LOOK_EVERY = 1.0
"""Seconds. A look is a file of 1 kB for each session; notifications of the kernel would cost more than they save."""

_STATES = {Doing.IDLE: SessionState.IDLE, Doing.BUSY: SessionState.BUSY, Doing.WAITING: SessionState.WAITING}
_HINTS = {
    "UserPromptSubmit": SessionState.BUSY,
    "Stop": SessionState.IDLE,
    "StopFailure": SessionState.IDLE,
    "Interrupt": SessionState.IDLE,  # of Codex, which tells no other end of a turn that its person stopped
}
LOOKS_FOR_LIMIT = 5
_AT_NO_LIMIT = frozenset({"UserPromptSubmit", "Stop"})  # somebody wrote to it, or it was answered


class States:
    """Keeps the states of sessions up to date."""

    def __init__(self, sessions: Sessions, prompts: PromptTracking) -> None:
        self._sessions = sessions
        self._prompts = prompts
        self._resting: set[str] = set()  # sessions that were idle at the last look
        self._limits: dict[str, int] = {}  # looks left at what a session's record says of a usage limit
        self._over: dict[str, float] = {}  # limits that hooks told to be over, which may still stand there

    async def run(self, every: float = LOOK_EVERY) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every)

    async def look(self) -> None:
        """One look at every session with a coding agent in it."""
        there = {bare_id(one.session_id) for one in self._sessions.live()}
        for kept in (self._limits, self._over):
            for name in kept.keys() - there:
                del kept[name]
        for session in self._sessions.live():
            if session.conversation is not None and not self._sessions.traits(session).tells_states:
                with suppress(AgentError):  # a full disk, or it ended meanwhile: the next look tells
                    await self._look_for_limit(session, session.conversation)
                with suppress(AgentError):
                    await self._see(session, session.conversation)

    async def hint(self, session: Session, event: HookEvent) -> None:
        """An event tells sooner than a look, and is all there is where no registry is. Raises StoreUnavailable."""
        name = bare_id(session.session_id)
        if event.name == "StopFailure" and event.text("error") == "rate_limit":
            self._limits[name] = LOOKS_FOR_LIMIT  # its record may be written after this
            self._over.pop(name, None)
        elif event.name in _AT_NO_LIMIT:
            self._limits[name] = 0
            if session.limited_until:
                self._over[name] = session.limited_until
            await self._sessions.limit(session.session_id, 0.0)
        if (state := _HINTS.get(event.name)) is not None:
            self._resting.discard(name)
            await self._sessions.update(session.session_id, state=state)
        with suppress(Refusal):  # it ended with this event
            await self._sessions.works(session.session_id, event.text("permission_mode"), event.text("model"))

    async def _look_for_limit(self, session: Session, talk: Conversation) -> None:
        name = bare_id(session.session_id)
        if (left := self._limits.get(name, 1)) <= 0:  # one without a hook: the agent may have been away when it came
            return
        until = await asyncio.to_thread(recorded_limit, Path(talk.transcript))
        if self._limits.get(name, 1) != left:  # a hook told more meanwhile
            return
        if until is not None and until != self._over.get(name):
            await self._sessions.limit(session.session_id, until)
            left = 1 if until else left
        self._limits[name] = left - 1

    async def _see(self, session: Session, talk: Conversation) -> None:
        name = bare_id(session.session_id)
        if not is_running(talk.process):
            self._resting.discard(name)
            await self._bury(session, talk)
            return
        seen = ClaudeCode(talk.process.pid, Path(talk.folder), Path(session.cwd)).look()
        state = _STATES.get(seen.doing)
        if state is None:
            return
        await self._sessions.update(session.session_id, state=state, waiting_for=seen.waiting_for)
        if state is not SessionState.IDLE:
            self._resting.discard(name)
        elif name in self._resting:
            await self._prompts.rested(session)
        else:
            self._resting.add(name)  # only the second look in a row counts: between two turns it is idle, too
            self._limits[name] = self._limits.get(name, 0) or 1  # of a turn that is over no hook may have told

    async def _bury(self, session: Session, talk: Conversation) -> None:
        """The program ended without a word; its terminal may hold more."""
        if talk.process.is_same(session.process):
            await self._sessions.close(session.session_id, "its program ended")
        else:
            await self._sessions.converse(session.session_id, None)

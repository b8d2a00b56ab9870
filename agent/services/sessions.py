"""The sessions of this machine: who may be typed into, and which life of it."""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from agent.backends.backend import Backends, Traits
from agent.backends.claude.control import may_bypass
from agent.backends.gemini import status_file
from agent.clock import Clock
from agent.domain.command import Reason
from agent.domain.control import BYPASS, ControlKind
from agent.domain.errors import Refusal
from agent.domain.frames import SessionChanged, SessionGone
from agent.domain.prompt import is_told_of
from agent.domain.session import Conversation, Process, Session, SessionState, bare_id, checked_id, checked_label
from agent.processes import is_running
from agent.services.worker_tokens import WorkerTokens
from agent.store.sessions import SessionStore

logger = logging.getLogger(__name__)

LATELY = 100  # sessions
HOST_RETURN = 12.0  # seconds; the host of a terminal looks for a new agent every 10 s at least


class Sessions:
    """Sessions by id, in memory and on disk. Every change is on disk, with the word to the router, when it returns."""

    def __init__(
        self, store: SessionStore, backends: Backends, clock: Clock, tokens: WorkerTokens | None = None
    ) -> None:
        self._store = store
        self._tokens = tokens
        self.backends = backends
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._changing = asyncio.Lock()
        self.lately_ended: deque[Session] = deque(maxlen=LATELY)  # of whose end the router may not have been told all
        self._returning: dict[str, asyncio.Event] = {}  # terminals whose host has not found this process yet

    async def load(self) -> None:
        """Read what an earlier process knew, and close what ended since; end what it had no time to end."""
        known = map(self._with_controls, await self._store.load())
        self._sessions = {bare_id(session.session_id): session for session in known}
        for session in self._sessions.values():
            if session.state is SessionState.ENDED:
                await self._release(session)
        for session in self.live():
            if not await self._is_alive(session):
                await self.close(session.session_id, "its program ended while the agent was away")
            elif self.traits(session).attaches:
                self._returning[bare_id(session.session_id)] = asyncio.Event()

    def find(self, session_id: str) -> Session | None:
        """The session, also when it is over; None when it was never here."""
        return self._sessions.get(bare_id(session_id))

    async def reach(self, session_id: str) -> Session | None:
        """As `find`, but a terminal that an earlier process had is given the time to come back first."""
        event = self._returning.get(bare_id(session_id))
        if event is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), HOST_RETURN)
            self.host_came(session_id)
        return self.find(session_id)

    def is_awaited(self, session: Session) -> bool:
        """Whether `reach` would wait for its terminal."""
        return bare_id(session.session_id) in self._returning

    def host_came(self, session_id: str) -> None:
        """The host of a terminal is attached, or need not be waited for."""
        event = self._returning.pop(bare_id(session_id), None)
        if event is not None:
            event.set()

    def traits(self, session: Session) -> Traits:
        """What there is to ask about the backend of a session."""
        return self.backends.traits(session.backend)

    def with_program(self, program: Process) -> Session | None:
        """The live session in which that very coding agent talks."""
        return next(
            (one for one in self.live() if one.conversation and program.is_same(one.conversation.process)), None
        )

    def with_conversation(self, conversation_id: str) -> Session | None:
        """The session that had a talk last, also when it is over."""
        found = [
            one
            for one in self._sessions.values()
            if conversation_id and one.conversation and one.conversation.conversation_id == conversation_id
        ]
        return found[-1] if found else None

    def at(self, backend: str, target: Mapping[str, str]) -> Session | None:
        """The live session at an address."""
        return next((one for one in self.live() if one.backend == backend and one.target == target), None)

    def live(self) -> tuple[Session, ...]:
        """All that are not over."""
        return tuple(one for one in self._sessions.values() if one.state is not SessionState.ENDED)

    async def register(self, wanted: Session) -> Session:
        """Make a session known, or known again; an empty id gets one made.

        The same program again keeps its generation. Another program under the same id begins the next one. Raises
        Refusal for a malformed id, a long label, or a backend that is not here.
        """
        checked_label(wanted.label)
        if wanted.backend not in self.backends.table:
            names = ", ".join(sorted(self.backends.table))
            text = f"There is no backend {wanted.backend[:40]!r} here; there are {names}."
            raise Refusal(Reason.UNSUPPORTED, text)
        session_id = checked_id(wanted.session_id, "session_id") if wanted.session_id else f"session_{uuid.uuid4()}"
        async with self._changing:
            earlier = self.find(session_id)
            session = self._successor(replace(wanted, session_id=session_id))
            await self._save(session)
        if earlier is not None and session.generation != earlier.generation:
            await self._release(earlier)  # outside of the lock: ending a program takes seconds
        logger.info("session registered session_id=%s generation=%s", session.session_id, session.generation)
        return session

    async def update(
        self,
        session_id: str,
        *,
        state: SessionState | None = None,
        waiting_for: str = "",
        label: str | None = None,
        cwd: str | None = None,
    ) -> Session:
        """Change what is given, `waiting_for` with the state. Raises Refusal when there is no such live session."""
        async with self._changing:
            session = self.known(session_id)
            if session.state is SessionState.ENDED:
                raise Refusal(Reason.SESSION_ENDED, f"Session {session_id} is over; register it again.")
            if state is not None:
                session = session.become(state, waiting_for, self._clock.now())
            changed = replace(
                session,
                label=session.label if label is None else checked_label(label),
                cwd=session.cwd if cwd is None else cwd,
            )
            if changed != self.known(session_id):
                await self._save(changed)
        return changed

    async def limit(self, session_id: str, until: float) -> None:
        """Its account is at a usage limit until then, in seconds since the epoch; 0 for none. Raises Refusal."""
        async with self._changing:
            session = self._known_live(session_id)
            if session.limited_until != until:
                await self._save(replace(session, limited_until=until))

    async def converse(self, session_id: str, talk: Conversation | None) -> Session:
        """The coding agent in a session is this one now; None for none. Raises Refusal when the session is unknown."""
        async with self._changing:
            session = self.known(session_id)
            changed = replace(session, conversation=talk and talk.behind(session.conversation))
            if talk is None:
                unknown = changed.become(SessionState.UNKNOWN, "", self._clock.now())  # nobody tells it any more
                changed = replace(unknown, mode="", model="")
            if changed != session:
                await self._save(changed)
        return changed

    async def works(self, session_id: str, mode: str = "", model: str = "", *, chosen: bool = False) -> None:
        """Its program is in this mode, with this model; what is empty is as it was. Raises Refusal as `update`.

        `chosen`: from afar, which holds for each program of a session that we run ourselves.
        """
        async with self._changing:
            session = self._known_live(session_id)
            kept = dict(session.target)
            if self.traits(session).hosted:
                kept |= {"mode": mode} if mode and (chosen or "mode" in kept) else {}  # or went on to it
                kept |= {"model": model} if model and chosen else {}
            changed = replace(session, mode=mode or session.mode, model=model or session.model, target=kept)
            if changed != session:
                await self._save(changed)

    async def begin(self, session: Session, command_id: str) -> bool:
        """A new session, with the command that begins it; False when that ended meanwhile.

        Raises Refusal when there is such a session already, or its conversation is open in another one.
        """
        async with self._changing:
            if self.find(session.session_id) is not None:
                raise Refusal(Reason.ILLEGAL_STATE, "There is a session with this id already.")
            self._check_free(session.target.get("resume", ""))  # two on one would branch it
            session = self._with_controls(session)
            begun = await self._store.begin(session, SessionChanged(session), command_id)
            if begun:
                await self._hold(session)
        return begun

    def _check_free(self, conversation_id: str) -> None:
        for one in self.live():
            talk = one.conversation.conversation_id if one.conversation else one.target.get("resume", "")
            if conversation_id and talk == conversation_id:
                text = f"It is open in the session {one.label or one.session_id}: write to that one."
                raise Refusal(Reason.CONVERSATION_OPEN, text)

    async def stop(self, session_id: str, command_id: str) -> None:
        """The session is over, and the command that asked for it is DONE.

        Raises Refusal when it was never here or is over already, IllegalMove when the command has ended.
        """
        async with self._changing:
            session = self._known_live(session_id)
            ended = replace(session, state=SessionState.ENDED)
            await self._store.settle(ended, SessionGone(session.session_id, session.generation, "ended"), command_id)
            await self._hold(ended)
        await self._release(session)
        logger.info("session stopped session_id=%s generation=%s", session.session_id, session.generation)

    async def keep(self, session_id: str, command_id: str) -> None:
        """The session goes on beyond its end, and the command that asked for it is DONE. Raises as `stop`."""
        async with self._changing:
            kept = replace(self._known_live(session_id), keep=True)
            await self._store.settle(kept, SessionChanged(kept), command_id)
            await self._hold(kept)
        logger.info("session kept session_id=%s generation=%s", kept.session_id, kept.generation)

    async def renew(self, session: Session, ends_at: float) -> None:
        """The same session ends later now. Does nothing when it has changed meanwhile."""
        async with self._changing:
            if self.find(session.session_id) == session:
                await self._save(replace(session, ends_at=ends_at))

    async def close(self, session_id: str, detail: str) -> None:
        """The session is over. Closing it again does nothing. Raises Refusal when it was never here."""
        async with self._changing:
            session = self.known(session_id)
            if session.state is SessionState.ENDED:
                return
            ended = replace(session, state=SessionState.ENDED)
            await self._store.save(ended, SessionGone(session.session_id, session.generation, detail), told=False)
            await self._hold(ended)
        await self._release(session)
        logger.info("session closed session_id=%s generation=%s", session.session_id, session.generation)

    def known(self, session_id: str) -> Session:
        """The session, also when it is over. Raises Refusal when it was never here."""
        session = self.find(session_id)
        if session is None:
            text = f"There is no session {session_id[:128]!r} on this machine; `pointsman sessions` lists them."
            raise Refusal(Reason.SESSION_UNKNOWN, text)
        return session

    def _known_live(self, session_id: str) -> Session:
        session = self.known(session_id)
        if session.state is SessionState.ENDED:
            raise Refusal(Reason.SESSION_ENDED, "The session is over already.")
        return session

    def _successor(self, wanted: Session) -> Session:
        earlier = self.find(wanted.session_id)
        if earlier is None:
            return wanted
        if wanted.is_restart_of(earlier):
            return replace(wanted, session_id=earlier.session_id, generation=earlier.generation + 1)
        return replace(
            wanted,
            session_id=earlier.session_id,
            generation=earlier.generation,
            state=earlier.state,
            waiting_for=earlier.waiting_for,
            label=wanted.label or earlier.label,
            cwd=wanted.cwd or earlier.cwd,
            conversation=wanted.conversation or earlier.conversation,
            ends_at=earlier.ends_at,
            keep=earlier.keep,
            waits_since=earlier.waits_since,
            mode=earlier.mode,
            model=earlier.model,
            limited_until=earlier.limited_until,
        )

    async def _save(self, session: Session) -> None:
        session = self._with_controls(session)
        told = is_told_of(session, tells=self.traits(session).tells_states)
        await self._store.save(session, SessionChanged(session), told=told)
        await self._hold(session)

    def _with_controls(self, session: Session) -> Session:
        """With what can be changed about it from afar, now that this is what it is."""
        traits = self.traits(session)
        talk = session.conversation
        is_ours = traits.hosted or (talk is not None and traits.typed_into)
        modes: tuple[str, ...] = traits.modes(session) if is_ours and (traits.hosted or traits.screen) else ()
        if modes and talk is not None and not traits.hosted and may_bypass(talk.process.pid):
            modes = (*modes, BYPASS)
        controls = traits.controls if is_ours else ()
        if status_file.entry_of(talk):
            modes, controls = (), (ControlKind.INTERRUPT,)
        return replace(session, modes=modes, controls=controls)

    async def _hold(self, session: Session) -> None:
        """What is on disk now counts; its program has its token before it is told of anything."""
        self._sessions[bare_id(session.session_id)] = session
        if session.state is SessionState.ENDED:
            self.lately_ended.append(session)
        if self._tokens is not None:
            await self._tokens.follow(session)

    async def _release(self, session: Session) -> None:
        if backend := self.backends.get(session.backend):
            await backend.release(session)

    async def close_gone(self) -> None:
        """Close the sessions whose program has ended without a word."""
        for session in self.live():
            if session.process is not None and not is_running(session.process):
                await self.close(session.session_id, "its program ended")

    async def _is_alive(self, session: Session) -> bool:
        if session.process is not None and not is_running(session.process):
            return False
        if self.traits(session).attaches:
            return True  # its host finds us, not we it: it attaches again within seconds
        backend = self.backends.get(session.backend)
        return backend is not None and await backend.alive(session)

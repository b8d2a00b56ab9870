"""Coding agents that people open in their terminals, and that can be joined, become sessions by themselves.

the same program ──────────▶ its session, also when it has begun another conversation
in a registered pane ──────▶ that pane's session, which is given back to the pane's shell at the end
a conversation taken up ───▶ the session it had, as its next generation
anything else ─────────────▶ a new session
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath

from agent.backends.acp.process import Refused
from agent.backends.backend import Backends
from agent.backends.child import Ended
from agent.backends.joined.backend import JoinedBackend
from agent.backends.joined.programs import Programs
from agent.backends.joined.talk import Place
from agent.backends.programs import Listener
from agent.backends.terminals import locate
from agent.domain.errors import AgentError
from agent.domain.session import MAX_LABEL, UUID, Conversation, Process, Session, SessionState
from agent.processes import is_running, is_within
from agent.services.sessions import Sessions

logger = logging.getLogger(__name__)

LOOK_EVERY = 2.0  # seconds between looks
_HOST = "POINTSMAN_SESSION_ID"
_SHELL, _BEGAN, _AS = "shell", "shell_began", "shell_as"  # what was registered there before, since when, and how


class JoinedSessions:
    """One for the process."""

    def __init__(self, sessions: Sessions, backends: Backends, listener: Listener, home: Path) -> None:
        """Of the programs of this account those with this home, as the agent has: elsewhere another works."""
        self._home = home
        self._sessions = sessions
        self._listener = listener
        self._joined: Mapping[str, JoinedBackend] = {
            name: entry.backend for name, entry in backends.table.items() if isinstance(entry.backend, JoinedBackend)
        }
        self._programs = Programs(frozenset().union(*(one.kind.names for one in self._joined.values())))

    async def run(self, every: float = LOOK_EVERY) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every)

    async def look(self) -> None:
        """One look at all programs that can be joined."""
        running = await asyncio.to_thread(self._programs.look)
        here = [one for one in running if one.environ.get("HOME") == str(self._home)]
        for name, backend in self._joined.items():
            await self._left(name, backend)
            theirs = [one for one in here if one.name in backend.kind.names]
            for place in await backend.kind.places(theirs):
                try:
                    await self._at(name, backend, place)
                except (AgentError, Refused, Ended, TimeoutError, OSError) as error:  # the next look tells
                    logger.info("not joined backend=%s pid=%s: %s", name, place.program.process.pid, error)

    async def close(self) -> None:
        """Leave all; they go on."""
        for backend in self._joined.values():
            await backend.close()

    async def _left(self, name: str, backend: JoinedBackend) -> None:
        """See which programs have ended, and which cannot be reached any more."""
        for session in self._sessions.live():
            if session.backend != name or session.process is None:
                continue
            with suppress(AgentError):  # a full disk: the next look tells
                if not is_running(session.process):
                    await self._end(session)
                elif words := await backend.lost(session.session_id):
                    await self._listener.said(session.session_id, f"❌ {words}")
                    await self._listener.became(session.session_id, SessionState.IDLE)

    async def _end(self, session: Session) -> None:
        pid, began = session.target.get(_SHELL, ""), session.target.get(_BEGAN, "")
        shell = Process(int(pid), float(began)) if pid and began else None
        if shell is None or not is_running(shell):
            await self._sessions.close(session.session_id, "its program ended")
            return
        target = {key: value for key, value in session.target.items() if key not in (_SHELL, _BEGAN, _AS)}
        await self._sessions.close(session.session_id, "its program ended")
        back = Session(
            session.session_id, session.target[_AS], session.label, session.cwd, target=target, process=shell
        )
        await self._sessions.register(back)

    async def _at(self, name: str, backend: JoinedBackend, place: Place) -> None:
        program = place.program.process
        session = next((one for one in self._sessions.live() if program.is_same(one.process)), None)
        if session is not None and session.backend != name:
            return  # somebody registered this very program as something else
        if session is None:
            session = await self._new(name, place)
        if session is None or backend.talks_of(session.session_id) == place.conversation_id:
            return
        await backend.leave(session.session_id)
        await self._sessions.converse(session.session_id, self._talk(backend, place, session.session_id))
        await backend.join(session.session_id, place)

    async def _new(self, name: str, place: Place) -> Session | None:
        program = place.program
        host = self._sessions.find(program.environ.get(_HOST, ""))
        if host is not None and _holds(host, program.process):
            return None  # in `pointsman run`, which types into it
        location = await locate.locate(program.process, program.environ)
        there = self._sessions.at(location.backend, location.target) if location != locate.NOWHERE else None
        target = dict(location.target)
        if there is not None and there.process is not None and _holds(there, program.process):
            target |= {_SHELL: str(there.process.pid), _BEGAN: str(there.process.started), _AS: there.backend}
        earlier = there or self._sessions.with_conversation(place.conversation_id)
        if earlier is not None and earlier is not there and earlier.state is not SessionState.ENDED:
            return None  # open in two windows: people talk to the first
        folder = place.cwd or program.cwd
        wanted = Session(
            earlier.session_id if earlier else self._name(place.conversation_id),
            name,
            (earlier.label if earlier else "") or (place.title or PurePath(folder).name)[:MAX_LABEL],
            folder,
            target=target,
            process=program.process,
        )
        return await self._sessions.register(wanted)

    def _name(self, conversation_id: str) -> str:
        name = f"session_{conversation_id}"
        return name if UUID.fullmatch(conversation_id) and self._sessions.find(name) is None else ""

    @staticmethod
    def _talk(backend: JoinedBackend, place: Place, session_id: str) -> Conversation:
        record = backend.records.path(session_id)
        return Conversation(place.conversation_id, place.program.process, "", record)


def _holds(session: Session, program: Process) -> bool:
    live = session.state is not SessionState.ENDED
    return live and session.process is not None and is_within(program, session.process.pid)

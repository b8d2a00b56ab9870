"""Which session an event of a coding agent belongs to; a program that is new becomes one.

the same process ──────────▶ its session, also when /clear has begun another talk
in `pointsman run` ────────▶ that terminal's session
in a registered pane ──────▶ that pane's session
a talk taken up again ─────▶ the session it had, as its next generation
anything else ─────────────▶ a new session
"""

import asyncio
from collections.abc import Mapping
from pathlib import PurePath

from agent.backends.terminals import locate
from agent.backends.terminals.locate import Location
from agent.domain.hook import HookEvent
from agent.domain.session import MAX_LABEL, UUID, Conversation, Process, Session, SessionState
from agent.processes import identify, is_running, is_within, lineage
from agent.services.sessions import Sessions

_SESSION = "POINTSMAN_SESSION_ID"
_GOES_ON = ("clear", "resume")  # reasons for the end of a talk after which the same program begins another


class SessionLookup:
    """The sessions as coding agents see them. Every method may raise StoreUnavailable, and then changed nothing."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._joining = asyncio.Lock()  # two hooks of a new program at once are one session

    async def attend(self, event: HookEvent) -> Session | None:
        """The session of an event, made known if it was not. None for a program that is none of ours."""
        program = identify(event.pid)
        if program is None or not event.conversation_id:
            return self._sessions.with_conversation(event.conversation_id)
        talk = Conversation(event.conversation_id, program, event.folder, event.text("transcript_path"))
        async with self._joining:
            known = self._sessions.with_program(program)
            traits = self._sessions.traits(known) if known else None
            if traits is not None and traits.tells_states:
                return None
            if known is not None and traits is not None and traits.typed_into:
                return await self._sessions.converse(known.session_id, talk)
            return await self._join(event, talk, known)

    async def around(self, pid: int, environ: Mapping[str, str]) -> Session | None:
        """The live session that a process runs in: the innermost whose program is around it, else the one that its
        environment names, as in what was started apart from its terminal. None where there is neither.
        """
        inside = await asyncio.to_thread(lambda: [one for one, _ in lineage(Process(pid, 0.0))]) if pid else []
        programs = {one.pid: session for session in self._sessions.live() for one in _programs(session)}
        if found := next((programs[one] for one in inside if one in programs), None):
            return found
        named = self._sessions.find(environ.get(_SESSION, ""))
        return named if named is not None and named.state is not SessionState.ENDED else None

    async def leave(self, session: Session, event: HookEvent) -> None:
        """The talk is over; so is the session, unless its terminal holds more than the program."""
        if event.text("reason") in _GOES_ON:
            return
        talk = session.conversation
        if session.process is None or talk is None or not session.process.is_same(talk.process):
            await self._sessions.converse(session.session_id, None)
            return
        await self._sessions.close(session.session_id, f"{event.text('reason') or 'its program'} ended it")

    async def _join(self, event: HookEvent, talk: Conversation, known: Session | None) -> Session | None:
        host = self._sessions.find(event.environ.get(_SESSION, ""))
        if host is not None and self._holds(host, talk.process) and not _is_a_talk(host):
            return await self._sessions.converse(host.session_id, talk)
        if not event.interactive or event.name == "SessionEnd":
            return known
        location = await locate.locate(talk.process, event.environ)
        if self._sessions.backends.get(location.backend) is None:
            location = locate.NOWHERE
        if known is not None and location == locate.NOWHERE:
            return await self._sessions.converse(known.session_id, talk)
        return await self._settle(event, talk, location, known)

    async def _settle(self, event: HookEvent, talk: Conversation, location: Location, known: Session | None) -> Session:
        there = self._sessions.at(location.backend, location.target) if location != locate.NOWHERE else None
        if there is not None and self._holds(there, talk.process):
            return await self._sessions.converse(there.session_id, talk)
        if there is not None:
            await self._sessions.close(there.session_id, "its program ended")
        return await self._sessions.register(
            Session(
                known.session_id if known else self._name(event, talk),
                location.backend,
                _label(event),
                event.text("cwd"),
                target=location.target,
                process=talk.process,
                conversation=talk,
            )
        )

    def _name(self, event: HookEvent, talk: Conversation) -> str:
        """The id for a program that is not known: that of its talk's earlier session, or one made from the talk's."""
        earlier = self._sessions.with_conversation(talk.conversation_id)
        if earlier is not None and not (earlier.conversation and is_running(earlier.conversation.process)):
            return earlier.session_id  # taken up again: what people replied to leads here
        host = event.environ.get(_SESSION, "")
        if host and self._sessions.find(host) is None:
            return host  # its terminal has not found this agent yet, and will come with this id
        name = f"session_{talk.conversation_id}"
        fit = UUID.fullmatch(talk.conversation_id) is not None and self._sessions.find(name) is None
        return name if fit else ""

    @staticmethod
    def _holds(session: Session, program: Process) -> bool:
        live = session.state is not SessionState.ENDED
        return live and session.process is not None and is_within(program, session.process.pid)


def _programs(session: Session) -> list[Process]:
    """The processes of a session that run, the one that it is registered with and its coding agent."""
    known = (session.process, session.conversation.process if session.conversation else None)
    return [one for one in known if one is not None and is_running(one)]


def _is_a_talk(session: Session) -> bool:
    """Whether its program is a coding agent itself: what that runs inherits its name, and is not it."""
    talk = session.conversation
    return talk is not None and session.process is not None and session.process.is_same(talk.process)


def _label(event: HookEvent) -> str:
    return (event.text("session_title") or PurePath(event.text("cwd")).name)[:MAX_LABEL]

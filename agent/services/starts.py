"""Sessions that are started and ended from afar: a coding agent without a terminal, in a folder that is allowed here.

A start is STARTED in the same transaction in which its session begins to exist. So one that was not, began nothing, and
one that was is never begun again.
"""

import asyncio
import logging
import re
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from agent.clock import Clock
from agent.domain.command import CloseWorkspace, Command, Reason, StartSession, TakeWorkspace
from agent.domain.errors import Refusal
from agent.domain.frames import Button, Notify
from agent.domain.session import UUID, Session, SessionState
from agent.domain.workspace import Workspace
from agent.services.folders import Folders
from agent.services.sessions import Sessions
from agent.services.workspace_moves import MovingWorkspaces
from agent.store.outbox import Outbox

logger = logging.getLogger(__name__)

LIFETIME = 24 * 3600.0
"""Seconds until a session that was started from afar is ended: nobody may remember that it runs."""

WARNING = 3600.0
"""Seconds before that in which a person can still say that it is to go on."""

_IN_TERMINAL = "This session runs in a terminal of its own; end its program there, or stop what it does with Esc."
_OVER = "This session was started 24 h ago, the limit, and has been ended."
_ENDLESS = "This session has no time limit: it goes on until somebody ends it."
_ENDING = (
    "⏳ This session ends in an hour: its 24 hours are nearly over. To let it go on, press the button or reply /keep."
)
_KEEP = Button("Keep it", "/keep")
_NO_WORKSPACES = "This machine makes no workspaces: POINTSMAN_REPOSITORIES names no repository that it clones."
_GO_ON_THERE = " Its workspace stays. To go on: pointsman start --workspace '{workspace}' TEXT"
_GO_ON = " To go on: pointsman start {agent}--resume {conversation} --folder {folder} TEXT"
CLAUDE = "claude"  # what is started where nothing is said
_PLATFORM = re.compile(r"[a-z0-9-]{1,32}")  # it becomes the name of a file
_CONVERSATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # it stands in command lines


class Programs(Protocol):
    """What runs in the sessions."""

    async def refresh(self, session: Session) -> bool:
        """End the program, which the next text starts anew; False when it has something to do."""


class Starts:
    """Begins and ends sessions for commands. Every method may raise StoreUnavailable, and then changed nothing."""

    def __init__(
        self,
        sessions: Sessions,
        outbox: Outbox,
        folders: Folders,
        clock: Clock,
        programs: Mapping[str, Programs] = MappingProxyType({}),
        workspaces: MovingWorkspaces | None = None,
    ) -> None:
        """`programs` by the names of their backends."""
        self._workspaces = workspaces
        self._sessions = sessions
        self._outbox = outbox
        self._folders = folders
        self._clock = clock
        self._programs = programs
        self._backend = sessions.backends.which(lambda traits: traits.hosted)
        self._warned: set[str] = set()

    @property
    def folders(self) -> tuple[str, ...]:
        """Those in and below which a start may come, as people name them; none where this agent starts nothing."""
        return self._folders.names if self._backend else ()

    async def prepare(self, command: Command, wanted: StartSession) -> Session:
        """The session that a start is to begin. Raises Refusal."""
        agent = wanted.agent or CLAUDE
        backend = self._sessions.backends.of_agent(agent)
        if not backend:
            able = ", ".join(self._sessions.backends.agents) or "none"
            raise Refusal(Reason.UNSUPPORTED, f"This agent cannot start {agent[:40]!r} sessions; it can start: {able}.")
        # It becomes an argument of a program.
        if wanted.conversation_id and not _named(agent).fullmatch(wanted.conversation_id):
            raise Refusal(Reason.INVALID_ARGUMENT, "The conversation is not named as this program names them.")
        traits = self._sessions.backends.traits(backend)
        if not traits.in_folder:  # it costs nothing while nobody writes: no time limit
            target = _target(traits.target_key, agent, "") | _platform(wanted)
            return Session(command.session_id, backend, "quick", target=target)
        if wanted.workspace is not None:
            return await self._let_in(command, wanted, wanted.workspace, backend)
        folder = await asyncio.to_thread(self._folders.resolve, wanted.folder)
        return Session(
            command.session_id,
            backend,
            folder.name,
            str(folder),
            target=_target(traits.target_key, agent, wanted.conversation_id) | _platform(wanted),
            ends_at=self._clock.now() + LIFETIME,
            keep=wanted.keep,
        )

    async def begin(self, session: Session, command: Command) -> bool:
        """The session is there, and its start is STARTED; False when that ended meanwhile. Raises Refusal."""
        try:
            return await self._sessions.begin(session, command.command_id)
        finally:
            if self._workspaces is not None:
                self._workspaces.begun(session.session_id)

    async def close(self, wanted: CloseWorkspace) -> str:
        """Remove or archive a workspace; what was done, for people. Raises Refusal."""
        return await self._able().close(wanted)

    async def pack(self, command: Command, key: str) -> str:
        """Give the router an archive for another machine. Raises Refusal, and RouterUnreachable: do it again."""
        return await self._able().pack(command.command_id, key)

    async def take(self, command: Command, wanted: TakeWorkspace) -> str:
        """Put back what another machine has packed. Raises as `pack`."""
        return await self._able().take(command.command_id, command.session_id, wanted)

    def _able(self) -> MovingWorkspaces:
        if self._workspaces is None:
            raise Refusal(Reason.UNSUPPORTED, _NO_WORKSPACES)
        return self._workspaces

    async def _let_in(self, command: Command, wanted: StartSession, workspace: Workspace, backend: str) -> Session:
        if self._workspaces is None or not self._workspaces.is_able:
            raise Refusal(Reason.UNSUPPORTED, _NO_WORKSPACES)
        if wanted.agent not in ("", CLAUDE):
            raise Refusal(Reason.UNSUPPORTED, "Only Claude Code works in workspaces.")
        place = await self._workspaces.enter(workspace, command.session_id)
        talk = wanted.conversation_id or place.conversation_id
        target = {"workspace": workspace.key, "state": str(place.state)} | ({"resume": talk} if talk else {})
        target |= {"container": "yes"} if place.is_foreign else {}
        target |= {"repository": workspace.name} | _platform(wanted)
        return Session(
            command.session_id, backend, workspace.label, str(place.tree), target=target,
            ends_at=self._clock.now() + LIFETIME, keep=wanted.keep,
        )  # fmt: skip

    async def abandon(self, session: Session, why: str) -> None:
        """A session that was begun, but has not got its prompt."""
        await self._sessions.close(session.session_id, f"not started: {why}")

    async def stop(self, command: Command) -> None:
        """End a session and the command that asks for it. Raises Refusal, and IllegalMove when that ended meanwhile."""
        session = self._meant(command)
        if not self._sessions.traits(session).hosted:
            raise Refusal(Reason.UNSUPPORTED, _IN_TERMINAL)
        await self._sessions.stop(session.session_id, command.command_id)

    async def keep(self, command: Command) -> None:
        """Let a session go on beyond its end. Raises as `stop`."""
        session = self._meant(command)
        if session.ends_at is None and session.state is not SessionState.ENDED:
            raise Refusal(Reason.UNSUPPORTED, _ENDLESS)
        await self._sessions.keep(session.session_id, command.command_id)

    def _meant(self, command: Command) -> Session:
        session = self._sessions.known(command.session_id)
        if command.generation not in (0, session.generation):
            raise Refusal(Reason.SESSION_RESTARTED, "The session was restarted after this was asked for.")
        return session

    async def look(self) -> None:
        """End or renew the sessions whose time is over; tell an hour before who is to end.

        One that waits for a person's answer has all the time that it waits.
        """
        now = self._clock.now()
        for session in self._sessions.live():
            if session.ends_at is None or session.state is SessionState.WAITING:
                continue
            left = session.ends_at - now
            if session.keep:
                await self._renew(session, left)
            elif left <= 0:
                await self._tell(session, "overdue", _overdue(session))
                await self._sessions.close(session.session_id, "its 24 hours are over")
            elif left <= WARNING and session.session_id not in self._warned:
                self._warned.add(session.session_id)  # told again after a restart, it is the same message
                await self._tell(session, "ending", _ENDING, (_KEEP,))

    async def _renew(self, session: Session, left: float) -> None:
        at_rest = session.state is not SessionState.BUSY
        programs = self._programs.get(session.backend)
        if left <= 0 and at_rest and (programs is None or await programs.refresh(session)):
            await self._sessions.renew(session, self._clock.now() + LIFETIME)
            logger.info("session renewed session_id=%s generation=%s", session.session_id, session.generation)

    async def _tell(self, session: Session, what: str, text: str, buttons: tuple[Button, ...] = ()) -> None:
        """Told again, the router takes it for the same message."""
        name = f"{what}/{session.session_id}/{session.generation}"
        notification_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        await self._outbox.append(Notify(notification_id, session.session_id, text, buttons))


def _named(agent: str) -> re.Pattern[str]:
    """How a coding agent names its conversations."""
    return UUID if agent == CLAUDE else _CONVERSATION


def _target(key: str, agent: str, conversation_id: str) -> dict[str, str]:
    which = {key: agent} if key else {}
    return which | ({"resume": conversation_id} if conversation_id else {})


def _platform(wanted: StartSession) -> dict[str, str]:
    return {"platform": wanted.platform} if _PLATFORM.fullmatch(wanted.platform) else {}


def _overdue(session: Session) -> str:
    if workspace := session.target.get("workspace"):
        return _OVER + _GO_ON_THERE.format(workspace=workspace)
    talk, agent = session.conversation, session.target.get("agent", "")
    if talk is None or not _named(agent or CLAUDE).fullmatch(talk.conversation_id):
        return _OVER  # a program may name it as it likes: people are to type it
    which = f"--agent {agent} " if agent else ""
    return _OVER + _GO_ON.format(agent=which, conversation=talk.conversation_id, folder=session.cwd)

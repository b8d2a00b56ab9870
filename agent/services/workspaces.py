"""Workspaces of this machine: made, gone on with, looked at, archived, removed.

Each is worked on under its lock. Whatever a process that was killed had begun is found on the disk, and its command
comes again: what was half made is made anew, what was put aside goes, and what an archive holds is in it whole.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agent.backends.workspaces import archive, tree
from agent.backends.workspaces.folders import STATE, TREE, Places
from agent.backends.workspaces.git import Git
from agent.backends.workspaces.mirror import Mirrors
from agent.clock import Clock
from agent.domain.command import CloseWorkspace, Reason
from agent.domain.errors import Refusal, StoreUnavailable
from agent.domain.session import Session, SessionState
from agent.domain.workspace import (
    MONTH,
    KnownWorkspace,
    Look,
    Workspace,
    WorkspaceRules,
    WorkspaceState,
    is_allowed,
)
from agent.processes import is_running
from agent.services.sessions import Sessions
from agent.store.workspaces import WorkspaceStore

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds; a look is at memory alone while nobody leaves
ENDING, LOOKS_AT_END = 10.0, 50  # seconds that the program of an ended session gets to end; looks at it meanwhile
MOST_SPARE = 20  # looked at where there is no room
RETRY = 1.0  # seconds between tries to write when the disk is full
SETTINGS = '{"cleanupPeriodDays": 400}\n'  # Claude Code forgets talks after 30 days: fewer than some wait
_FOREIGN = (
    "This machine runs no strangers' branches (POINTSMAN_FOREIGN is never): what such a branch brings would run"
    " with your rights."
)
_UNKNOWN = "{home} is there and was not made by this agent: look at it, and move it away."
_NO_ARCHIVE = (
    "Its archive is not here: it belongs to {path}. Copy it there from the machine and path that"
    " `pointsman workspaces --json` names, and start again."
)
_FULL = "Workspaces take {used:.1f} GB here; {most:.0f} GB are allowed (POINTSMAN_WORKSPACE_MAX_GB). Archive some."
_NOT_SPARE = "Not removed: {why}. With archive it is kept as one."
_YOUNG = "Its archive is kept for 30 days; it is {days:.0f} days old."


@dataclass(frozen=True, slots=True)
class Entered:
    """Where the session that was let in works, and what it takes up."""

    tree: Path
    state: Path
    conversation_id: str
    is_foreign: bool


class Workspaces:
    """Those of one machine."""

    def __init__(
        self, store: WorkspaceStore, sessions: Sessions, git: Git, places: Places, rules: WorkspaceRules, clock: Clock
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._git = git
        self._places = places
        self._mirrors = Mirrors(places.mirrors, git)
        self._rules = rules
        self._clock = clock
        self._entering: set[str] = set()  # sessions that were let in, and have not begun to exist
        self._inside: dict[str, str] = {}  # the sessions that are in workspaces, by the keys of these

    @property
    def is_able(self) -> bool:
        """Whether this machine makes any."""
        return self._rules.is_able

    async def enter(self, wanted: Workspace, session_id: str) -> Entered:
        """Let a session in, into a new workspace where there is none. Raises Refusal."""
        self._check(wanted)
        async with self._alone(wanted) as git:
            known = await self._store.find(wanted.key)
            if known is not None and await self._stays_in_use(known):
                raise Refusal(Reason.ILLEGAL_STATE, f"Session {known.session_id} is in it: write to that one.")
            await asyncio.to_thread(self._places.clear, wanted.folder)
            here = await self._found(git, known, wanted) or await self._made(git, known, wanted)
            self._entering.add(session_id)
            self._inside[here.key] = session_id
            await self._save(replace(here, state=WorkspaceState.IN_USE, session_id=session_id, detail=""))
        home = self._places.home(here.workspace.folder)
        return Entered(home / TREE, home / STATE, self._talk_of(here, home / STATE), here.workspace.foreign)

    def begun(self, session_id: str) -> None:
        """The session exists, or never will."""
        self._entering.discard(session_id)

    async def run(self) -> None:
        """See to those whose session has ended, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(StoreUnavailable, Refusal):
                await self.look()

    async def look(self) -> None:
        """See which sessions have left theirs."""
        for key in [key for key, session_id in self._inside.items() if not self._is_there(session_id)]:
            async with self._alone(Workspace(key, "")) as git:
                known = await self._store.find(key)
                if known is not None and known.state is WorkspaceState.IN_USE and not self._is_in_use(known):
                    await self._left(git, known)
                    del self._inside[key]

    async def recover(self) -> None:
        """At start-up: what lost its folder is told of, and so is what lies there and is nobody's."""
        if not self.is_able:
            return
        known = await self._store.load()
        self._inside = {each.key: each.session_id for each in known if each.state is WorkspaceState.IN_USE}
        for each in known:
            is_here = each.state in (WorkspaceState.READY, WorkspaceState.IN_USE)
            if is_here and not self._places.is_open(each.workspace.folder):
                await self._lost(each)
        names = frozenset(each.workspace.folder for each in known)
        for name in self._places.strangers(names):
            why = _UNKNOWN.format(home=self._places.home(name))
            logger.warning("unknown folder among workspaces: %s", why)
            await self._store.tell(KnownWorkspace(Workspace(name, ""), WorkspaceState.FAILED, detail=why))

    async def close(self, wanted: CloseWorkspace) -> str:
        """Remove or archive one; what was done, for people. Raises Refusal where it stays as it is."""
        bare = Workspace(wanted.key, "")
        async with self._alone(bare) as git:
            known = await self._store.find(wanted.key)
            if known is None:
                return await self._nothing(bare)
            if self._is_in_use(known):
                raise Refusal(Reason.ILLEGAL_STATE, f"Session {known.session_id} is in it.")
            await asyncio.to_thread(self._places.clear, bare.folder)
            if not self._places.is_open(bare.folder):
                return await self._without_tree(known, wanted)
            await self._save(known := replace(known, state=WorkspaceState.CLOSING))
            known = await self._looked_at(git, known)
            if not wanted.archive and not known.look.is_spare:
                await self._save(replace(known, state=WorkspaceState.READY))
                raise Refusal(Reason.WORKSPACE_FAILED, _NOT_SPARE.format(why=_why_not(known.look)))
            return await self._archived(git, known) if wanted.archive else await self._removed(known)

    def _check(self, wanted: Workspace) -> None:
        if not (wanted.is_sound and is_allowed(wanted.repository, self._rules.repositories)):
            text = f"This machine does not clone {wanted.repository[:200]}. POINTSMAN_REPOSITORIES says what it clones."
            raise Refusal(Reason.WORKSPACE_FAILED, text)
        if wanted.foreign and not self._rules.takes_foreign:
            raise Refusal(Reason.WORKSPACE_FAILED, _FOREIGN)

    async def _found(self, git: Git, known: KnownWorkspace | None, wanted: Workspace) -> KnownWorkspace | None:
        """The one that is there; None where it has to be made."""
        name = wanted.folder
        if not self._places.is_open(name):
            return None
        if known is None or known.state in (WorkspaceState.GONE, WorkspaceState.ARCHIVED):
            raise Refusal(Reason.WORKSPACE_FAILED, _UNKNOWN.format(home=self._places.home(name)))
        if known.workspace.foreign and not self._rules.takes_foreign:
            raise Refusal(Reason.WORKSPACE_FAILED, _FOREIGN)
        if wanted.repository != known.workspace.repository:
            raise Refusal(Reason.ILLEGAL_STATE, f"This workspace is of {known.workspace.repository}.")
        if wanted.foreign and not known.workspace.foreign:  # what is there was made to be run
            raise Refusal(Reason.ILLEGAL_STATE, "There is a workspace of this name that is no stranger's.")
        if known.state is WorkspaceState.PREPARING and self._places.has_archive(name):  # whoever moved it in died then
            await asyncio.to_thread(self._places.drop_archive, name)
        return await self._looked_at(git, known)

    async def _made(
        self, git: Git, known: KnownWorkspace | None, wanted: Workspace, came: Path | None = None, session_id: str = ""
    ) -> KnownWorkspace:
        name, packed = wanted.folder, came or self._places.archive(wanted.folder)
        has_archive = came is not None or self._places.has_archive(name)
        if wanted.restore and not has_archive:
            packed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            raise Refusal(Reason.WORKSPACE_FAILED, _NO_ARCHIVE.format(path=packed))
        await self._make_room(wanted)
        new = KnownWorkspace(wanted.bare, WorkspaceState.PREPARING, session_id=session_id)
        await self._save(new)
        try:
            meta = await self._filled(git, wanted, packed if has_archive else None)
            new = replace(new, conversation_id=str(meta.get("conversation_id", "")))
            if has_archive:  # behind the move nobody asks the archive again which talk was in it
                await self._save(new)
            await asyncio.to_thread(self._places.move_in, name)
        except Refusal as refusal:
            await asyncio.to_thread(self._places.clear, name)
            kept = known if known is not None and known.state is WorkspaceState.ARCHIVED else None
            await self._save(replace(kept or replace(new, state=WorkspaceState.FAILED), detail=refusal.text))
            raise
        if has_archive:
            await asyncio.to_thread(self._places.drop_archive, name, came)
        return await self._looked_at(git, replace(new, state=WorkspaceState.READY))

    async def _filled(self, git: Git, wanted: Workspace, packed: Path | None) -> dict[str, object]:
        making = await asyncio.to_thread(self._places.begin, wanted.folder)
        mirror, own_branch = await self._mirrors.fetched(wanted.repository, wanted.ref, wanted.base_ref)
        await tree.clone(git, mirror, own_branch, wanted, making / TREE)
        meta = await archive.put_back(git, packed, making, self._places.scratch(wanted.folder)) if packed else {}
        if wanted.foreign:
            await tree.settings_of_base(git, making / TREE)
        (making / STATE / "settings.json").write_text(SETTINGS)
        return meta

    async def _make_room(self, wanted: Workspace) -> None:
        """Remove those that are over and clean, the oldest first, where there is none. Raises Refusal."""
        used = await asyncio.to_thread(tree.size, self._places.root)
        for key in wanted.spare[:MOST_SPARE]:
            # Its own lock is held.
            if used < self._rules.most_bytes or key == wanted.key:
                continue
            with suppress(Refusal):  # it is not clean after all, or somebody is in it
                logger.info("workspace key=%s goes for room: %s", key, await self.close(CloseWorkspace(key)))
            used = await asyncio.to_thread(tree.size, self._places.root)
        if used >= self._rules.most_bytes:
            text = _FULL.format(used=used / 1e9, most=self._rules.most_bytes / 1e9)
            raise Refusal(Reason.WORKSPACE_FULL, text)

    async def _left(self, git: Git, known: KnownWorkspace) -> None:
        session = self._sessions.find(known.session_id)
        talk = session.conversation.conversation_id if session and session.conversation else known.conversation_id
        await self._save(await self._looked_at(git, replace(known, state=WorkspaceState.READY, conversation_id=talk)))

    async def _looked_at(self, git: Git, known: KnownWorkspace) -> KnownWorkspace:
        home, is_foreign = self._places.home(known.workspace.folder), known.workspace.foreign
        found = await tree.look(git, home / TREE, self._places.scratch(known.workspace.folder), links=not is_foreign)
        size = await asyncio.to_thread(tree.size, home)
        return replace(known, look=found, bytes=size, path=str(home / TREE))

    async def _removed(self, known: KnownWorkspace) -> str:
        name = known.workspace.folder
        # What it held was put back, and is elsewhere by now. Before its tree goes, or it would pass for what is left.
        self._places.archive(name).unlink(missing_ok=True)
        await asyncio.to_thread(self._places.put_aside, name)
        await self._save(_over(known, WorkspaceState.GONE))
        await asyncio.to_thread(self._places.clear, name)
        return "removed; all that was in it is elsewhere, too"

    async def _archived(self, git: Git, known: KnownWorkspace) -> str:
        name = known.workspace.folder
        packed = self._places.archive(name)
        await archive.write(git, known, self._places.home(name), self._places.scratch(name), packed)
        await asyncio.to_thread(self._places.put_aside, name)
        await self._save(self._in_archive(known))
        await asyncio.to_thread(self._places.clear, name)
        return f"archived in {packed}"

    def _in_archive(self, known: KnownWorkspace) -> KnownWorkspace:
        packed = self._places.archive(known.workspace.folder)
        over = _over(known, WorkspaceState.ARCHIVED)
        at = known.archived_at or self._clock.now()
        return replace(over, archived_at=at, path=str(packed), bytes=packed.stat().st_size, look=known.look)

    async def _without_tree(self, known: KnownWorkspace, wanted: CloseWorkspace) -> str:
        """Its tree is gone: it was archived, or it was put aside by a process that was killed then, or it never was."""
        packed = self._places.archive(known.workspace.folder)
        if not packed.is_file():
            await self._save(_over(known, WorkspaceState.GONE))
            return "nothing of it is left here"
        if known.state is not WorkspaceState.ARCHIVED:
            await self._save(known := self._in_archive(known))
        if wanted.archive:
            return f"archived in {packed}"
        age = self._clock.now() - known.archived_at
        if age < MONTH:
            raise Refusal(Reason.WORKSPACE_FAILED, _YOUNG.format(days=age / 86400))
        packed.unlink()
        await self._save(_over(known, WorkspaceState.GONE))
        return "its archive was removed"

    async def _nothing(self, bare: Workspace) -> str:
        """None of this name was ever made here."""
        for name in {bare.folder, bare.key}.intersection(self._places.strangers(frozenset())):
            raise Refusal(Reason.WORKSPACE_FAILED, _UNKNOWN.format(home=self._places.home(name)))
        await self._store.tell(KnownWorkspace(bare, WorkspaceState.GONE))
        return "there is none of this name here"

    async def _lost(self, known: KnownWorkspace) -> None:
        has_archive = self._places.archive(known.workspace.folder).is_file()
        over = self._in_archive(known) if has_archive else _over(known, WorkspaceState.GONE)
        await self._save(replace(over, detail="its folder is gone, and this agent did not remove it"))

    async def _stays_in_use(self, known: KnownWorkspace) -> bool:
        """The same, for a session that has just ended once its program has, too."""
        session = self._sessions.find(known.session_id)
        if session is not None and session.state is SessionState.ENDED:
            for _ in range(LOOKS_AT_END):
                if not _runs(session):
                    break
                await asyncio.sleep(ENDING / LOOKS_AT_END)
        return self._is_in_use(known)

    def _is_in_use(self, known: KnownWorkspace) -> bool:
        return self._is_there(known.session_id)

    def _is_there(self, session_id: str) -> bool:
        """Whether a session, or what runs in it, may still touch its workspace."""
        if session_id in self._entering:
            return True
        session = self._sessions.find(session_id) if session_id else None
        return session is not None and (session.state is not SessionState.ENDED or _runs(session))

    def _talk_of(self, known: KnownWorkspace, state: Path) -> str:
        """The talk to go on with, where the program still has it."""
        session = self._sessions.find(known.session_id) if known.session_id else None
        talk = session.conversation.conversation_id if session and session.conversation else known.conversation_id
        there = talk and any((state / "projects").glob(f"*/{talk}.jsonl"))
        return talk if there else ""

    @asynccontextmanager
    async def _alone(self, workspace: Workspace) -> AsyncIterator[Git]:
        async with self._git.alone(self._places.lock(workspace.folder)) as git:
            yield git

    async def _save(self, known: KnownWorkspace) -> None:
        while True:
            try:
                await self._store.save(known)
            except StoreUnavailable:
                await asyncio.sleep(RETRY)
            else:
                logger.info("workspace key=%s state=%s", known.key, known.state.value)
                return


def _over(known: KnownWorkspace, state: WorkspaceState) -> KnownWorkspace:
    return replace(known, state=state, look=Look(is_dirty=False), bytes=0, path="", detail="", archived_at=0.0)


def _runs(session: Session) -> bool:
    return session.conversation is not None and is_running(session.conversation.process)


def _why_not(look: Look) -> str:
    if not look.is_certain:
        return "its tree cannot be understood"
    words = [f"{look.unpushed} commits are in no remote branch"] if look.unpushed else []
    return " and ".join([*words, *(["its tree has changes, new files or a stash"] if look.is_dirty else [])])

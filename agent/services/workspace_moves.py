"""Workspaces that go to another machine, and come from one: in parts, by the router.

It stays where it was, whole, until the other machine has put it back: what leaves is a copy. Both ways go on from what
is on the disk, so a command that comes again after a crash ends as if there had been none.
"""

import asyncio
import hashlib
import itertools
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agent.backends.workspaces import archive
from agent.backends.workspaces.folders import Places
from agent.backends.workspaces.git import Git
from agent.clock import Clock
from agent.domain.command import Reason, TakeWorkspace
from agent.domain.errors import Refusal, StoreUnavailable
from agent.domain.workspace import KnownWorkspace, Workspace, WorkspaceRules, WorkspaceState
from agent.services.sessions import Sessions
from agent.services.uploads import MAX_FILE, PART
from agent.services.workspaces import RETRY, Workspaces
from agent.store.workspaces import WorkspaceStore

logger = logging.getLogger(__name__)

_NOTHING = "Nothing of it is here: there is nothing to bring elsewhere."
_IN_USE = "Session {session_id} is in it: end that one first."
_LARGE = (
    "Its archive has {size:.0f} MB; {most:.0f} MB go through the router. Bring it there by hand: pointsman workspaces"
    " archive {key}, and as docs/workspaces.md says."
)
_OTHER = "What came has another digest than what was packed: it was not put back. Move it again."
_SHORT = "Of {size} bytes {came} came: it was not put back. Move it again."
_HERE = "{home} is there already, and is not what comes now: look at it, and move it away."
_NOT_ABLE = "This machine makes no workspaces: POINTSMAN_REPOSITORIES names no repository that it clones."


@dataclass(frozen=True, slots=True)
class Carrier:
    """The router's parts. Each raises Refusal for good, RouterUnreachable for now."""

    fetch: Callable[[str, int], Awaitable[bytes]]  # of a command's archive; empty behind the last
    put: Callable[[str, int, bytes], Awaitable[int]]  # the number of the first part that the router lacks


@dataclass(frozen=True, slots=True)
class _Packed:
    """An archive that is to be carried."""

    known: KnownWorkspace
    path: Path
    digest: str
    size: int


class MovingWorkspaces(Workspaces):
    """Those of one machine, which go to others and come from there."""

    def __init__(
        self, store: WorkspaceStore, sessions: Sessions, git: Git, places: Places, rules: WorkspaceRules, clock: Clock,
        carrier: Carrier,
    ) -> None:  # fmt: skip
        super().__init__(store, sessions, git, places, rules, clock)
        self._carrier = carrier

    async def pack(self, command_id: str, key: str) -> str:
        """Give the router an archive. Raises Refusal; RouterUnreachable: again, and what it has is not sent twice."""
        packed = await self._packed(command_id, key)
        number = await self._carrier.put(packed.digest, 0, b"")  # it may have a part since the last try
        while part := await asyncio.to_thread(_part, packed.path, number):
            number = await self._carrier.put(packed.digest, number, part)
        await self._tell(packed.known, packed.digest, packed.size)
        return f"packed: {packed.size} bytes"

    async def take(self, command_id: str, session_id: str, wanted: TakeWorkspace) -> str:
        """Put back what another machine has packed. Raises as `pack`; then nothing of it is here."""
        if not self.is_able:
            raise Refusal(Reason.UNSUPPORTED, _NOT_ABLE)
        self._check(wanted.workspace)
        came = self._places.coming(wanted.workspace.folder, command_id)
        try:
            if not await self._is_made(wanted.workspace, session_id):
                await self._fetched(command_id, wanted, came)
            known = await self._put_back(wanted.workspace, session_id, came)
        except Refusal:
            came.unlink(missing_ok=True)
            raise
        await self._tell(known, wanted.digest, wanted.size)
        return f"it is in {known.path}"

    async def _packed(self, command_id: str, key: str) -> _Packed:
        bare = Workspace(key, "")
        async with self._alone(bare) as git:
            known = await self._store.find(key)
            if known is not None and await self._stays_in_use(known):
                raise Refusal(Reason.ILLEGAL_STATE, _IN_USE.format(session_id=known.session_id))
            path = self._places.archive(bare.folder)
            if known is not None and self._places.is_open(bare.folder):
                known, path = await self._copied(git, known, self._places.leaving(bare.folder, command_id))
            if known is None or not path.is_file():
                raise Refusal(Reason.WORKSPACE_FAILED, _NOTHING)
            if (size := path.stat().st_size) > MAX_FILE:
                await asyncio.to_thread(self._places.clear, bare.folder)  # the copy goes; what was archived stays
                raise Refusal(Reason.TOO_LARGE, _LARGE.format(size=size / 1e6, most=MAX_FILE / 1e6, key=key))
            return _Packed(known, path, await asyncio.to_thread(_digest, path), size)

    async def _copied(self, git: Git, known: KnownWorkspace, to: Path) -> tuple[KnownWorkspace, Path]:
        """An archive of one that stays as it is; the one of a try before, of which the router may have parts."""
        if known.state is WorkspaceState.IN_USE:  # its session has just ended, and nobody has looked since
            await self._left(git, known)
            self._inside.pop(known.key, None)
            known = await self._store.find(known.key) or known
        if not await asyncio.to_thread(to.is_file):
            name = known.workspace.folder
            known = await self._looked_at(git, known)
            await archive.write(git, known, self._places.home(name), self._places.scratch(name), to)
        return known, to

    async def _fetched(self, command_id: str, wanted: TakeWorkspace, to: Path) -> None:
        """Have the whole archive in its place. Raises Refusal, RouterUnreachable."""
        if await asyncio.to_thread(to.is_file):
            return
        draft = to.with_name(f"{to.name}.part")
        try:
            await self._written(command_id, wanted, draft)
            draft.replace(to)
            archive.sync(to.parent)
        except OSError as error:
            text = f"The archive cannot be kept here: {error.strerror}."
            raise Refusal(Reason.STORAGE_UNAVAILABLE, text) from None
        finally:
            draft.unlink(missing_ok=True)

    async def _written(self, command_id: str, wanted: TakeWorkspace, draft: Path) -> None:
        found, came = hashlib.sha256(), 0
        with draft.open("wb") as file:
            for number in itertools.count():
                # One byte more than said is enough to know that it is another one.
                if came > wanted.size or not (part := await self._carrier.fetch(command_id, number)):
                    break
                came += len(part)
                found.update(part)
                await asyncio.to_thread(file.write, part)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        if came != wanted.size:
            raise Refusal(Reason.WORKSPACE_FAILED, _SHORT.format(size=wanted.size, came=came))
        if found.hexdigest() != wanted.digest:
            raise Refusal(Reason.WORKSPACE_FAILED, _OTHER)

    async def _is_made(self, wanted: Workspace, session_id: str) -> bool:
        """Whether a process that was killed has done it: the session names the move, and no other work here."""
        known = await self._store.find(wanted.key)
        return known is not None and known.session_id == session_id and self._places.is_open(wanted.folder)

    async def _put_back(self, wanted: Workspace, session_id: str, came: Path) -> KnownWorkspace:
        """Make it of its archive; or what a process that was killed has made of it."""
        name = wanted.folder
        async with self._alone(wanted) as git:
            known = await self._store.find(wanted.key)
            if self._places.is_open(name):
                if known is None or known.session_id != session_id:
                    raise Refusal(Reason.WORKSPACE_FAILED, _HERE.format(home=self._places.home(name)))
                return await self._made_before(git, known, came)
            await asyncio.to_thread(self._places.clear, name)
            return await self._made(git, known, replace(wanted, restore=True), came, session_id)

    async def _made_before(self, git: Git, known: KnownWorkspace, came: Path) -> KnownWorkspace:
        """Of one that was moved in by a process that was killed then."""
        await asyncio.to_thread(self._places.drop_archive, known.workspace.folder, came)
        return await self._looked_at(git, replace(known, state=WorkspaceState.READY, detail=""))

    async def _tell(self, known: KnownWorkspace, digest: str, size: int) -> None:
        while True:
            try:
                await self._store.save(known, digest, size)
            except StoreUnavailable:
                await asyncio.sleep(RETRY)
            else:
                return


def _part(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek(number * PART)
        return file.read(PART)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Workspaces of an agent in the test's own loop: the real service, store and git; sessions are only said to be."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.backends.backend import Backends, Entry
from agent.backends.observed import ObservedBackend
from agent.backends.workspaces.folders import Places
from agent.backends.workspaces.git import Git
from agent.clock import SteadyClock
from agent.domain.command import CloseWorkspace
from agent.domain.errors import Refusal, RouterUnreachable
from agent.domain.session import Session
from agent.domain.workspace import KnownWorkspace, Workspace, WorkspaceChanged, WorkspaceRules
from agent.services.sessions import Sessions
from agent.services.workspace_moves import Carrier, MovingWorkspaces
from agent.services.workspaces import Entered
from agent.store.database import Database
from agent.store.outbox import Outbox
from agent.store.sessions import SessionStore
from agent.store.workspaces import WorkspaceStore
from tests.rigs.upstream import WHO, Upstream

KEY = "github:acme/api#12"


class MovedClock(SteadyClock):
    """Later than it is."""

    later = 0.0

    def now(self) -> float:
        return super().now() + self.later


class CarriedParts:
    """What a router keeps of archives, in a folder. Each command is for the file that came last."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.came: list[int] = []  # numbers of parts, in order
        self.silent_after = -1  # parts

    @property
    def carrier(self) -> Carrier:
        return Carrier(self.fetch, self.put)

    def all(self) -> bytes:
        return b"".join(each.read_bytes() for each in self._files())

    async def put(self, file_id: str, number: int, data: bytes) -> int:
        there = self.folder / file_id
        there.mkdir(exist_ok=True)
        if data:
            if len(self.came) == self.silent_after:
                raise RouterUnreachable("there is no link to the router")
            self.came.append(number)
            (there / f"{number:04}").write_bytes(data)
        return len(self._files())

    async def fetch(self, _command_id: str, number: int) -> bytes:
        parts = self._files()
        return parts[number].read_bytes() if number < len(parts) else b""

    def _files(self) -> list[Path]:
        files = sorted(self.folder.iterdir(), key=lambda each: each.stat().st_mtime_ns)
        return sorted(files[-1].iterdir()) if files else []


@dataclass
class WorkspaceRig:
    """One machine's workspaces."""

    service: MovingWorkspaces
    store: WorkspaceStore
    sessions: Sessions
    places: Places
    clock: MovedClock
    outbox: Outbox
    upstream: Upstream

    def wanted(self, key: str = KEY, ref: str = "refs/heads/main", **more: object) -> Workspace:
        return Workspace(key, self.upstream.address, ref, **more)  # type: ignore[arg-type]

    async def enter(self, session_id: str = "s1", wanted: Workspace | None = None) -> Entered:
        """A session begins in it."""
        place = await self.service.enter(wanted or self.wanted(), session_id)
        await self.sessions.register(Session(session_id, "headless", cwd=str(place.tree)))
        self.service.begun(session_id)
        return place

    async def leave(self, session_id: str = "s1") -> None:
        """The session ends, and that is seen."""
        await self.sessions.close(session_id, "ended")
        await self.service.look()

    async def close(self, *, archive: bool = False, key: str = KEY) -> str:
        """What was done, or why not."""
        try:
            return await self.service.close(CloseWorkspace(key, archive))
        except Refusal as refusal:
            return f"{refusal.reason.name}: {refusal.text}"

    async def known(self, key: str = KEY) -> KnownWorkspace:
        found = await self.store.find(key)
        assert found is not None
        return found

    async def carried(self) -> list[tuple[str, str, int]]:
        """The states with which archives were named to the router, their digests and sizes."""
        items = [row.item for row in await self.outbox.after(0, 1000)]
        told = [each for each in items if isinstance(each, WorkspaceChanged) and each.digest]
        return [(each.known.state.value, each.digest, each.size) for each in told]

    async def told(self) -> list[str]:
        """The states that the router hears of, in order."""
        rows = await self.outbox.after(0, 1000)
        return [row.item.known.state.value for row in rows if isinstance(row.item, WorkspaceChanged)]

    def home(self, key: str = KEY) -> Path:
        return self.places.home(Workspace(key, "").folder)

    def packed(self, key: str = KEY) -> Path:
        return self.places.archive(Workspace(key, "").folder)


@asynccontextmanager
async def workspaces(
    folder: Path,
    upstream: Upstream,
    rules: WorkspaceRules | None = None,
    clock: MovedClock | None = None,
    carrier: Carrier | None = None,
) -> AsyncIterator[WorkspaceRig]:
    """Those of an agent that keeps its files there."""
    database = Database(folder / "agent")
    outbox, clock = Outbox(database), clock or MovedClock()
    nothing = Backends({"headless": Entry(ObservedBackend())})
    sessions = Sessions(SessionStore(database, outbox), nothing, clock)
    store, places = WorkspaceStore(database, outbox), Places(folder / "agent" / "workspaces")
    git = Git({"PATH": os.environ["PATH"], "HOME": str(folder)} | WHO)
    rules = rules or WorkspaceRules((upstream.address,))
    carrier = carrier or CarriedParts(folder / "router").carrier
    service = MovingWorkspaces(store, sessions, git, places, rules, clock, carrier=carrier)
    await sessions.load()
    await service.recover()
    try:
        yield WorkspaceRig(service, store, sessions, places, clock, outbox, upstream)
    finally:
        await database.close()

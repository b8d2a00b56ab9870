"""A router, and an agent that makes workspaces with real git and is killed; what people do there, and what is known."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.backends.workspaces.folders import Places
from agent.domain.workspace import Workspace
from tests.faults.load import CALL, METADATA
from tests.faults.processes import Died, Process
from tests.faults.world import World, enrol, world
from tests.rigs.upstream import WHO, Upstream, git
from tests.waiting import NeverHappened, wait_until

LONG = 120.0  # seconds; a link that was lost is dialled again within a minute
MACHINE = "devbox"
_WEEKS = 30 * 24 * 3600.0  # seconds: longer than its days of grace
_ENDED = (types.COMMAND_STATE_DONE, types.COMMAND_STATE_FAILED, types.COMMAND_STATE_UNCERTAIN, types.COMMAND_STATE_DEAD)


class Stage:
    """The router, one machine and a repository."""

    def __init__(self, world: World) -> None:
        self.world, self.upstream = world, Upstream(world.folder / "elsewhere")
        self._life = replace(
            world.life(
                "workspaces", world.folder / MACHINE, POINTSMAN_ROUTER=world.door_wire.address,
                POINTSMAN_REPOSITORIES=self.upstream.address, GRPC_ENABLE_FORK_SUPPORT="0", **WHO,
            ),
            extra={"machine": MACHINE},
        )  # fmt: skip
        self._folder = world.folder / MACHINE / "agent"
        enrol(world.door, MACHINE, self._folder)
        self.places, self._count = Places(self._folder / "workspaces"), 0
        self._agent = Process(self._life)
        self._agent.ready()
        wait_until(lambda: world.is_connected(MACHINE), LONG)

    def stop(self) -> None:
        self._agent.close()

    def again(self, point: str = "") -> None:
        """Another agent on the same data, which may die at a point."""
        self._agent.close()
        self._agent = Process(replace(self._life, point=point))
        try:
            self._agent.ready()
        except Died:  # it reached its point before it was ready
            return
        wait_until(lambda: self._agent.dead(0) or self.world.is_connected(MACHINE), LONG)

    def dies(self) -> bool:
        return self._agent.dead(LONG)

    @property
    def log(self) -> str:
        return self._life.log.read_text()[-3000:]

    # --- what people do ---

    def new(self) -> str:
        """A key, and a branch, of its own: of two that have one the janitor keeps both."""
        self._count += 1
        git(self.upstream.path, "branch", key := f"run{self._count}", "main")
        return key

    def start(self, key: str) -> types.Command:
        workspace = types.Workspace(key=key, repository=self.upstream.address, ref=f"refs/heads/{key}")
        request = pb.StartSessionRequest(prompt=f"{key} {self._number()}", workspace=workspace, machine_id=MACHINE)
        request.request_id = request.prompt
        return self._accepted(self.world.door.control.StartSession, request)

    def leaves(self, key: str) -> None:
        """Its session ends."""
        request = pb.StopSessionRequest(session_id=self.known(key).session_id)
        self.ends(self._accepted(self.world.door.control.StopSession, request))
        wait_until(lambda: self.known(key).state == types.WORKSPACE_STATE_READY, LONG)

    def archive(self, key: str) -> types.Command:
        request = pb.CloseWorkspaceRequest(key=key, archive=True)
        return self._accepted(self.world.door.control.CloseWorkspace, request)

    def is_over(self, key: str) -> None:
        """It has been for weeks, as the router's disk has it."""
        control = self.world.door.control
        control.SayWorkspaceOver(pb.SayWorkspaceOverRequest(key=key, over=True), metadata=METADATA, timeout=CALL)
        self._agent.kill()  # the janitor's first look finds nobody: whoever dies of it comes later
        self.world.router.stop()
        with closing(sqlite3.connect(self.world.router_folder / "router.db")) as connection, connection:
            connection.execute("UPDATE workspaces SET closing_at = closing_at - ? WHERE key = ?", (_WEEKS, key))
        self.world.start_router()

    def forget_mirrors(self) -> None:
        """The next workspace is the first of its repository."""
        shutil.rmtree(self.places.mirrors, ignore_errors=True)

    def sweep(self, key: str) -> types.Command | None:
        """The command that the janitor gave for it, if it gave one."""
        with suppress(grpc.RpcError):
            control = self.world.door.control
            control.SweepWorkspaces(pb.SweepWorkspacesRequest(), metadata=METADATA, timeout=CALL)
        return next(iter(self.sweeps(key)), None)

    # --- what is known ---

    def ends(self, command: types.Command) -> types.Command:
        """How it ended."""

        def ended() -> types.Command | None:
            mine = [each for each in self._commands() if each.command_id == command.command_id]
            return next((each for each in mine if each.state in _ENDED), None)

        found = wait_until(ended, LONG)
        assert found is not None
        return found

    def known(self, key: str) -> types.KnownWorkspace:
        found = wait_until(lambda: next((e for e in self._workspaces() if e.workspace.key == key), None), LONG)
        assert found is not None
        return found

    def becomes(self, key: str, state: int) -> types.KnownWorkspace:
        """Once it is so; as it is, where that never comes."""
        with suppress(NeverHappened):
            wait_until(lambda: self.known(key).state == state, LONG)
        return self.known(key)

    def sessions_in(self, key: str) -> int:
        """How many live there."""
        request, tree = pb.ListSessionsRequest(), str(self.home(key) / "tree")
        listed = self.world.door.control.ListSessions(request, metadata=METADATA, timeout=CALL).sessions
        return sum(each.cwd == tree and each.state != types.SESSION_STATE_ENDED for each in listed)

    def leftovers(self, key: str) -> list[Path]:
        """What is there of the moment, though nobody works on it."""
        name = Workspace(key, "").folder
        folders = [self.places.making(name), self.places.root / "removing" / name, self.places.scratch(name)]
        return [each for each in folders if each.exists() and (each.is_file() or any(each.iterdir()))]

    def sweeps(self, key: str) -> list[types.Command]:
        closed = [each for each in self._commands() if each.action.close_workspace.key == key]
        return [each for each in closed if each.origin.source == "janitor"]

    def typed(self, command: types.Command) -> int:
        words = command.action.start_session.prompt
        return sum(entry["text"] == words for entry in self.world.journal.read("typed"))

    def home(self, key: str) -> Path:
        return self.places.home(Workspace(key, "").folder)

    def packed(self, key: str) -> Path:
        return self.places.archive(Workspace(key, "").folder)

    def _accepted(self, call: Callable[..., Any], request: object) -> types.Command:
        """By the router, once the machine has said what it can do."""

        def accepted() -> types.Command | None:
            with suppress(grpc.RpcError):
                return cast("types.Command", call(request, metadata=METADATA, timeout=CALL).command)
            return None

        found = wait_until(accepted, LONG)
        assert found is not None
        return found

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _commands(self) -> Sequence[types.Command]:
        with suppress(grpc.RpcError):
            request = pb.ListCommandsRequest(limit=500)
            return self.world.door.control.ListCommands(request, metadata=METADATA, timeout=CALL).commands
        return ()

    def _workspaces(self) -> Sequence[types.KnownWorkspace]:
        with suppress(grpc.RpcError):
            request = pb.ListWorkspacesRequest(include_gone=True)
            return self.world.door.control.ListWorkspaces(request, metadata=METADATA, timeout=CALL).workspaces
        return ()


@contextmanager
def stage() -> Iterator[Stage]:
    """All of it, inside the block."""
    with world() as one:
        made = Stage(one)
        try:
            yield made
        finally:
            made.stop()

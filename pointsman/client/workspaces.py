"""Workspaces: clones on machines that last beyond the sessions in them."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import Calls, request_id
from pointsman.client.records import Command, Origin


class WorkspaceState(Enum):
    """Where one stands."""

    UNKNOWN = "UNKNOWN"
    ASKED = "ASKED"
    PREPARING = "PREPARING"
    READY = "READY"
    IN_USE = "IN_USE"
    WAITING = "WAITING"  # the session in it waits for a person
    CLOSING = "CLOSING"  # it has 7 days of grace
    ARCHIVED = "ARCHIVED"
    GONE = "GONE"
    FAILED = "FAILED"


class WorkspaceDeed(Enum):
    """What the janitor does with one."""

    UNKNOWN = "UNKNOWN"
    KEEP = "KEEP"
    REMOVE = "REMOVE"
    ARCHIVE = "ARCHIVE"
    FORGET = "FORGET"  # its archive


@dataclass(frozen=True, slots=True)
class Place:
    """What a start asks for. A ref is a full name, such as "refs/heads/main"; empty is the repository's own branch."""

    key: str
    repository: str
    ref: str = ""
    base_ref: str = ""
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace as the router knows it. `dirty`, `unpushed` and `bytes` are what its machine saw last."""

    key: str
    repository: str
    ref: str
    base_ref: str
    foreign: bool
    machine_id: str
    state: WorkspaceState
    session_id: str
    path: str
    head: str
    dirty: bool
    unpushed: int
    bytes: int
    detail: str
    decision: str
    created_at: datetime | None
    changed_at: datetime | None
    closing_at: datetime | None
    machine_revoked: bool = False  # what is in it is on that machine's disk alone
    kept_by: str = ""  # who wants it kept, whatever its platform says
    moving_to: str = ""  # the machine to which it is on its way
    move_detail: str = ""  # why it stayed where it was, the last time


@dataclass(frozen=True, slots=True)
class WorkspaceDecision:
    """What becomes of one, and why."""

    key: str
    deed: WorkspaceDeed
    why: str


class Workspaces(Calls):
    """Every method raises RouterError."""

    def workspaces(self, machine_id: str = "", *, include_gone: bool = False, login_id: str = "") -> list[Workspace]:
        """What changed last first. `login_id`: the browser whose person asks."""
        asked = pb.ListWorkspacesRequest(machine_id=machine_id, include_gone=include_gone, login_id=login_id)
        return [_workspace(each) for each in self._call(self._stub.ListWorkspaces, asked).workspaces]

    def say_workspace_over(
        self, key: str, *, over: bool = True, request: str | None = None, login_id: str = ""
    ) -> Workspace:
        """What it is for is over, or is not after all; after 7 days it is removed or archived."""
        # Said again it changes nothing, and counts as a fresh word.
        asked = pb.SayWorkspaceOverRequest(key=key, over=over, request_id=request_id(request), login_id=login_id)
        return _workspace(self._call(self._stub.SayWorkspaceOver, asked).workspace)

    def close_workspace(
        self, key: str, *, archive: bool, request: str | None = None, origin: Origin | None = None
    ) -> Command:
        """Have its machine archive it now, or remove it where nothing in it is nowhere else."""
        asked = pb.CloseWorkspaceRequest(
            key=key, archive=archive, request_id=request_id(request), origin=self._sender(origin)
        )
        return convert.command(self._call(self._stub.CloseWorkspace, asked).command)

    def move_workspace(
        self, key: str, machine_id: str, *, request: str | None = None, origin: Origin | None = None
    ) -> Workspace:
        """Bring it to another machine; it is on its way until `moving_to` is empty again."""
        asked = pb.MoveWorkspaceRequest(
            key=key, machine_id=machine_id, request_id=request_id(request), origin=self._sender(origin)
        )
        return _workspace(self._call(self._stub.MoveWorkspace, asked).workspace)

    def sweep_workspaces(
        self, *, dry_run: bool = False, request: str | None = None, login_id: str = ""
    ) -> list[WorkspaceDecision]:
        """Have the janitor look now; what it does with each, or would."""
        asked = pb.SweepWorkspacesRequest(dry_run=dry_run, request_id=request_id(request), login_id=login_id)
        return [_decision(each) for each in self._call(self._stub.SweepWorkspaces, asked).decisions]


def place(repository: str, ref: str = "", key: str = "") -> Place:
    """A place as people say it: "main" is a branch, "#12" a pull request. Its key is made of both."""
    full = ref
    if ref.startswith("#"):
        full = f"refs/pull/{ref[1:]}/head"
    elif ref and not ref.startswith("refs/"):
        full = f"refs/heads/{ref}"
    return Place(key or _key(repository, ref), repository, full)


def message(place: Place) -> types_pb2.Workspace:
    """As the router is asked for it."""
    return types_pb2.Workspace(
        key=place.key, repository=place.repository, ref=place.ref, base_ref=place.base_ref, foreign=place.foreign
    )


def _key(repository: str, ref: str) -> str:
    """The last two parts of the address, and the ref: "acme/api#12", "acme/api@main"."""
    tail = "/".join([part for part in re.split(r"[/:]", repository.rstrip("/")) if part][-2:]).removesuffix(".git")
    at = ref if ref.startswith("#") else f"@{ref.removeprefix('refs/heads/')}" if ref else ""
    return re.sub(r"[^A-Za-z0-9._@/#-]", "-", f"{tail}{at}")[:128]


def _workspace(m: types_pb2.KnownWorkspace) -> Workspace:
    # A newer router may have states that we do not know.
    known = m.state in types_pb2.WorkspaceState.values()
    state = types_pb2.WorkspaceState.Name(m.state).removeprefix("WORKSPACE_STATE_") if known else ""
    asked = m.workspace
    return convert.read(
        Workspace, m, state=convert.member(WorkspaceState, state), key=asked.key, repository=asked.repository,
        ref=asked.ref, base_ref=asked.base_ref, foreign=asked.foreign,
    )  # fmt: skip


def _decision(m: pb.WorkspaceDecision) -> WorkspaceDecision:
    known = m.deed in pb.WorkspaceDeed.values()
    deed = pb.WorkspaceDeed.Name(m.deed).removeprefix("WORKSPACE_DEED_") if known else ""
    return convert.read(WorkspaceDecision, m, deed=convert.member(WorkspaceDeed, deed))

"""REST: workspaces. Their keys have slashes, so they stand in bodies."""

from collections.abc import Callable
from typing import Annotated

from flask import Blueprint
from msgspec import Meta

from pointsman.client.control import Control
from pointsman.client.records import CommandState, Origin
from pointsman.client.workspaces import WorkspaceDeed, WorkspaceState
from webhook_adapter.endpoints import Answer, Body, Query, endpoint
from webhook_adapter.http.bodies import Filled, Time, shown


class ListWorkspaces(Query):
    """Which workspaces."""

    machine_id: str | None = None
    include_gone: Annotated[bool, Meta(description="Also those that are gone; they are known for 30 days.")] = False


class WorkspaceOver(Body):
    """Whether what a workspace is for is over."""

    key: Filled
    over: Annotated[
        bool, Meta(description="false: it is not over after all, and is kept, whatever its platform says.")
    ] = True
    idempotency_key: str | None = None


class CloseWorkspace(Body):
    """A workspace to close now."""

    key: Filled
    archive: Annotated[
        bool, Meta(description="Keep what is nowhere else; without it only a clean and pushed one is removed.")
    ] = True
    idempotency_key: str | None = None


class MoveWorkspace(Body):
    """A workspace, and the machine that is to have it."""

    key: Filled
    machine_id: Filled
    idempotency_key: str | None = None


class SweepWorkspaces(Body):
    """A look of the janitor."""

    dry_run: Annotated[bool, Meta(description="Only say what would be done.")] = False
    idempotency_key: str | None = None


class Workspace(Answer):
    """A clone on a machine that lasts beyond the sessions in it. What is dirty or unpushed its machine saw last."""

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
    created_at: Time | None
    changed_at: Time | None
    closing_at: Annotated[Time | None, Meta(description="Since when it is to close.")]
    machine_revoked: Annotated[bool, Meta(description="What is in it is on that machine's disk alone.")]
    kept_by: Annotated[str, Meta(description="Who wants it kept, whatever its platform says; mostly empty.")]
    moving_to: Annotated[str, Meta(description="The machine to which it is on its way; mostly empty.")]
    move_detail: Annotated[str, Meta(description="Why it stayed where it was, the last time that it was to move.")]


class WorkspaceClosing(Answer):
    """What its machine is asked; follow the command."""

    command_id: str
    state: CommandState


class WorkspaceDecision(Answer):
    """What the janitor does with a workspace, and why."""

    key: str
    deed: WorkspaceDeed
    why: str


def add_workspaces(blueprint: Blueprint, control: Callable[[], Control], keyed: tuple[int, ...], who: Origin) -> None:
    """The endpoints of workspaces."""

    @blueprint.get("/workspaces")
    @endpoint("workspaces", *keyed)
    def list_workspaces(asked: ListWorkspaces) -> list[Workspace]:
        """The workspaces on machines, what changed last first."""
        found = control().workspaces(asked.machine_id or "", include_gone=asked.include_gone)
        return [shown(Workspace, each) for each in found]

    @blueprint.post("/workspaces/over")
    @endpoint("workspaces", *keyed, 404)
    def workspace_over(asked: WorkspaceOver) -> Workspace:
        """Say that what it is for is over: in 7 days it is removed or archived."""
        known = control().say_workspace_over(asked.key, over=asked.over, request=asked.idempotency_key or "")
        return shown(Workspace, known)

    @blueprint.post("/workspaces/close")
    @endpoint("workspaces", *keyed, 404, 409)
    def close_workspace(asked: CloseWorkspace) -> WorkspaceClosing:
        """Have its machine archive or remove it now."""
        command = control().close_workspace(
            asked.key, archive=asked.archive, request=asked.idempotency_key or "", origin=who
        )
        return shown(WorkspaceClosing, command)

    @blueprint.post("/workspaces/move")
    @endpoint("workspaces", *keyed, 404, 409)
    def move_workspace(asked: MoveWorkspace) -> Workspace:
        """Bring it to another machine: it is on its way until movingTo is empty again."""
        known = control().move_workspace(asked.key, asked.machine_id, request=asked.idempotency_key or "", origin=who)
        return shown(Workspace, known)

    @blueprint.post("/workspaces/sweep")
    @endpoint("workspaces", *keyed)
    def sweep_workspaces(asked: SweepWorkspaces) -> list[WorkspaceDecision]:
        """Have the janitor look now; what it does with each, or would."""
        decisions = control().sweep_workspaces(dry_run=asked.dry_run, request=asked.idempotency_key or "")
        return [shown(WorkspaceDecision, each) for each in decisions]

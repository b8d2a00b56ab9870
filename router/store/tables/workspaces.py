"""Workspaces on machines."""

from peewee import BooleanField, IntegerField, Model, TextField

from router.domain.workspace import WorkspaceState
from router.domain.workspace_move import MoveState
from router.store.columns import TimeField, text_of


class Workspace(Model):
    """One row for each key, also of those that are gone; what the columns mean says the domain's KnownWorkspace."""

    key = TextField(primary_key=True)
    machine_id = TextField()
    session_id = TextField()
    repository = TextField()
    ref = TextField()
    base_ref = TextField()
    is_foreign = BooleanField()
    created_at = TimeField()
    changed_at = TimeField()
    state = text_of(WorkspaceState)
    told = text_of(WorkspaceState)
    path = TextField()
    head = TextField()
    dirty = BooleanField()
    unpushed = IntegerField()
    bytes = IntegerField()
    detail = TextField()
    looked_at = TimeField(null=True)
    closing_at = TimeField(null=True)
    archived_at = TimeField(null=True)
    command_id = TextField()
    decided = TextField()
    kept_by = TextField(default="")

    class Meta:
        table_name = "workspaces"
        without_rowid = True


Workspace.add_index(Workspace.session_id, name="workspaces_session")


class WorkspaceMove(Model):
    """One row for each move; what the columns mean says the domain's WorkspaceMove."""

    move_id = TextField(primary_key=True)
    key = TextField()
    source = TextField()
    target = TextField()
    session_id = TextField()
    actor = TextField()
    command_id = TextField()
    created_at = TimeField()
    changed_at = TimeField()
    state = text_of(MoveState)
    digest = TextField()
    size = IntegerField()
    detail = TextField()
    left_at = TimeField(null=True)

    class Meta:
        table_name = "workspace_moves"
        without_rowid = True


WorkspaceMove.add_index(WorkspaceMove.key, name="workspace_moves_key")
WorkspaceMove.add_index(WorkspaceMove.command_id, name="workspace_moves_command")

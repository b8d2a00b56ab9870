"""Workspaces as protobuf."""

from agentlink.v1 import agent_link_pb2 as link
from agentlink.v1 import types_pb2 as types

from agent.domain.command import CloseWorkspace, PackWorkspace, TakeWorkspace
from agent.domain.workspace import Workspace, WorkspaceChanged, WorkspaceState

MAX_DETAIL = 1000  # characters, as the router's
_LARGEST = 2**32 - 1
_STATES = {state: types.WorkspaceState.Value(f"WORKSPACE_STATE_{state.name}") for state in WorkspaceState}


def workspace(message: types.Workspace) -> Workspace:
    """What a start asks for."""
    return Workspace(
        message.key, message.repository, message.ref, message.base_ref, message.foreign, message.restore,
        tuple(message.spare),
    )  # fmt: skip


def order(message: types.Action) -> CloseWorkspace | PackWorkspace | TakeWorkspace:
    """What is to be done with one."""
    if message.HasField("close_workspace"):
        return CloseWorkspace(message.close_workspace.key, message.close_workspace.archive)
    if message.HasField("pack_workspace"):
        return PackWorkspace(message.pack_workspace.key)
    coming = message.take_workspace
    return TakeWorkspace(workspace(coming.workspace), coming.archive_digest, coming.archive_bytes)


def update(seq: int, changed: WorkspaceChanged) -> link.WorkspaceUpdate:
    """What the router is told."""
    known = changed.known
    return link.WorkspaceUpdate(
        upstream_seq=seq,
        key=known.key,
        state=_STATES[known.state],
        path=known.path,
        head=known.look.head,
        dirty=known.look.is_dirty,
        unpushed=min(known.look.unpushed, _LARGEST),
        bytes=known.bytes,
        detail=known.detail[:MAX_DETAIL],
        archive_digest=changed.digest,
        archive_bytes=changed.size,
    )

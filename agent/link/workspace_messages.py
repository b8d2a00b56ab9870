"""Workspaces as protobuf."""

from agentlink.v1 import agent_link_pb2 as link
from agentlink.v1 import types_pb2 as types

from agent.domain.workspace import KnownWorkspace, Workspace, WorkspaceState

MAX_DETAIL = 1000  # characters, as the router's
_LARGEST = 2**32 - 1
_STATES = {state: types.WorkspaceState.Value(f"WORKSPACE_STATE_{state.name}") for state in WorkspaceState}


def workspace(message: types.Workspace) -> Workspace:
    """What a start asks for."""
    return Workspace(
        message.key, message.repository, message.ref, message.base_ref, message.foreign, message.restore,
        tuple(message.spare),
    )  # fmt: skip


def update(seq: int, known: KnownWorkspace) -> link.WorkspaceUpdate:
    """What the router is told."""
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
    )

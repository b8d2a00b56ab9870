"""Workspaces, as machines report them and as people see them."""

import re

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import timestamp
from router.domain import frames
from router.domain.action import CloseWorkspace, PackWorkspace, TakeWorkspace
from router.domain.errors import Reason
from router.domain.janitor import Decision
from router.domain.unicode_escapes import visible
from router.domain.workspace import (
    MAX_DETAIL,
    MAX_PATH,
    SAID_BY_MACHINES,
    Figures,
    Shown,
    Workspace,
    WorkspaceState,
)

STATES = {state: pb.WorkspaceState.Value(f"WORKSPACE_STATE_{state.name}") for state in WorkspaceState}
_SAID = {STATES[state]: state for state in SAID_BY_MACHINES}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST = 2**63 - 1  # that the database holds


def workspace_message(w: Workspace) -> pb.Workspace:
    return pb.Workspace(
        key=w.key,
        repository=w.repository,
        ref=w.ref,
        base_ref=w.base_ref,
        foreign=w.foreign,
        restore=w.restore,
        spare=w.spare,
    )


def workspace_action(value: CloseWorkspace | PackWorkspace | TakeWorkspace) -> pb.Action:
    match value:
        case CloseWorkspace(key, archive):
            return pb.Action(close_workspace=pb.CloseWorkspace(key=key, archive=archive))
        case PackWorkspace(key):
            return pb.Action(pack_workspace=pb.PackWorkspace(key=key))
        case TakeWorkspace(place, digest, size):
            place_message = workspace_message(place)
            take = pb.TakeWorkspace(workspace=place_message, archive_digest=digest, archive_bytes=size)
            return pb.Action(take_workspace=take)


def known_message(shown: Shown) -> pb.KnownWorkspace:
    k, figures = shown.known, shown.known.figures
    return pb.KnownWorkspace(
        workspace=pb.Workspace(
            key=k.key, repository=k.repository, ref=k.ref, base_ref=k.base_ref, foreign=k.is_foreign
        ),
        machine_id=k.machine_id, state=STATES[shown.state], session_id=k.session_id,
        path=figures.path, head=figures.head, dirty=figures.is_dirty, unpushed=figures.unpushed, bytes=figures.bytes,
        detail=figures.detail, decision=k.decided, created_at=timestamp(k.created_at),
        changed_at=timestamp(k.changed_at), closing_at=timestamp(k.closing_at),
        machine_revoked=shown.is_orphan, kept_by=k.kept_by,
        moving_to=shown.moving_to, move_detail=shown.move_detail,
    )  # fmt: skip


def decision_message(d: Decision) -> control_pb.WorkspaceDecision:
    return control_pb.WorkspaceDecision(key=d.key, deed=d.deed.value, why=d.why)  # type: ignore[arg-type]


def workspace(w: pb.Workspace) -> Workspace:
    """What a caller asks for; whether it is well-formed is looked at with the start."""
    return Workspace(w.key, w.repository, w.ref, w.base_ref, w.foreign)


def workspace_report(u: link_pb.WorkspaceUpdate) -> frames.WorkspaceReport | frames.Unfit:
    if (state := _SAID.get(u.state)) is None:
        return frames.Unfit(u.upstream_seq, Reason.UNSUPPORTED, f"Workspace {u.key[:64]!r} has no state known here.")
    figures = Figures(
        visible(u.path)[:MAX_PATH], visible(u.head)[:64], u.dirty, u.unpushed, min(u.bytes, _LARGEST),
        visible(u.detail)[:MAX_DETAIL],
    )  # fmt: skip
    digest = u.archive_digest if _DIGEST.fullmatch(u.archive_digest) else ""
    return frames.WorkspaceReport(u.upstream_seq, u.key, state, figures, digest, min(u.archive_bytes, _LARGEST))

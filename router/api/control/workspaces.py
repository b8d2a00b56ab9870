"""Control: workspaces."""

import sqlite3

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, origin
from router.api.convert.commands import command_message
from router.api.convert.workspaces import decision_message, known_message
from router.api.handlers import Call
from router.domain.scope import Scope
from router.domain.workspace import KnownWorkspace, WorkspaceState
from router.services.workspaces import check, reaches
from router.store import workspaces
from router.store.database import Transaction


class WorkspacesPart(Part):
    """What may be asked of them."""

    async def ListWorkspaces(self, request: pb.ListWorkspacesRequest, call: Call) -> pb.ListWorkspacesResponse:
        found = await self._s.database.read(lambda c: _page(c, request, call.principal.scope))
        return pb.ListWorkspacesResponse(workspaces=[known_message(each, waits=waits) for each, waits in found])

    async def SayWorkspaceOver(self, request: pb.SayWorkspaceOverRequest, call: Call) -> pb.SayWorkspaceOverResponse:
        def operation(tx: Transaction) -> pb.SayWorkspaceOverResponse:
            check(tx, workspaces.get(tx, request.key), call.principal.scope)
            known = self._s.janitor.say(tx, request.key, call.principal.name, over=request.over)
            return pb.SayWorkspaceOverResponse(workspace=known_message(known, waits=False))

        return await self._once(call, request, pb.SayWorkspaceOverResponse, operation)

    async def CloseWorkspace(self, request: pb.CloseWorkspaceRequest, call: Call) -> pb.CloseWorkspaceResponse:
        who = origin(request, call)

        def operation(tx: Transaction) -> pb.CloseWorkspaceResponse:
            check(tx, known := workspaces.get(tx, request.key), call.principal.scope)
            command = self._s.janitor.workspaces.close(tx, known, who, archive=request.archive)
            return pb.CloseWorkspaceResponse(command=command_message(command))

        return await self._once(call, request, pb.CloseWorkspaceResponse, operation)

    async def SweepWorkspaces(self, request: pb.SweepWorkspacesRequest, call: Call) -> pb.SweepWorkspacesResponse:
        def operation(tx: Transaction) -> pb.SweepWorkspacesResponse:
            decisions = self._s.janitor.sweep(tx, call.principal.scope, dry_run=request.dry_run)
            return pb.SweepWorkspacesResponse(decisions=map(decision_message, decisions))

        return await self._once(call, request, pb.SweepWorkspacesResponse, operation)


def _page(on: sqlite3.Connection, request: pb.ListWorkspacesRequest, scope: Scope) -> list[tuple[KnownWorkspace, bool]]:
    """With whether the session in each waits for a person."""
    return [
        (each, waits)
        for each, waits in workspaces.shown(on)
        if request.machine_id in ("", each.machine_id)
        and (request.include_gone or each.state is not WorkspaceState.GONE)
        and reaches(on, scope, each)
    ]

"""Control: workspaces."""

import sqlite3

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, origin
from router.api.convert.commands import command_message
from router.api.convert.workspaces import decision_message, known_message
from router.api.handlers import Call
from router.domain.credentials import MAY_CLAIM, Role
from router.domain.errors import Reason, Refusal
from router.domain.person import Deed, Person
from router.domain.scope import Scope
from router.domain.workspace import Shown, WorkspaceState
from router.services.workspaces import check, reaches
from router.store import workspaces
from router.store.database import Transaction

_MAY_NOT = "You may look at workspaces here, and no more."


class WorkspacesPart(Part):
    """What may be asked of them."""

    async def ListWorkspaces(self, request: pb.ListWorkspacesRequest, call: Call) -> pb.ListWorkspacesResponse:
        def look(on: sqlite3.Connection) -> list[Shown]:
            scope, _ = self._who(on, call, request.login_id)
            return _page(on, request, scope)

        found = await self._s.database.read(look)
        return pb.ListWorkspacesResponse(workspaces=map(known_message, found))

    async def SayWorkspaceOver(self, request: pb.SayWorkspaceOverRequest, call: Call) -> pb.SayWorkspaceOverResponse:
        def operation(tx: Transaction) -> pb.SayWorkspaceOverResponse:
            scope, person = self._who(tx, call, request.login_id)
            if person is not None and not person.may(Deed.TYPE):
                raise Refusal(Reason.PERMISSION_DENIED, _MAY_NOT)
            check(tx, workspaces.get(tx, request.key), scope)
            # An adapter's own word is what its platform says; for people it names their browser.
            is_person = call.principal.role is not Role.ADAPTER or bool(request.login_id)
            actor = f"web:console ({person.name if person else 'the web console'})" if request.login_id else ""
            known = self._s.janitor.say(
                tx, request.key, actor or call.principal.name, over=request.over, is_person=is_person
            )
            return pb.SayWorkspaceOverResponse(workspace=known_message(workspaces.seen(tx, known)))

        return await self._once(call, request, pb.SayWorkspaceOverResponse, operation)

    async def CloseWorkspace(self, request: pb.CloseWorkspaceRequest, call: Call) -> pb.CloseWorkspaceResponse:
        who = origin(request, call)

        def operation(tx: Transaction) -> pb.CloseWorkspaceResponse:
            check(tx, known := workspaces.get(tx, request.key), call.principal.scope)
            command = self._s.janitor.workspaces.close(tx, known, who, archive=request.archive)
            return pb.CloseWorkspaceResponse(command=command_message(command))

        return await self._once(call, request, pb.CloseWorkspaceResponse, operation)

    async def MoveWorkspace(self, request: pb.MoveWorkspaceRequest, call: Call) -> pb.MoveWorkspaceResponse:
        who = origin(request, call)

        def operation(tx: Transaction) -> pb.MoveWorkspaceResponse:
            scope = call.principal.scope
            check(tx, known := workspaces.get(tx, request.key), scope)
            self._s.janitor.workspaces.move(tx, known, request.machine_id, who, scope)
            return pb.MoveWorkspaceResponse(workspace=known_message(workspaces.seen(tx, known)))

        return await self._once(call, request, pb.MoveWorkspaceResponse, operation)

    async def SweepWorkspaces(self, request: pb.SweepWorkspacesRequest, call: Call) -> pb.SweepWorkspacesResponse:
        def operation(tx: Transaction) -> pb.SweepWorkspacesResponse:
            scope, person = self._who(tx, call, request.login_id)
            if person is not None and not (request.dry_run or person.may(Deed.TYPE)):
                raise Refusal(Reason.PERMISSION_DENIED, _MAY_NOT)
            decisions = self._s.janitor.sweep(tx, scope, dry_run=request.dry_run)
            return pb.SweepWorkspacesResponse(decisions=map(decision_message, decisions))

        return await self._once(call, request, pb.SweepWorkspacesResponse, operation)

    def _who(self, on: sqlite3.Connection | Transaction, call: Call, login_id: str) -> tuple[Scope, Person | None]:
        """What whoever asks reaches, and the person at whose browser it is asked, if it is one's. Raises Refusal."""
        if not login_id:
            return call.principal.scope, None
        if call.principal.role not in MAY_CLAIM:
            raise Refusal(Reason.PERMISSION_DENIED, "login_id is for keys that speak for people")
        person = self._s.people.browsers.person_of(on, login_id)
        return person.scope if person else call.principal.scope, person


def _page(on: sqlite3.Connection, request: pb.ListWorkspacesRequest, scope: Scope) -> list[Shown]:
    return [
        each
        for each in workspaces.shown(on)
        if request.machine_id in ("", each.known.machine_id)
        and (request.include_gone or each.known.state is not WorkspaceState.GONE)
        and reaches(on, scope, each.known)
    ]

"""Control: permission questions."""

import sqlite3

from agentlink.v1 import control_pb2 as pb

from router.api.access import OPERATE
from router.api.control.part import Part, origin, page_size, request_id
from router.api.control.scope import check_named
from router.api.convert.permissions import answer, permission_message, question
from router.api.handlers import Call
from router.domain.permission import Permission
from router.store import names, permissions, sessions
from router.store.database import Transaction


class PermissionsPart(Part):
    """What may be asked of permission questions."""

    async def ListPermissions(self, request: pb.ListPermissionsRequest, call: Call) -> pb.ListPermissionsResponse:
        r, scope = request, call.principal.scope

        def page(c: sqlite3.Connection) -> list[Permission]:
            within = sessions.within(c, scope)
            of, one = names.session(c, r.session_id, scope), names.permission(c, r.permission_id, within)
            limit, closed = page_size(r.limit), r.include_closed
            return permissions.page(c, session_id=of, permission_id=one, closed=closed, limit=limit, within=within)

        found = await self._s.database.read(page)
        # Of those that are over, a list tells what became of them.
        risks = self._s.permissions.risks_of
        shown = (permission_message(each, risks(each), whole=each.is_open or bool(r.permission_id)) for each in found)
        return pb.ListPermissionsResponse(permissions=shown)

    async def Ask(self, request: pb.AskRequest, call: Call) -> pb.AskResponse:
        wanted, said = question(request), request_id(request.request_id)
        # Of this caller alone: nobody waits for the answer to another's question.
        key = f"{call.principal.key_id or call.principal.name}/{said}" if said else ""

        def operation(tx: Transaction) -> str:
            self._check_own(tx, call, wanted.session_id)
            check_named(tx, call.principal.scope, request)
            return self._s.permissions.ask(tx, wanted, key, call.principal.name)

        identity = await self._write(call, operation)
        found = await self._ended(call, identity, request.wait, permissions.get, permissions.unknown)
        return pb.AskResponse(permission=permission_message(found), answer=found.answer)

    async def RespondPermission(self, request: pb.RespondPermissionRequest, call: Call) -> pb.RespondPermissionResponse:
        r, who = request, origin(request, call)

        def operation(tx: Transaction) -> pb.RespondPermissionResponse:
            # To say what is run is to write it: an approver may only take or refuse it.
            may_edit = call.principal.role in OPERATE
            decided = self._s.permissions.respond(
                tx, r.permission_id, r.input_digest, answer(r), who, may_edit=may_edit
            )
            return pb.RespondPermissionResponse(permission=permission_message(decided))

        return await self._once(call, request, pb.RespondPermissionResponse, operation)

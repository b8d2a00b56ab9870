"""Control: permission questions."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, origin, page_size
from router.api.convert.permissions import permission_message
from router.api.handlers import Call
from router.store import names, permissions
from router.store.database import Transaction


class PermissionsPart(Part):
    """What may be asked of permission questions."""

    async def ListPermissions(self, request: pb.ListPermissionsRequest, _call: Call) -> pb.ListPermissionsResponse:
        r, limit = request, page_size(request.limit)
        found = await self._s.database.read(
            lambda c: permissions.page(
                c, session_id=names.session(c, r.session_id), permission_id=names.permission(c, r.permission_id),
                closed=r.include_closed, limit=limit,
            )
        )  # fmt: skip
        return pb.ListPermissionsResponse(permissions=map(permission_message, found))

    async def RespondPermission(self, request: pb.RespondPermissionRequest, call: Call) -> pb.RespondPermissionResponse:
        r, who = request, origin(request, call)

        def operation(tx: Transaction) -> pb.RespondPermissionResponse:
            decided = self._s.permissions.respond(tx, r.permission_id, r.input_digest, r.option_id, r.text, who)
            return pb.RespondPermissionResponse(permission=permission_message(decided))

        return await self._once(call, request, pb.RespondPermissionResponse, operation)

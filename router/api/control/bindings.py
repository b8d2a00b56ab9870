"""Control: which machines work for what holds chats of a platform."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part
from router.api.convert.bindings import binding, binding_message
from router.api.handlers import Call
from router.services.bindings import Bindings
from router.store import bindings


class BindingsPart(Part):
    """What may be asked of them."""

    async def Bind(self, request: pb.BindRequest, call: Call) -> pb.BindResponse:
        wanted, who = binding(request.binding), call.principal.name
        made = await self._write(call, lambda tx: Bindings(self._s.clock).bind(tx, wanted, who))
        return pb.BindResponse(binding=binding_message(made))

    async def Unbind(self, request: pb.UnbindRequest, call: Call) -> pb.UnbindResponse:
        await self._write(call, lambda tx: Bindings(self._s.clock).unbind(tx, request.transport, request.space))
        return pb.UnbindResponse()

    async def ListBindings(self, request: pb.ListBindingsRequest, _call: Call) -> pb.ListBindingsResponse:
        found = await self._s.database.read(bindings.page)
        wanted = (each for each in found if request.transport in ("", each.transport))
        return pb.ListBindingsResponse(bindings=map(binding_message, wanted))

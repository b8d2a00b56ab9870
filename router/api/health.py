"""grpc.health.v1: says whether the router takes work."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2

from router.api.body_limits import Bodies
from router.api.errors import abort
from router.api.handlers import Context, parsed
from router.domain.errors import Refusal

NAME: str = health.SERVICE_NAME
WHOLE = ""  # the name under which one asks for the server as a whole


class Health:
    """The standard health service of a server; each of its services is as well as the whole."""

    def __init__(self, services: Sequence[str], bodies: Bodies) -> None:
        self._servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]  # stubs lack it
        self._names = (WHOLE, *services)
        service = health_pb2.DESCRIPTOR.services_by_name["Health"]
        methods = {each.name: _handler(each, getattr(self._servicer, each.name), bodies) for each in service.methods}
        self.handlers = grpc.method_handlers_generic_handler(NAME, methods)

    async def tell(self, writable: bool) -> None:  # noqa: FBT001 - a callback
        """SERVING while the database takes writes."""
        serving = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._servicer.set(name, serving.SERVING if writable else serving.NOT_SERVING)

    async def leave(self) -> None:
        """NOT_SERVING from now on, whatever is told later."""
        await self._servicer.enter_graceful_shutdown()


def _handler(
    method: MethodDescriptor, function: Callable[[Any, Context], Awaitable[Any]], bodies: Bodies
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    request_class, answer_class = GetMessageClass(method.input_type), GetMessageClass(method.output_type)

    async def handle(_unread: object, context: Context) -> object:
        try:
            # Whoever watches stays, as long as nobody else needs the place.
            async with bodies.of_stranger(context, lasts=method.server_streaming):
                return await function(parsed(request_class, await bodies.stranger(context)), context)
        except Refusal as refusal:
            await abort(context, refusal)
            return answer_class()

    serve = grpc.stream_stream_rpc_method_handler if method.server_streaming else grpc.stream_unary_rpc_method_handler
    return serve(handle, None, answer_class.SerializeToString)

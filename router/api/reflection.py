"""Server reflection under both of its names. grpcurl and buf ask for v1 first; the installed package has v1alpha only.

The messages of both are the same on the wire, so one implementation serves both.
"""

from collections.abc import AsyncIterator, Sequence

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from router.api.body_limits import Bodies
from router.api.errors import abort
from router.api.handlers import Context, parsed
from router.domain.errors import Refusal

V1ALPHA: str = reflection.SERVICE_NAME
V1 = "grpc.reflection.v1.ServerReflection"


def serve(server: grpc.aio.Server, services: Sequence[str], bodies: Bodies) -> None:
    """Let clients ask for these services, and for reflection itself."""
    _describe_v1()
    names = (*services, V1, V1ALPHA)
    servicer = ReflectionServicer(names)

    async def tell(_unread: object, context: Context) -> None:
        try:
            async with bodies.of_stranger(context):
                async for answer in servicer.ServerReflectionInfo(_requests(bodies, context), context):
                    await context.write(answer.SerializeToString())
        except Refusal as refusal:
            await abort(context, refusal)

    methods = {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(tell)}
    handlers = tuple(grpc.method_handlers_generic_handler(name, methods) for name in (V1, V1ALPHA))
    server.add_generic_rpc_handlers(handlers)


async def _requests(bodies: Bodies, context: Context) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
    while (raw := await bodies.next(context)) is not None:
        yield parsed(reflection_pb2.ServerReflectionRequest, raw)


def _describe_v1() -> None:
    """Make v1 known to whoever asks what it is: v1alpha under another name."""
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"
    for message in file.message_type:
        for field in (field for field in message.field if field.type_name):
            field.type_name = _renamed(field.type_name)
    for service in file.service:
        for method in service.method:
            method.input_type, method.output_type = _renamed(method.input_type), _renamed(method.output_type)
    Default().AddSerializedFile(file.SerializeToString())


def _renamed(name: str) -> str:
    return name.replace(".grpc.reflection.v1alpha.", ".grpc.reflection.v1.")

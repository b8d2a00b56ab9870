"""A gRPC server that answers the two calls of a machine that connects, with nothing behind them.

Run as `python bare.py FOLDER LISTEN`; it prints a ready line. The key is the router's, the proof is none.
"""

import sys
from pathlib import Path

import grpc
import uvloop
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import identity_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from router import key_file
from router.api.handlers import OPTIONS

WELCOME = link_pb.RouterFrame(
    link_epoch=1, welcome=link_pb.Welcome(link_epoch=1, heartbeat_interval=Duration(seconds=20))
).SerializeToString()


async def connect(_requests: object, context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
    """A welcome for whoever says something; the rest is heard and forgotten."""
    await context.read()
    await context.write(WELCOME)
    while await context.read() is not grpc.aio.EOF:
        pass


async def serve(folder: Path, listen: str) -> None:
    """Until it is killed."""
    key = key_file.load(folder, "bare")
    answer = pb.ProveResponse(router_id="bare", public_key=key.public, signature=b"0" * 64).SerializeToString()

    async def prove(_request: bytes, _context: object) -> bytes:
        return answer

    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "agentlink.v1.AgentLink", {"Connect": grpc.stream_stream_rpc_method_handler(connect)}
            ),
            grpc.method_handlers_generic_handler(
                "agentlink.v1.Identity", {"Prove": grpc.unary_unary_rpc_method_handler(prove)}
            ),
        )
    )
    port = server.add_insecure_port(listen)
    await server.start()
    print(f"ready bare 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2]))

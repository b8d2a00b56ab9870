"""grpc.health.v1: says whether the router takes work."""

from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

NAME: str = health.SERVICE_NAME
WHOLE = ""  # the name under which one asks for the server as a whole


class Health:
    """The standard health service of a server; each of its services is as well as the whole."""

    def __init__(self, server: grpc.aio.Server, services: Sequence[str]) -> None:
        self._servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]  # stubs lack it
        self._names = (WHOLE, *services)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def tell(self, writable: bool) -> None:  # noqa: FBT001 - a callback
        """SERVING while the database takes writes."""
        serving = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._servicer.set(name, serving.SERVING if writable else serving.NOT_SERVING)

    async def leave(self) -> None:
        """NOT_SERVING from now on, whatever is told later."""
        await self._servicer.enter_graceful_shutdown()

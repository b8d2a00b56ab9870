"""The gRPC server: what it serves, where it listens, how it stops."""

import asyncio
import os
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from urllib.parse import quote

import grpc
from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2, identity_pb2, memory_pb2

from router.api import reflection
from router.api.agent_link import AgentLinkServicer
from router.api.auth import Guard
from router.api.body_limits import Bodies
from router.api.chat_link import ChatLinkServicer
from router.api.control.servicer import ControlServicer
from router.api.handlers import OPTIONS, Door, handlers
from router.api.health import NAME as HEALTH_NAME
from router.api.health import Health
from router.api.identity import IdentityServicer
from router.api.memory import MemoryServicer
from router.certificates import Certificates, Identity
from router.config import SettingsError, Tls
from router.domain.errors import Reason

DRAIN_TIME = 2.0  # seconds agents get to leave by themselves
RECONNECT_SPREAD = 5.0  # seconds over which they come back
STOP_GRACE = 1.0  # seconds for calls under way
SERVICES = {
    AgentLinkServicer: agent_link_pb2.DESCRIPTOR.services_by_name["AgentLink"],
    ChatLinkServicer: chat_link_pb2.DESCRIPTOR.services_by_name["ChatLink"],
    ControlServicer: control_pb2.DESCRIPTOR.services_by_name["Control"],
    IdentityServicer: identity_pb2.DESCRIPTOR.services_by_name["Identity"],
    MemoryServicer: memory_pb2.DESCRIPTOR.services_by_name["Memory"],
}
# Each of these has a line of its own at the door, where all other calls have one together: gRPC takes in one of each
# at a time, and a command waits behind no crowd of machines that comes back.
_OF_CROWDS = (("agentlink.v1.Identity", "Prove"), ("agentlink.v1.AgentLink", "Connect"))


@dataclass(frozen=True, slots=True)
class Servicers:
    """What the router answers with, and who may ask."""

    links: AgentLinkServicer
    chats: ChatLinkServicer
    control: ControlServicer
    memory: MemoryServicer
    identity: IdentityServicer
    guard: Guard


class Server:
    """Our services, health and reflection, at a port and at a Unix socket."""

    def __init__(self, servicers: Servicers) -> None:
        self._links = servicers.links
        # Each takes its own calls in, one after the other: who is on this machine waits behind no crowd at the port.
        self._port, self._socket = both = grpc.aio.server(options=OPTIONS), grpc.aio.server(options=OPTIONS)
        bodies = Bodies()
        door = Door(servicers.guard, bodies, servicers.guard.limits)
        mine = {
            SERVICES[type(servicer)].full_name: handlers(SERVICES[type(servicer)], servicer, door)
            for servicer in (servicers.links, servicers.chats, servicers.control, servicers.memory, servicers.identity)
        }
        self.health = Health(tuple(mine), bodies)
        for server in both:
            server.add_generic_rpc_handlers(
                (*starmap(grpc.method_handlers_generic_handler, mine.items()), self.health.handlers)
            )
            for service, method in _OF_CROWDS:
                own = {method: mine[service][method]}
                server.add_registered_method_handlers(service, own)  # type: ignore[attr-defined]  # stubs lack it
            reflection.serve(server, [*mine, HEALTH_NAME], bodies)

    async def start(self, listen: str, tls: Tls | None, local_socket: Path) -> str:
        """Begin to serve at a port and a Unix socket; returns the address with the port. Raises SettingsError."""
        try:
            if tls:
                port = self._port.add_secure_port(listen, _credentials(tls))
            else:
                port = self._port.add_insecure_port(listen)
        except RuntimeError:
            taken = f"cannot listen on {listen}: is another router running there?"
            raise SettingsError(f"{taken} POINTSMAN_ROUTER_LISTEN chooses another port") from None
        self._listen_at(local_socket)
        await self._socket.start()
        await self._port.start()
        await self.health.tell(writable=True)
        return f"{listen.rpartition(':')[0]}:{port}"

    def _listen_at(self, path: Path) -> None:
        """Without TLS, whatever the port has: what is said there leaves neither this machine nor this account."""
        previous = os.umask(0o177)  # not chmod behind it: others may not connect for a moment either
        try:
            self._socket.add_insecure_port("unix:" + quote(os.fsencode(path)))
        except RuntimeError:
            raise SettingsError(f"cannot listen at {path}: may files and sockets be made in its folder?") from None
        finally:
            os.umask(previous)

    async def stop(self) -> None:
        """In order: no new work, agents leave by themselves and come back spread over time, the rest is closed."""
        # First, so that who asks where to go is sent elsewhere.
        await self.health.leave()
        await self._links.drain_all(DRAIN_TIME, RECONNECT_SPREAD)
        self._links.end_all(Reason.DRAINING, "the router is going down")
        await asyncio.gather(self._port.stop(grace=STOP_GRACE), self._socket.stop(grace=STOP_GRACE))


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    certificates = Certificates(tls)

    def changed() -> grpc.ServerCertificateConfiguration | None:
        return _configuration(identity) if (identity := certificates.changed()) else None

    first, wants_clients = _configuration(certificates.first), tls.client_ca is not None
    # The stubs know of no None, which lets the ones of before go on.
    return grpc.dynamic_ssl_server_credentials(first, changed, wants_clients)  # type: ignore[arg-type]


def _configuration(identity: Identity) -> grpc.ServerCertificateConfiguration:
    pair = [(identity.key, identity.chain)]
    return grpc.ssl_server_certificate_configuration(pair, root_certificates=identity.client_ca)

"""Builds the router out of its parts, runs it, and stops it in order."""

import asyncio
import contextlib
import fcntl
import logging
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import uuid_utils
from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2
from grpc_reflection.v1alpha import reflection

from router.api.agent_link import AgentLinkServicer, LinkServices, LinkStream
from router.api.auth import Guard
from router.api.chat_link import ChatLinkServicer
from router.api.control import ControlServicer, ControlServices
from router.api.health import NAME as HEALTH_NAME
from router.api.health import Health
from router.api.server import OPTIONS, handlers
from router.clock import Clock, SteadyClock
from router.config import RouterConfig, SettingsError, Tls
from router.domain.errors import Reason
from router.domain.frames import Drain
from router.link.hub import Hub
from router.services.chat_commands import ChatCommands
from router.services.delivery import Delivery
from router.services.enrolment import Enrolment
from router.services.inbound import InboundService
from router.services.notices import Notices
from router.services.outbox import Outbox
from router.services.receipts import Receipts
from router.services.sessions import SessionService
from router.services.stats import Stats
from router.services.timers import Timers
from router.services.upstream import UpstreamService
from router.services.waiting import Waiting
from router.store.database import Database
from router.store.meta import router_id
from router.store.migrations import migrate

logger = logging.getLogger(__name__)
DRAIN_TIME = 2.0  # seconds agents get to leave by themselves
RECONNECT_SPREAD = 5.0  # seconds over which they come back
SERVICES = [
    descriptor.services_by_name[name]
    for descriptor, name in (
        (agent_link_pb2.DESCRIPTOR, "AgentLink"),
        (chat_link_pb2.DESCRIPTOR, "ChatLink"),
        (control_pb2.DESCRIPTOR, "Control"),
    )
]


class Router:
    """The parts, put together."""

    def __init__(self, database: Database, identity: str, clock: Clock, api_key: str) -> None:
        self.database = database
        self.streams: set[LinkStream] = set()
        hub, waiting, jitter = Hub(), Waiting(), random.SystemRandom().random
        self.outbox = Outbox(clock, jitter, waiting)
        receipts = Receipts(self.outbox, clock, _new_id, hub.connected)
        self.delivery = Delivery(hub, receipts, waiting, clock, _new_id, jitter)
        session_service = SessionService(self.delivery, clock, hub.connected)
        self.enrolment = Enrolment(hub, session_service, clock, os.urandom)
        notices = Notices(self.outbox, clock, _new_id, os.urandom)
        upstream = UpstreamService(hub, self.delivery, session_service, notices, clock, identity)
        inbound = InboundService(self.delivery, receipts, ChatCommands(self.delivery, hub), clock)
        stats = Stats(database, hub, self.outbox, self.delivery, clock)
        self.guard = Guard(self.enrolment, database, clock)
        self.timers = Timers(database, self.delivery, self.outbox, waiting, clock)
        self.api_key = api_key
        self.servicers = (
            AgentLinkServicer(LinkServices(database, clock, self.delivery, upstream, self.streams), self.enrolment),
            ChatLinkServicer(database, inbound, self.outbox),
            ControlServicer(
                ControlServices(
                    database, clock, hub, self.delivery, session_service, notices, self.enrolment, waiting, stats
                )
            ),
        )

    async def recover(self) -> None:
        """Bring what a crash left behind into order before anyone may connect."""
        await self.database.write(self.delivery.recover)
        await self.database.write(self.outbox.recover)
        await self.database.write(self.enrolment.load)
        if self.api_key:
            await self.database.write(lambda tx: self.enrolment.bootstrap(tx, self.api_key))

    def drain(self) -> None:
        """Ask every agent to leave and come again later."""
        for stream in list(self.streams):
            if stream.link:
                stream.link.send(Drain(DRAIN_TIME, random.SystemRandom().random() * RECONNECT_SPREAD), urgent=True)


async def serve(config: RouterConfig, ready: Callable[[str], None]) -> None:
    """Run the router until SIGTERM or SIGINT. `ready` is told the address once it serves."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config, ready):
        await stop.wait()


@asynccontextmanager
async def running(
    config: RouterConfig, ready: Callable[[str], None], *, clock: Clock | None = None
) -> AsyncIterator[Router]:
    """A router that serves inside the block and is stopped in order after it."""
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(config.data_dir):
        database = Database(config.database_path, asyncio.get_running_loop())
        identity = await asyncio.to_thread(_prepare, database)
        router = Router(database, identity, clock or SteadyClock(), config.api_key)
        database.start()
        await router.recover()
        server, health = _server(router)
        address = _bind(server, config)
        await server.start()
        timers = asyncio.create_task(router.timers.run(health.tell))
        await health.tell(writable=True)
        ready(address)
        try:
            yield router
        finally:
            await _stop(router, server, health, timers)


async def _stop(router: Router, server: grpc.aio.Server, health: Health, timers: "asyncio.Task[None]") -> None:
    await health.leave()  # no new work is sent here
    router.drain()  # agents leave by themselves, and come back spread over time
    if left := [stream.ended for stream in router.streams]:
        await asyncio.wait(left, timeout=DRAIN_TIME)
    for stream in list(router.streams):
        stream.end(Reason.DRAINING, "the router is going down")
    await server.stop(grace=1.0)
    timers.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await timers
    await router.database.stop()  # last: everything above may still write


def _server(router: Router) -> tuple[grpc.aio.Server, Health]:
    server = grpc.aio.server(options=OPTIONS)
    pairs = zip(SERVICES, router.servicers, strict=True)
    server.add_generic_rpc_handlers(tuple(handlers(service, servicer, router.guard) for service, servicer in pairs))
    names = [*(service.full_name for service in SERVICES), HEALTH_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server)
    return server, Health(server)


def _bind(server: grpc.aio.Server, config: RouterConfig) -> str:
    host = config.listen.rpartition(":")[0]
    try:
        if config.tls:
            port = server.add_secure_port(config.listen, _credentials(config.tls))
        else:
            port = server.add_insecure_port(config.listen)
    except RuntimeError:
        raise SettingsError(f"cannot listen on {config.listen}: is another router running there?") from None
    return f"{host}:{port}"


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    pair = [(tls.key.read_bytes(), tls.certificate.read_bytes())]
    ca = tls.client_ca.read_bytes() if tls.client_ca else None
    return grpc.ssl_server_credentials(pair, root_certificates=ca, require_client_auth=ca is not None)


def _prepare(database: Database) -> str:
    previous = os.umask(0o077)  # the database holds what people write
    try:
        connection = database.connection()
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise SettingsError(f"the database {database.path} is damaged ({problem}): restore a backup")
        migrate(connection)
        return router_id(connection, _new_id)
    finally:
        database.peewee.close()
        os.umask(previous)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "router.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"another router uses {folder}: stop it, or choose another data folder") from None
        yield


def _new_id() -> str:
    return str(uuid_utils.uuid7())

"""AgentLink: carries frames between machines' streams and the services."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import grpc
from agentlink.v1 import agent_link_pb2 as link_pb
from google.protobuf.message import DecodeError

from router.api import convert, files, newer, terms
from router.api.errors import abort
from router.api.server import Call, Context, frames, last_word, last_write
from router.clock import Clock
from router.domain.command import Command
from router.domain.credentials import Principal
from router.domain.errors import Reason, Refusal
from router.domain.frames import AgentFrame, Drain, Hello, Receipts, Result, Upstream
from router.link.connection import ROTATE_EVERY, Close, Connection, Greet, Handle, Reply, Step, spread
from router.link.hub import WINDOW, WINDOW_BATCHED, Link
from router.services.delivery.engine import ACK_TIMEOUT, DeliveryEngine
from router.services.files import Files
from router.services.links.enrolment import Enrolment
from router.services.links.presence import Presence
from router.services.links.upstream import UpstreamService
from router.store.database import Database, Transaction

logger = logging.getLogger(__name__)
ENROL_PAUSE = 1.0  # seconds a peer waits after a wrong join token
BATCH_BYTES = 512 * 1024  # of commands in one frame; half of what a frame may have
_OUR_DOING = (
    Reason.DRAINING,
    Reason.STORAGE_UNAVAILABLE,
    Reason.DUPLICATE_MACHINE,
)  # ends of links that blame no command
LOOK_EVERY = 10.0  # seconds between looks for commands without a receipt


@dataclass(frozen=True, slots=True)
class LinkServices:
    """What a stream needs of the house."""

    database: Database
    clock: Clock
    delivery: DeliveryEngine
    upstream: UpstreamService
    presence: Presence
    jitter: Callable[[], float]


class AgentLinkServicer:
    """The service machines call."""

    def __init__(self, services: LinkServices, enrolment: Enrolment, files: Files) -> None:
        self._services = services
        self._files = files
        self._enrolment = enrolment
        self._streams: set[LinkStream] = set()
        self._tried: dict[str, float] = {}  # peers that may have guessed, when (monotonic)

    async def Connect(self, principal: Principal, context: Context) -> None:
        stream = LinkStream(principal.machine_id, context, self._services)
        self._streams.add(stream)
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)

    async def GetPart(self, request: link_pb.GetCommandPartRequest, call: Call) -> link_pb.GetCommandPartResponse:
        data = await self._files.get(call.principal.machine_id, request.command_id, request.number)
        return link_pb.GetCommandPartResponse(data=data)

    async def PutPart(self, request: link_pb.PutPartRequest, call: Call) -> link_pb.PutPartResponse:
        machine_id = call.principal.machine_id
        number = await self._files.put_out(machine_id, request.file_id, request.number, request.data)
        return link_pb.PutPartResponse(next_number=number)

    async def NotifyWithFiles(
        self, request: link_pb.NotifyWithFilesRequest, call: Call
    ) -> link_pb.NotifyWithFilesResponse:
        told = replace(convert.notify(request.notify), files=files.told(request))
        await self._files.notify(call.principal.machine_id, told)
        return link_pb.NotifyWithFilesResponse()

    async def drain_all(self, patience: float, reconnect_within: float) -> None:
        """Ask every agent to leave, and to come back spread over some seconds; wait for them, but not for ever."""
        for stream in list(self._streams):
            await stream.drain(patience, self._services.jitter() * reconnect_within)
        if left := [stream.ended for stream in self._streams]:
            await asyncio.wait(left, timeout=patience)

    def end_all(self, reason: Reason, text: str) -> None:
        """End every stream."""
        for stream in list(self._streams):
            stream.end(reason, text)

    async def Enroll(self, request: link_pb.EnrollRequest, call: Call) -> link_pb.EnrollResponse:
        peer, now = call.context.peer().rpartition(":")[0], self._services.clock.monotonic()
        self._tried = {who: at for who, at in self._tried.items() if at > now - ENROL_PAUSE}
        if peer in self._tried:
            raise Refusal(Reason.BUSY, "One try a second. Wait and try again.", retry_after=ENROL_PAUSE)
        self._tried[peer] = now  # before the answer, so that guesses cannot be made side by side
        token, wanted, key = request.join_token, request.machine_id, request.public_key
        machine_id = await self._services.database.write(lambda tx: self._enrolment.enrol(tx, token, wanted, key))
        self._tried.pop(peer, None)  # it was no guess
        return link_pb.EnrollResponse(machine_id=machine_id, router_id=self._services.upstream.router_id)


class LinkStream:
    """One open stream: a reader that never waits for acting, one writer, and a watch on the time."""

    def __init__(self, machine_id: str, context: Context, services: LinkServices) -> None:
        self._machine_id = machine_id
        self._context = context
        self._services = services
        self._connection = Connection(machine_id, services.clock.monotonic())
        self.ended: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self.link: Link | None = None
        self._writer: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Carry frames until the stream ends; then let what was not confirmed wait for the next link."""
        tasks = [asyncio.create_task(self._guarded(part)) for part in (self._read, self._watch)]
        close = Close(Reason.UNSPECIFIED, "the stream was lost")
        try:
            close = await asyncio.shield(self.ended)
        except Exception:
            close = Close(Reason.UNSPECIFIED, "the router made a mistake", clean=True)  # that blames no command
            raise
        finally:
            for task in tasks:
                task.cancel()
            lost = self._forget(close)
            logger.info("link closed", extra={"machine": self._machine_id, "reason": close.text})
            await last_word(lost)
            if self._writer:
                await last_write(self._writer)
        if close.reason is not Reason.UNSPECIFIED:
            await abort(self._context, Refusal(close.reason, close.text))

    def end(self, reason: Reason, text: str, *, clean: bool = False) -> None:
        """Close the stream; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(Close(reason, text, clean))

    def fail(self, error: Exception) -> None:
        """Close the stream for a mistake of ours; the caller gets what any other call would."""
        if not self.ended.done():
            self.ended.set_exception(error)

    async def drain(self, patience: float, reconnect_after: float) -> None:
        """Ask the agent to leave and to come back."""
        for step in self._connection.drain(self._services.clock.monotonic(), patience, reconnect_after):
            await self._perform(step)

    async def _read(self) -> None:
        async for raw in frames(self._context):
            if self.link:
                self.link.heard_at = self._services.clock.now()
            for step in self._parsed(raw):
                await self._perform(step)
        self.end(Reason.UNSPECIFIED, "the stream ended without a goodbye")

    def _parsed(self, raw: bytes) -> list[Step]:
        now = self._services.clock.monotonic()
        try:
            return self._connection.receive(*_read(raw), now)
        except ValueError as error:
            return self._connection.bad_frame(str(error), now)

    async def _perform(self, step: Step) -> None:
        match step:
            case Handle(frame) if self.link:
                self._handle(self.link, frame)
            case Reply(Drain() as frame) if self.link:
                self.link.draining = True
                self.link.send(frame)  # behind the commands that are on disk as sent
            case Reply(frame) if self.link:
                self.link.send(frame, urgent=True)
            case Greet(hello):
                await self._greet(hello)
            case Close(reason, text, clean):
                self.end(reason, text, clean=clean)

    async def _greet(self, hello: Hello) -> None:
        batches = "command_batch" in hello.capabilities
        most = WINDOW_BATCHED if batches else WINDOW
        link = Link(self._machine_id, batches, min(hello.max_in_flight or most, most))
        link.heard_at = self._services.clock.now()
        upstream = self._services.upstream
        self.link = link  # before the write: a stream that dies meanwhile must still take its link back
        welcome = await self._services.database.write(lambda tx: upstream.open(tx, link, hello))
        if isinstance(welcome, Refusal):
            raise welcome
        rotate_at = self._services.clock.monotonic() + spread(ROTATE_EVERY, self._services.jitter())
        self._connection.welcomed(
            welcome.link_epoch,
            upstream_acked=welcome.upstream_acked,
            interval=welcome.heartbeat_interval,
            rotate_at=rotate_at,
        )
        self._writer = asyncio.create_task(self._guarded(self._write))
        logger.info("link opened", extra={"machine": self._machine_id, "epoch": welcome.link_epoch})

    def _handle(self, link: Link, frame: Receipts | Upstream) -> None:
        delivery, upstream = self._services.delivery, self._services.upstream

        def operation(tx: Transaction) -> None:
            if isinstance(frame, Receipts):
                delivery.received(tx, link, frame.items)
            else:
                upstream.take(tx, link, frame.items)

        lazy = link.caught_up and (isinstance(frame, Receipts) or all(isinstance(item, Result) for item in frame.items))
        self._services.database.write(operation, lazy=lazy).add_done_callback(self._written)

    def _written(self, future: "asyncio.Future[None]") -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, Refusal):
            logger.warning("link frame not stored: %s", error, extra={"machine": self._machine_id})
            self.end(Reason.STORAGE_UNAVAILABLE, "The router cannot write its database now. Come again.")
        elif isinstance(error, Exception):
            self.fail(error)

    async def _write(self) -> None:
        link = self.link
        while link is not None and not link.gone:
            await link.wake.wait()
            link.wake.clear()
            while (link.urgent or link.normal) and not link.gone:
                await self._context.write(self._next(link))
            if link.closing:
                self.end(*link.closing)
                return

    def _next(self, link: Link) -> bytes:
        lane = link.urgent or link.normal
        frame = lane.popleft()
        if not (link.batches and isinstance(frame, Command) and lane and isinstance(lane[0], Command)):
            return convert.router_frame(frame, link.epoch).SerializeToString()
        batch, size = [frame], frame.size
        while lane and isinstance(lane[0], Command) and size + lane[0].size < BATCH_BYTES:
            size += lane[0].size
            batch.append(lane.popleft())  # type: ignore[arg-type]
        return convert.command_batch(batch, link.epoch).SerializeToString()

    async def _watch(self) -> None:
        clock = self._services.clock
        while True:
            await asyncio.sleep(min(LOOK_EVERY, max(0.0, self._connection.deadline() - clock.monotonic())))
            now = clock.monotonic()
            for step in self._connection.tick(now):
                await self._perform(step)
            oldest = self.link.oldest() if self.link else None
            if oldest is not None and now - oldest >= ACK_TIMEOUT:
                self.end(Reason.ACK_TIMEOUT, f"no receipt within {ACK_TIMEOUT:.0f} s")

    def _forget(self, close: Close) -> "asyncio.Future[None]":
        link, delivery = self.link, self._services.delivery
        if link is None:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        link.gone = True
        link.wake.set()
        late, meant = close.reason is Reason.ACK_TIMEOUT, close.clean or close.reason in _OUR_DOING

        def operation(tx: Transaction) -> None:
            delivery.lost(tx, link, ack_timeout=late, on_purpose=meant)
            self._services.presence.left(tx, link)

        return self._services.database.write(operation)

    async def _guarded(self, part: Callable[[], Awaitable[Any]]) -> None:
        try:
            await part()
        except Refusal as refusal:
            self.end(refusal.reason, refusal.text)
        except grpc.aio.InternalError:  # a write on a stream whose peer is gone
            self.end(Reason.UNSPECIFIED, "the stream was lost")
        except asyncio.CancelledError:
            self.end(Reason.UNSPECIFIED, "the stream was lost")
            raise
        except Exception as error:  # noqa: BLE001 - it is logged where the call ends
            self.fail(error)


def _read(raw: bytes) -> tuple[int, AgentFrame]:
    """Epoch and frame. Raises ValueError for what is none; a durable one that cannot be read still has its number."""
    if len(raw) > terms.MAX_FRAME_BYTES:
        return newer.malformed(raw, f"a frame may have {terms.MAX_FRAME_BYTES} bytes")
    try:
        frame = link_pb.AgentFrame.FromString(raw)
    except DecodeError as error:
        return newer.malformed(raw, str(error))
    return frame.link_epoch, convert.agent_frame(frame)

"""One machine's open stream: carries frames between it and the services, until either has enough."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc

from router.api.convert.command_frames import commands_frame
from router.api.convert.frames import read_frame, router_frame
from router.api.errors import abort
from router.api.handlers import Context, last_word, last_write
from router.api.turns import Turns
from router.clock import Clock
from router.domain.command import Command
from router.domain.credentials import Principal
from router.domain.delta import SaidDelta
from router.domain.errors import Reason, Refusal
from router.domain.frames import Drain, Handled, Heartbeat, Hello, Receipts, Result, Upstream, UpstreamAck
from router.domain.screen import Screen
from router.domain.session_event import EventsQuery
from router.link.connection import ROTATE_EVERY, Close, Connection, Greet, Handle, Reply, Step, spread
from router.link.flow import SLICE, Flow
from router.link.hub import WINDOW, WINDOW_BATCHED, Link, unheard
from router.services.delivery.engine import ACK_TIMEOUT, DeliveryEngine
from router.services.events import EventLog
from router.services.links import desk
from router.services.links.presence import Presence
from router.services.links.upstream import UpstreamService
from router.services.screens import Screens
from router.store.database import Database, Transaction

T = TypeVar("T")
logger = logging.getLogger(__name__)
BATCH_BYTES = 512 * 1024  # of commands in one frame; half of what a frame may have
LOOK_EVERY = 10.0  # seconds between looks for commands without a receipt
_OUR_DOING = (
    Reason.DRAINING,
    Reason.STORAGE_UNAVAILABLE,
    Reason.DUPLICATE_MACHINE,
    Reason.KEY_REPLACED,
)  # such ends blame no command


@dataclass(frozen=True, slots=True)
class LinkServices:
    """What a stream needs of the house."""

    database: Database
    clock: Clock
    delivery: DeliveryEngine
    upstream: UpstreamService
    presence: Presence
    turns: Turns
    events: EventLog
    screens: Screens
    jitter: Callable[[], float]


class LinkStream:
    """One open stream. The call's own task reads, and never waits for acting; a writer runs while there is something
    to say, and a timer watches.

    So a link that is idle holds one task: of links there are thousands.
    """

    def __init__(self, principal: Principal, context: Context, services: LinkServices) -> None:
        self._machine_id = machine_id = principal.machine_id
        self._public_key = principal.public_key
        self._context = context
        self._services = services
        self._connection = Connection(machine_id, services.clock.monotonic())
        self._flow = Flow(services.clock.monotonic())
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Close] = self._loop.create_future()
        self.link: Link | None = None
        self._reader: asyncio.Task[Any] | None = None  # while it reads
        self._writer: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(self._until_look(), self._look)

    async def run(self) -> None:
        """Carry frames until the stream ends; then let what was not confirmed wait for the next link."""
        close = Close(Reason.UNSPECIFIED, "the stream was lost")
        try:
            close = await self._read_until_ended()
        except Exception:
            close = Close(Reason.UNSPECIFIED, "the router made a mistake", clean=True)  # that blames no command
            raise
        finally:
            self._timer.cancel()
            # Before the writer is waited for: what was sent must be queued again though the peer never reads.
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
            self._stop_reading()

    def fail(self, error: Exception) -> None:
        """Close the stream for a mistake of ours; the caller gets what any other call would."""
        if not self.ended.done():
            self.ended.set_exception(error)
            self._stop_reading()

    def drain(self, patience: float, reconnect_after: float) -> None:
        """Ask the agent to leave and to come back."""
        for step in self._connection.drain(self._services.clock.monotonic(), patience, reconnect_after):
            self._act(step)

    def _stop_reading(self) -> None:
        if self._reader and self._reader is not asyncio.current_task():
            self._reader.cancel()

    async def _read_until_ended(self) -> Close:
        self._reader = reader = asyncio.current_task()
        try:
            await self._read()
        except asyncio.CancelledError:
            stopped = self.ended.done()
            self.end(Reason.UNSPECIFIED, "the stream was lost")
            # By whoever ended it; else by the caller, who hung up, or by both.
            if not stopped or reader is None or reader.uncancel():
                raise
        except Exception as error:  # noqa: BLE001 - it is logged where the call ends
            self._end_by(error)
        finally:
            self._reader = None
        return self.ended.result()

    async def _read(self) -> None:
        while not self.ended.done():
            raw: object = await self._context.read()
            if not isinstance(raw, bytes):  # gRPC's mark for the end
                self.end(Reason.UNSPECIFIED, "the stream ended without a goodbye")
                return
            await self._take(raw)
            del raw  # else it would be kept until the next one comes

    async def _take(self, raw: bytes) -> None:
        if self.link:  # every frame is a sign of life; it is written once a minute, not here
            self.link.heard_at = self._services.clock.now()
        for step in self._parsed(raw):
            await self._perform(step)
            await self._rest(step)

    async def _rest(self, step: Step) -> None:
        """Read on when there is room for more; until then the rest waits at the machine."""
        if self.link:
            await self._flow.room(self.link.urgent)
        frame = step.frame if isinstance(step, Handle) else None
        # As much as is asked of the disk: a question about many sessions is many.
        count = len(frame.items) if isinstance(frame, Upstream) else 1
        if isinstance(frame, EventsQuery):
            count += len(frame.session_ids)
        if pause := self._flow.pause(count, self._services.clock.monotonic()):
            await asyncio.sleep(pause)

    def _parsed(self, raw: bytes) -> list[Step]:
        now = self._services.clock.monotonic()
        try:
            return self._connection.receive(*read_frame(raw), now)
        except ValueError as error:
            return self._connection.bad_frame(str(error), now)

    async def _perform(self, step: Step) -> None:
        match step:
            case Handle(frame) if self.link:
                await self._handle(self.link, frame)
            case Greet(hello):
                await self._greet(hello)
            case _:
                self._act(step)

    def _act(self, step: Step) -> None:
        match step:
            case Reply(Drain() as frame) if self.link:
                self.link.draining = True
                self.link.send(frame)  # behind the commands that are on disk as sent
            case Reply(frame) if self.link:
                self.link.send(frame, urgent=True)
            case Close(reason, text, clean):
                self.end(reason, text, clean=clean)

    async def _greet(self, hello: Hello) -> None:
        batches = "command_batch" in hello.capabilities
        most = WINDOW_BATCHED if batches else WINDOW
        link = Link(self._machine_id, self._public_key, batches, min(hello.max_in_flight or most, most))
        link.heard_at, link.wake = self._services.clock.now(), self._speak
        link.shows_screens, link.tells_deltas = (name in hello.capabilities for name in ("screen", "deltas"))
        upstream = self._services.upstream
        self.link = link  # before the write: a stream that dies meanwhile must still take its link back
        async with self._services.turns.inside():
            welcome = await self._services.database.write(lambda tx: upstream.open(tx, link, hello))
        # Returned, not raised, by the operation: a refusal that is raised would undo what it wrote.
        if isinstance(welcome, Refusal):
            raise welcome
        rotate_at = self._services.clock.monotonic() + spread(ROTATE_EVERY, self._services.jitter())
        self._connection.welcomed(
            welcome.link_epoch,
            upstream_acked=welcome.upstream_acked,
            interval=welcome.heartbeat_interval,
            rotate_at=rotate_at,
        )
        # The rest of it in slices: in one transaction, a crowd of sessions would keep everybody waiting.
        for rest in _slices(hello.sessions[SLICE:]):
            await self._services.database.write(partial(upstream.greeted, link=link, reports=rest))
            await self._flow.room(link.urgent)
        logger.info("link opened", extra={"machine": self._machine_id, "epoch": welcome.link_epoch})

    async def _handle(self, link: Link, frame: Handled) -> None:
        if isinstance(frame, Receipts):
            # Before its window is full: a command that finds no room is written, read and written again.
            urgent = link.caught_up and link.makes_room(item.command_id for item in frame.items)
            self._hand_in(link, frame, lazy=link.caught_up, urgent=urgent)
            return
        if isinstance(frame, Heartbeat):
            told = partial(desk.typed, machine_id=self._machine_id, frame=frame, clock=self._services.clock)
            self._services.database.write(told, lazy=True)
            return
        if isinstance(frame, Screen):
            self._services.screens.taken(link, frame)
            return
        if isinstance(frame, SaidDelta):
            self._services.events.deltas.taken(link, frame)
            return
        if not isinstance(frame, Upstream):
            self._services.events.taken(link, frame)
            return
        for items in _slices(frame.items):
            await self._flow.room(link.urgent)
            self._hand_in(link, Upstream(items), lazy=link.caught_up and all(isinstance(one, Result) for one in items))

    def _hand_in(self, link: Link, frame: Receipts | Upstream, *, lazy: bool, urgent: bool = False) -> None:
        delivery, upstream = self._services.delivery, self._services.upstream

        def operation(tx: Transaction) -> None:
            if isinstance(frame, Receipts):
                delivery.received(tx, link, frame.items)
            else:
                upstream.take(tx, link, frame.items)

        # Nobody waits for these: what is lazy may share the commit of what comes next.
        self._flow.writing(len(frame.items))
        written = self._services.database.write(operation, lazy=lazy, urgent=urgent)
        written.add_done_callback(lambda future: self._written(future, len(frame.items)))

    def _written(self, future: "asyncio.Future[None]", count: int) -> None:
        self._flow.written(count)
        error = None if future.cancelled() else future.exception()
        if isinstance(error, Refusal):
            logger.warning("link frame not stored: %s", error, extra={"machine": self._machine_id})
            self.end(Reason.STORAGE_UNAVAILABLE, "The router cannot write its database now. Come again.")
        elif isinstance(error, Exception):
            self.fail(error)

    def _speak(self) -> None:
        """There is something to say: let it be said."""
        if self._writer is None:
            self._writer = self._loop.create_task(self._write())

    async def _write(self) -> None:
        assert self.link is not None  # noqa: S101 - that woke it
        link = self.link
        try:
            while (link.urgent or link.normal) and not link.gone:
                await self._context.write(self._next(link))
                self._flow.sent()
        except asyncio.CancelledError:
            self.end(Reason.UNSPECIFIED, "the stream was lost")
            raise
        except Exception as error:  # noqa: BLE001 - it is logged where the call ends
            self._end_by(error)
        self._writer = None
        # After the last frame: the reason for the end must be heard by who is still there.
        if link.closing:
            self.end(*link.closing)

    def _next(self, link: Link) -> bytes:
        lane = link.urgent or link.normal
        frame = lane.pop(0)
        while isinstance(frame, UpstreamAck) and not frame.rejected and lane and isinstance(lane[0], UpstreamAck):
            frame = lane.pop(0)  # it says the same, and more
        if not isinstance(frame, Command):
            return router_frame(frame, link.epoch).SerializeToString()
        batch, size = [frame], frame.size
        # Only what waits anyhow: no command is held up to make a batch fuller.
        while link.batches and lane and isinstance(lane[0], Command) and size + lane[0].size < BATCH_BYTES:
            size += lane[0].size
            batch.append(lane.pop(0))  # type: ignore[arg-type]
        self._flow.asked(len(batch))
        return commands_frame(batch, link.epoch).SerializeToString()

    def _until_look(self) -> float:
        return min(LOOK_EVERY, max(0.0, self._connection.deadline() - self._services.clock.monotonic()))

    def _look(self) -> None:
        """What the passing of time brings."""
        try:
            now = self._services.clock.monotonic()
            if self._flow.unwritten:
                self._connection.behind(now)
            for step in self._connection.tick(now):
                self._act(step)
            # Heartbeats may go on while its disk hangs: the receipt tells that it does not.
            oldest = self.link.oldest() if self.link else None
            if oldest is not None and now - oldest >= ACK_TIMEOUT:
                self.end(Reason.ACK_TIMEOUT, f"no receipt within {ACK_TIMEOUT:.0f} s")
        except Exception as error:  # noqa: BLE001 - it is logged where the call ends
            self.fail(error)
        if not self.ended.done():
            self._timer = self._loop.call_later(self._until_look(), self._look)

    def _forget(self, close: Close) -> "asyncio.Future[None]":
        link, delivery = self.link, self._services.delivery
        if link is None:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        # At once, in memory: whoever claims from now on must not choose this link.
        link.gone, link.wake = True, unheard
        late, meant = close.reason is Reason.ACK_TIMEOUT, close.clean or close.reason in _OUR_DOING

        def operation(tx: Transaction) -> None:
            delivery.lost(tx, link, ack_timeout=late, on_purpose=meant)
            self._services.presence.left(tx, link)

        return self._services.database.write(operation)

    def _end_by(self, error: Exception) -> None:
        match error:
            case Refusal():
                self.end(error.reason, error.text)
            case grpc.aio.InternalError():  # a write on a stream whose peer is gone
                self.end(Reason.UNSPECIFIED, "the stream was lost")
            case _:
                self.fail(error)


def _slices(items: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    return (items[at : at + SLICE] for at in range(0, len(items), SLICE))

"""Carries one link: frames between a stream, the protocol core and the agent's disk and hands. Five loops, each with
one duty: read, write, act, report, beat. The first that knows the link is over says why.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Protocol

from agent.clock import Clock
from agent.domain.command import Command
from agent.domain.errors import StoreUnavailable
from agent.domain.frames import (
    AgentFrame,
    Cancel,
    Drain,
    Durable,
    FrameError,
    Goodbye,
    Hello,
    OfSessions,
    Receipt,
    Receipts,
    RouterFrame,
    Up,
    UpstreamAck,
    Welcome,
)
from agent.link.lanes import Lanes
from agent.link.protocol import End, Ending, Event, Link, gathered
from agent.loops import unless

logger = logging.getLogger(__name__)

_FULL = "REASON_QUOTA_"  # begins the reasons of a router that has as much of this machine as it takes
PARTING = 2.0  # seconds the router has to end the stream after our goodbye


class LinkLost(Exception):
    """The stream is over."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.text)
        self.ending = ending


class Unreadable(Exception):
    """Bytes that are no frame."""


class Stream(Protocol):
    """Frames in both directions. Both calls raise LinkLost when it is over."""

    async def read(self) -> RouterFrame:
        """The next frame. Raises Unreadable when there is one that cannot be read."""

    async def write(self, frame: AgentFrame) -> None:
        """Hand one frame over; one caller at a time."""

    async def finish(self) -> None:
        """Say that no more will be written."""

    def cancel(self) -> None:
        """Drop it now."""


class Handler(Protocol):
    """What a link needs from the agent. What stores raises StoreUnavailable when the disk is full."""

    @property
    def news(self) -> asyncio.Event:
        """Set when the outbox has grown; the link clears it."""

    async def probe(self) -> None:
        """See whether the disk has room for commands."""

    async def greeting(self) -> Hello:
        """Who we are and what we hold."""

    async def welcomed(self, welcome: Welcome) -> None:
        """Remember the epoch, forget what the router has."""

    async def store(self, commands: tuple[Command, ...]) -> tuple[Receipt, ...]:
        """Take commands; returns after the fsync."""

    async def cancel(self, command_id: str) -> None:
        """Take a command back if it has not started; the verdict goes through the outbox."""

    def acknowledge(self, seq: int, refused_for_now: frozenset[int]) -> None:
        """Forget what the router has on disk, when convenient; tell some of it again later."""

    async def pending(self, after: int, limit: int) -> tuple[Durable, ...]:
        """The next rows of the outbox."""

    def depth(self) -> int:
        """Commands that have not ended."""

    def typed(self) -> tuple[str, ...]:
        """Sessions at whose terminal somebody typed since the last time."""

    async def tell(self, send: Callable[[Up], None]) -> None:
        """Tell what sessions do, on a link whose router wants to know; until cancelled."""

    def told(self, frame: OfSessions) -> None:
        """How far the router is with that, or what else of them it wants to see."""


class Driver:
    """One link from hello to its ending."""

    def __init__(
        self, stream: Stream, handler: Handler, clock: Clock, changes_key: Callable[[], bool] = lambda: False
    ) -> None:
        """`changes_key` says whether this link is left when its welcome wants another key of this machine."""
        self.link = Link(clock.monotonic())
        self._changes_key = changes_key
        self._stream = stream
        self._handler = handler
        self._clock = clock
        self._lanes = Lanes()
        self._todo: deque[Event] = deque()
        self._arrived = asyncio.Event()  # `_todo` is not empty
        self._idle = asyncio.Event()  # what came is on disk and answered
        self._ready = asyncio.Event()  # the welcome is on disk: before that nothing is sent but hello
        self._reported = asyncio.Event()  # the outbox is in the lanes as far as the window allows
        self._windowed = False  # rows wait for room in the window
        self._told_full = False
        self._wants_events = False  # the router does
        self._retimed = asyncio.Event()  # the welcome brought other intervals
        self._drain: asyncio.Future[Drain] = asyncio.get_running_loop().create_future()
        self._leaving: Ending | None = None  # why we end it ourselves: then its loss is no news

    async def run(self, stop: asyncio.Event) -> Ending:
        """Carry the link until it ends; `stop` ends it with a goodbye."""
        try:
            hello = await unless(stop, self._handler.greeting())
            if hello is None:
                return Ending(End.STOPPED, "the agent is stopping")
            self._lanes.control(self.link.frame(hello))
            kept = (self._unless_full(self._act()), self._unless_full(self._report()))
            loops = (self._read(), self._write(), *kept, self._beat(), self._tell())
            return await _first((*loops, self._stop(stop), self._leave_when_told()))
        except StoreUnavailable as error:
            return Ending(End.DISK, error.text)
        except LinkLost as lost:
            return self._leaving or lost.ending
        finally:
            self._stream.cancel()

    @property
    def welcomed_for(self) -> float:
        """Seconds since welcome; 0 before."""
        at = self.link.welcomed_at
        return 0.0 if at is None else self._clock.monotonic() - at

    def leave(self) -> None:
        """End it in order, and come again at once."""
        self._take_in(Drain(PARTING, reconnect_after=0.0))

    async def _read(self) -> Ending:
        while True:
            try:
                frame = await self._stream.read()
            except Unreadable as error:
                logger.warning("unreadable frame: %s", error)
                if ending := self.link.unreadable(self._clock.monotonic()):
                    return ending
                continue
            event = self.link.receive(frame, self._clock.monotonic())
            if isinstance(event, Ending):
                return event
            if event is not None:
                self._take_in(event)

    def _take_in(self, event: Event) -> None:
        match event:
            case UpstreamAck(_, rejected):
                refused = self._refused(rejected)
                if self._ready.is_set():  # before that the outbox may be numbered anew
                    self._handler.acknowledge(self.link.acked, refused)
                if self._windowed:
                    self._handler.news.set()
            case _ if isinstance(event, OfSessions):
                self._handler.told(event)
            case FrameError(about, text):
                logger.warning("router could not take %s: %s", about, text)
            case Drain():
                if not self._drain.done():  # a second one changes nothing
                    self._drain.set_result(event)
            case _:
                self._todo.append(event)  # acted on elsewhere: reading never waits for the disk
                self._idle.clear()
                self._arrived.set()
        if isinstance(event, Welcome):
            self._retimed.set()

    def _refused(self, rejected: tuple[tuple[int, str, str], ...]) -> frozenset[int]:
        """Says what the router has not taken; the numbers of what it has no room for now."""
        for_now = set()
        for seq, reason, detail in rejected:
            is_full = reason.startswith(_FULL)
            if not (is_full and self._told_full):  # once for each link: there may be thousands
                logger.warning("router refused upstream_seq=%s reason=%s: %s", seq, reason, detail)
            self._told_full |= is_full
            if is_full:
                for_now.add(seq)
        return frozenset(for_now)

    async def _write(self) -> Ending:
        while (frame := await self._lanes.take()) is not None:
            await self._stream.write(frame)
        await self._stream.finish()
        return await _never()

    async def _act(self) -> Ending:
        """Everything that has to be on disk before it is answered, in order."""
        while True:
            while self._todo:
                # One transaction and one frame of receipts for all that came meanwhile.
                if commands := gathered(self._todo):
                    receipts = await self._handler.store(commands)
                    self._lanes.control(self.link.frame(Receipts(receipts)))
                else:
                    await self._act_on(self._todo.popleft())
            self._idle.set()
            self._arrived.clear()
            await self._arrived.wait()

    async def _act_on(self, event: Event) -> None:
        match event:
            case Welcome():
                await self._handler.welcomed(event)
                abilities = " ".join(sorted(event.capabilities))
                logger.info("link up epoch=%s protocol=%s router=%s", event.link_epoch, event.protocol, abilities)
                self._wants_events = "events" in event.capabilities
                self._ready.set()
                self._handler.news.set()
                if event.key_wanted and self._changes_key():
                    self.leave()
            case Cancel(command_id):
                await self._handler.cancel(command_id)

    async def _unless_full(self, loop: Coroutine[None, None, Ending]) -> Ending:
        """What cannot be stored is not confirmed: leave with a word, so that no command is blamed for it."""
        try:
            return await loop
        except StoreUnavailable as error:
            self._leaving = ending = Ending(End.DISK, error.text)
            with suppress(TimeoutError):
                async with asyncio.timeout(PARTING):
                    await self._say_goodbye(ending)
            return ending

    async def _report(self) -> Ending:
        """The outbox, as far as the window allows."""
        await self._ready.wait()  # the welcome may number the outbox anew
        news = self._handler.news
        while True:
            if not news.is_set():
                self._reported.set()
            await news.wait()
            self._reported.clear()
            news.clear()  # before the rows are read: what comes meanwhile sets it again
            self._windowed = True
            while room := self.link.room():
                rows = await self._handler.pending(self.link.sent, room)
                for frame in self.link.upstream(rows):
                    self._lanes.bulk(frame)
                if len(rows) < room:  # that was all; what comes now gives the news
                    self._windowed = False
                    break

    async def _tell(self) -> Ending:
        await self._ready.wait()
        if self._wants_events:
            await self._handler.tell(lambda body: self._lanes.events(self.link.frame(body)))
        return await _never()

    async def _beat(self) -> Ending:
        while True:
            self._retimed.clear()
            try:
                left = self.link.wakes_at() - self._clock.monotonic()  # may raise: nothing must be waited for yet
                await asyncio.wait_for(self._retimed.wait(), max(0.0, left))
            except TimeoutError:
                due = self.link.tick(self._clock.monotonic(), self._handler.depth(), self._handler.typed)
                if isinstance(due, Ending):
                    return due
                if due is not None:
                    self._lanes.control(due)

    async def _stop(self, stop: asyncio.Event) -> Ending:
        await stop.wait()
        self._leaving = Ending(End.STOPPED, "the agent is stopping")
        return await self._part(self._leaving, PARTING)

    async def _leave_when_told(self) -> Ending:
        drain = await self._drain
        ending = Ending(End.DRAINED, "another link takes its place", retry_after=drain.reconnect_after)
        self._leaving = ending
        return await self._part(ending, min(PARTING, drain.deadline))

    async def _caught_up(self) -> None:
        """Wait until everything in the outbox that the window allows is in the lanes."""
        while self._ready.is_set() and (self._handler.news.is_set() or not self._reported.is_set()):
            self._reported.clear()
            await self._reported.wait()

    async def _part(self, ending: Ending, patience: float) -> Ending:
        """Finish what came, say goodbye, and give the router time to end the stream."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()  # what came is confirmed, so that the router need not send it again
                await self._caught_up()
                await self._lanes.drained()  # results before the goodbye, behind which the router reads no more
                await self._say_goodbye(ending)
        return ending

    async def _say_goodbye(self, ending: Ending) -> None:
        self._lanes.control(self.link.frame(Goodbye(ending.text, will_return=True)))
        self._lanes.close()
        await _never()


async def _never() -> Ending:
    never: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
    return await never


async def _first(loops: tuple[Coroutine[None, None, Ending], ...]) -> Ending:
    """What the first loop to end says; the others are stopped."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return min(done, key=tasks.index).result()  # several may end at once: the first in the list knows best why

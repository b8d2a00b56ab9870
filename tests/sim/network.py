"""Streams as gRPC gives them to both programs, over a network that delays, loses and falls silent.

A stream keeps its order and loses nothing in the middle: it is cut, or it swallows everything from some moment on.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from agent.domain.frames import AgentFrame, RouterFrame
from agent.link import convert
from agent.link.driver import LinkLost
from agent.link.grpc_stream import ending_of
from agent.link.protocol import End, Ending
from tests.sim.loop import Life

TICK = 1e-6  # seconds


class Unreachable(Exception):
    """A call was not answered, or refused with a status."""

    def __init__(self, over: "Over") -> None:
        super().__init__(over.status.details if over.status else "no answer")
        self.helps_to_repeat = over.status is None or over.status.code in _PASSING


_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Over:
    """The end of a stream: with a status where the router gave one."""

    status: Any = None


class Pipe:
    """One direction of a stream."""

    def __init__(self, delay: Callable[[], float]) -> None:
        self.swallows = False
        self._delay = delay
        self._last = 0.0
        self._cut = False
        self._arrived: deque[bytes | Over] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def put(self, item: bytes | Over) -> None:
        """On its way; behind everything before it."""
        if self.swallows or self._cut:
            return
        loop = asyncio.get_running_loop()
        self._last = max(self._last + TICK, loop.time() + self._delay())  # equal times would lose the order
        loop.call_at(self._last, self._arrive, item)

    def stall(self, seconds: float) -> None:
        """Nothing arrives for so long; then everything does."""
        self._last = max(self._last, asyncio.get_running_loop().time() + seconds)

    def cut(self, notice_after: float) -> None:
        """What is on its way is lost; the receiver notices after some time."""
        if not self._cut:
            self._cut = True
            asyncio.get_running_loop().call_later(notice_after, self._deliver, Over())

    async def get(self) -> bytes | Over:
        """The next item; the end comes again and again."""
        while not self._arrived:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._arrived[0] if isinstance(self._arrived[0], Over) else self._arrived.popleft()

    def _arrive(self, item: bytes | Over) -> None:
        if not (self._cut or self.swallows):
            self._deliver(item)

    def _deliver(self, item: bytes | Over) -> None:
        self._arrived.append(item)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Stream:
    """A call from a client to the router: `up` and `down`, between two lives."""

    def __init__(self, client: Life, server: Life, delay: Callable[[], float]) -> None:
        self.up, self.down = Pipe(delay), Pipe(delay)
        self.client, self.server = client, server
        # What a dead process has written still arrives; then the kernel ends the stream.
        client.on_death.append(lambda: self.up.put(Over()))
        server.on_death.append(lambda: self.down.put(Over()))

    def cut(self, notice_up: float, notice_down: float) -> None:
        """Both sides lose it, each when it notices."""
        self.up.cut(notice_up)
        self.down.cut(notice_down)

    def swallow(self, *, up: bool, down: bool, notice_after: float) -> None:
        """Nothing goes through any more; nobody knows until keepalive says so."""
        self.up.swallows |= up
        self.down.swallows |= down
        asyncio.get_running_loop().call_later(notice_after, self.cut, 0.0, 0.0)


class ServerSide:
    """What a servicer of the router gets for a stream: the part of grpc.aio.ServicerContext that it uses."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self) -> Any:
        item = await self._stream.up.get()
        return grpc.aio.EOF if isinstance(item, Over) else item

    async def write(self, data: bytes) -> None:
        if self._stream.server.alive:
            self._stream.down.put(data)

    async def send_initial_metadata(self, metadata: object) -> None:
        """The client learns nothing from it here."""

    async def abort_with_status(self, status: Any) -> None:
        if self._stream.server.alive:
            self._stream.down.put(Over(status))
        raise grpc.aio.AbortError

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"


class AgentSide:
    """What an agent's driver gets for a stream."""

    def __init__(self, stream: Stream, seen: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._seen = seen

    async def read(self) -> RouterFrame:
        item = await self._stream.down.get()
        if isinstance(item, Over):
            raise LinkLost(_ending(item))
        self._seen(item)
        return convert.router_frame(item)

    async def write(self, frame: AgentFrame) -> None:
        if self._stream.client.alive:
            self._stream.up.put(convert.agent_frame(frame))

    async def finish(self) -> None:
        if self._stream.client.alive:
            self._stream.up.put(Over())

    def cancel(self) -> None:
        if self._stream.client.alive:
            self._stream.up.put(Over())
            self._stream.down.cut(0.0)


def _ending(over: Over) -> Ending:
    if over.status is None:
        return Ending(End.LOST, "the stream ended")
    trailing = grpc.aio.Metadata(*over.status.trailing_metadata)
    return ending_of(grpc.aio.AioRpcError(over.status.code, grpc.aio.Metadata(), trailing, over.status.details, None))

"""A TCP proxy on loopback that treats connections as bad networks do. It knows nothing of what it carries."""

import asyncio
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

_CHUNK = 65536
_LOOK = 0.1  # seconds between looks whether the other end has found out
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST instead of FIN


@dataclass(slots=True)
class Weather:
    """What happens to bytes of one direction from now on."""

    latency: float = 0.0  # seconds, before each chunk
    swallow: bool = False  # nothing arrives, an end neither
    rate: float = 0.0  # bytes a second; 0 is as fast as it goes
    corrupt: bool = False  # one bit of the next chunk
    cut_after: int | None = None  # bytes until both ends are reset


@dataclass(eq=False, slots=True)
class Wire:
    """One connection: `up` is from whoever connected, `down` is towards them. Weather belongs to the proxy's loop."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    opened_at: float
    up: Weather = field(default_factory=Weather)
    down: Weather = field(default_factory=Weather)
    client_gone_at: float | None = None  # monotonic; when that end closed its side by itself
    server_gone_at: float | None = None
    over: bool = False  # both sockets are closed

    def reset(self) -> None:
        """RST both ends."""
        for writer in (self.client, self.server):
            _reset(writer)

    def half_close(self) -> None:
        """Tell the server that nothing more will come, and go on carrying the other direction."""
        self.up.swallow = True
        _end(self.server)


class ChaosProxy:
    """Listens on a port of its own; `upstream` is the port on loopback that new connections go to."""

    def __init__(self, upstream: int = 0) -> None:
        self.upstream = upstream
        self.port = 0
        self.wires: list[Wire] = []
        self.refused = 0  # connections, as nobody was there to carry them to
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-proxy")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def upstream_address(self) -> str:
        """Where new connections go, for whoever wants to go there directly."""
        return f"127.0.0.1:{self.upstream}"

    def __enter__(self) -> "ChaosProxy":
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def live(self) -> list[Wire]:
        """Connections that neither end has given up."""
        return [wire for wire in self.wires if wire.client_gone_at is None and wire.server_gone_at is None]

    def each(self, action: Callable[[Wire], object]) -> list[Wire]:
        """Do something to every connection that is open now; returns them once it is done."""
        done = threading.Event()
        struck: list[Wire] = []

        def act() -> None:
            for wire in self.live():
                struck.append(wire)
                action(wire)
            done.set()

        self._loop.call_soon_threadsafe(act)
        done.wait()
        return struck

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()
        for wire in self.wires:
            wire.reset()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            _reset(writer)
            self.refused += 1
            return
        wire = Wire(writer, up_writer, time.monotonic())
        self.wires.append(wire)
        try:
            with suppress(asyncio.CancelledError):  # the proxy closes
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pump(reader, wire, wire.up))
                    both.create_task(_pump(up_reader, wire, wire.down))
        finally:
            wire.reset()
            wire.over = True


async def _pump(reader: asyncio.StreamReader, wire: Wire, weather: Weather) -> None:
    writer = wire.server if weather is wire.up else wire.client
    broken = False
    try:
        while data := await reader.read(_CHUNK):
            await _forward(data, wire, weather, writer)
    except OSError:
        broken = True
    _note_end(wire, weather)
    if weather.swallow:
        await _until_gone(wire, weather)  # the other end has to find out by itself
    elif broken:
        wire.reset()
    else:
        _end(writer)


async def _forward(data: bytes, wire: Wire, weather: Weather, writer: asyncio.StreamWriter) -> None:
    if weather.latency:
        await asyncio.sleep(weather.latency)
    if weather.swallow:
        return
    if weather.corrupt:
        weather.corrupt = False
        data = data[:-1] + bytes([data[-1] ^ 0x10])
    if weather.cut_after is not None and len(data) >= weather.cut_after:
        writer.write(data[: weather.cut_after])
        wire.reset()
        return
    if weather.cut_after is not None:
        weather.cut_after -= len(data)
    if weather.rate:
        await _drip(data, weather, writer)
        return
    writer.write(data)
    await writer.drain()


async def _drip(data: bytes, weather: Weather, writer: asyncio.StreamWriter) -> None:
    for number in itertools.count():
        if number == len(data):
            return
        writer.write(data[number : number + 1])
        await writer.drain()
        if writer.is_closing():
            raise ConnectionResetError
        await asyncio.sleep(1 / weather.rate if weather.rate else 0)


def _note_end(wire: Wire, weather: Weather) -> None:
    now = time.monotonic()
    if weather is wire.up and wire.client_gone_at is None:
        wire.client_gone_at = now
    elif weather is wire.down and wire.server_gone_at is None:
        wire.server_gone_at = now


async def _until_gone(wire: Wire, weather: Weather) -> None:
    while (wire.server_gone_at if weather is wire.up else wire.client_gone_at) is None:
        await asyncio.sleep(_LOOK)


def _end(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # that end is gone altogether
        if not writer.is_closing():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()

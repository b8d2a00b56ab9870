"""HTTP/2 as no gRPC library would speak it: calls that are begun and never finished, and bodies as far as they go."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x8
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
INITIAL_WINDOW, MAX_STREAMS = 0x4, 0x3  # settings
WINDOW, FRAME = 65_535, 16_384  # until the server says otherwise


class RawConnection:
    """One connection. It reads what comes, keeps within the server's windows, and gives nothing back. Until it has
    begun it sends nothing at all: not even that it took the server's settings."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.settings: dict[int, int] = {}
        self.ended: dict[int, str] = {}  # streams that the server ended, and by what
        self.said: set[int] = set()  # streams on which the server sent a message
        self.closed = asyncio.Event()
        self._begun = False
        self._pongs = 0
        self._changed = asyncio.Condition()
        self._window = WINDOW
        self._windows: defaultdict[int, int] = defaultdict(lambda: self.settings.get(INITIAL_WINDOW, WINDOW))
        self._next = 1

    async def begin(self) -> None:
        """Say that it is HTTP/2."""
        self._begun = True
        self._writer.write(PREFACE)
        await self._send(SETTINGS, 0, 0, b"")

    async def call(self, path: str, *metadata: tuple[str, str]) -> int:
        """Begin a call: the headers alone. Its stream's number."""
        stream, self._next = self._next, self._next + 2
        fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "router"),
                  ("te", "trailers"), ("content-type", "application/grpc"), *metadata]  # fmt: skip
        await self._send(HEADERS, END_HEADERS, stream, b"".join(_field(*field) for field in fields))
        return stream

    async def body(self, stream: int, data: bytes) -> int:
        """Send as much of this as the server takes; waits for windows until the stream ends. How much it was."""
        sent = 0
        while sent < len(data):
            async with self._changed:
                await self._changed.wait_for(
                    lambda: self.is_over(stream) or min(self._window, self._windows[stream]) > 0
                )
                if self.is_over(stream):
                    break
                part = data[sent : sent + min(FRAME, self._window, self._windows[stream])]
                self._window -= len(part)
                self._windows[stream] -= len(part)
            sent += len(part)
            await self._send(DATA, 0, stream, part)
        return sent

    async def end(self, stream: int) -> None:
        """No more comes on this stream."""
        await self._send(DATA, END_STREAM, stream, b"")

    def is_over(self, stream: int) -> bool:
        return self.closed.is_set() or stream in self.ended

    async def over(self, stream: int) -> None:
        """Come back once the server has ended a stream, or the connection."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_over(stream))

    async def answered(self) -> None:
        """Come back once the server has read everything that was sent so far."""
        before = self._pongs
        await self._send(PING, 0, 0, bytes(8))
        async with self._changed:
            await self._changed.wait_for(lambda: self.closed.is_set() or self._pongs > before)

    async def greeted(self) -> None:
        """Come back once the server has said what it takes."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.closed.is_set() or self.settings)

    async def _send(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if not self._begun:
            return
        with suppress(ConnectionError):
            self._writer.write(struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload)
            await self._writer.drain()

    async def read(self) -> None:
        """Read until the server closes."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await self._reader.readexactly(9)
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                payload = await self._reader.readexactly(int.from_bytes(head[:3]))
                await self._take(kind, flags, stream, payload)
        async with self._changed:
            self.closed.set()
            self._changed.notify_all()

    async def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        async with self._changed:
            if kind == SETTINGS and not flags & ACK:
                self._settle(dict(struct.iter_unpack(">HI", payload)))
                await self._send(SETTINGS, ACK, 0, b"")
            elif kind == PING and flags & ACK:
                self._pongs += 1
            elif kind == PING:
                await self._send(PING, ACK, 0, payload)
            elif kind == WINDOW_UPDATE:
                more = int.from_bytes(payload)
                if stream:
                    self._windows[stream] += more
                else:
                    self._window += more
            elif kind == RST_STREAM:
                self.ended.setdefault(stream, f"reset {int.from_bytes(payload)}")
            elif kind == DATA:
                self.said.add(stream)
            elif kind == HEADERS and flags & END_STREAM:
                self.ended.setdefault(stream, "trailers")
            self._changed.notify_all()

    def _settle(self, settings: dict[int, int]) -> None:
        before = self.settings.get(INITIAL_WINDOW, WINDOW)
        self.settings |= settings
        for stream in self._windows:
            self._windows[stream] += self.settings.get(INITIAL_WINDOW, WINDOW) - before


@asynccontextmanager
async def raw_connection(address: str, *, speaks: bool = True) -> AsyncIterator[RawConnection]:
    """A connection that has sent its preface, if it `speaks` at all."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    connection = RawConnection(reader, writer)
    if speaks:
        await connection.begin()
    reading = asyncio.create_task(connection.read())
    try:
        yield connection
    finally:
        reading.cancel()
        writer.close()


def message(size: int) -> bytes:
    """The head of a gRPC message of so many bytes."""
    return struct.pack(">BI", 0, size)


def _field(name: str, value: str) -> bytes:
    """Never indexed, in plain letters (RFC 7541, 6.2.2)."""
    return b"\x00" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _number(len(raw)) + raw


def _number(number: int) -> bytes:
    if number < 127:
        return bytes([number])
    parts, number = [127], number - 127
    while number > 127:
        parts.append(number % 128 + 128)
        number //= 128
    return bytes([*parts, number])

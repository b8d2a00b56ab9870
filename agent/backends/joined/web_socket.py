"""A WebSocket over a Unix socket (RFC 6455), as its client: JSON messages both ways."""

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from agent import peers

MOST = 64 * 1024 * 1024  # bytes of one message: diffs and outputs come whole
_PATIENCE = 10.0  # seconds to connect
_CONTINUES, _TEXT, _CLOSE, _PING, _PONG = 0, 1, 8, 9, 10
_UPGRADE = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


class WebSocket:
    """One connection; `connect` makes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: str) -> Self:
        """Raises OSError, also where another account listens there."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            async with asyncio.timeout(_PATIENCE):
                connection.setblocking(False)  # noqa: FBT003 -- the standard library's own
                await asyncio.get_running_loop().sock_connect(connection, path)
                peers.check_agent(connection)
                made = cls(*await asyncio.open_unix_connection(sock=connection))
                await made._shake_hands()
        except BaseException:
            connection.close()
            raise
        return made

    async def _shake_hands(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._writer.write(f"{_UPGRADE}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = b""
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError("what listens there speaks no WebSocket")

    async def send(self, message: Mapping[str, object]) -> None:
        """Raises OSError where it is gone."""
        await self._send(_TEXT, json.dumps(message).encode())

    async def receive(self) -> bytes:
        """The next message. Raises OSError when there are no more."""
        message = bytearray()
        try:
            while True:
                opcode, is_last, data = await self._frame()
                if opcode == _CLOSE:
                    raise ConnectionError("closed")
                if opcode == _PING:
                    await self._send(_PONG, data)
                if opcode not in (_TEXT, _CONTINUES):
                    continue
                message += data
                if len(message) > MOST:
                    raise ConnectionError("a message is too long")
                if is_last:
                    return bytes(message)
        except asyncio.IncompleteReadError:
            raise ConnectionError("it ended") from None

    async def close(self) -> None:
        """Without a word: whoever listens there knows clients that go."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _frame(self) -> tuple[int, bool, bytes]:
        first, second = await self._reader.readexactly(2)
        size = second & 127
        if size > 125:
            form = ">H" if size == 126 else ">Q"
            (size,) = struct.unpack(form, await self._reader.readexactly(struct.calcsize(form)))
        if size > MOST:
            raise ConnectionError("a frame is too long")
        mask = await self._reader.readexactly(4) if second & 128 else b""
        data = await self._reader.readexactly(size)
        return first & 15, bool(first & 128), _masked(data, mask) if mask else data

    async def _send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        length = bytes([128 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        if size > 65535:
            length = b"\xff" + struct.pack(">Q", size)
        mask = os.urandom(4)
        self._writer.write(bytes([128 | opcode]) + length + mask + _masked(data, mask))
        await self._writer.drain()


def _masked(data: bytes, mask: bytes) -> bytes:
    whole = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(data), "big")

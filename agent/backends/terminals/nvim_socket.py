"""Questions to an nvim over its socket, in MessagePack-RPC, as its own `--remote-expr` asks them.

One question is a connection of its own: [0, 1, "nvim_eval", [expression]] goes out, [1, 1, error, result] comes back.
Of MessagePack (msgpack.org) all kinds are read and strings alone are written.
"""

import asyncio
import struct
from contextlib import suppress

from agent.backends.terminals.keyboard import Refused, Silent

MOST = 8 * 1024 * 1024
"""Bytes of one answer."""

DEEPEST = 32
"""Lists within lists that are read."""

_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i",
    0xD3: ">q",
}  # fmt: skip
# What has its length before it: how the length is written, and how many bytes more than it says there are.
_BYTES = {
    0xC4: (">B", 0), 0xC5: (">H", 0), 0xC6: (">I", 0), 0xD9: (">B", 0), 0xDA: (">H", 0), 0xDB: (">I", 0),
    0xC7: (">B", 1), 0xC8: (">H", 1), 0xC9: (">I", 1),
}  # fmt: skip
_LISTS = {0xDC: (">H", 1), 0xDD: (">I", 1), 0xDE: (">H", 2), 0xDF: (">I", 2)}  # and how many values are one item
_SINGLE = {0xC0: None, 0xC2: False, 0xC3: True}


class Unfinished(Exception):
    """More is to come."""


class Reader:
    """Reads values, one behind the other. Raises Unfinished, or ValueError for what is no MessagePack."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self, depth: int = 0) -> object:
        if depth > DEEPEST:
            raise ValueError("lists within too many lists")
        kind = self._take(1)[0]
        if kind <= 0x7F or kind >= 0xE0:
            return kind if kind <= 0x7F else kind - 0x100
        if kind <= 0x9F:
            return self._values((kind & 0x0F) * (2 if kind <= 0x8F else 1), depth)
        if kind <= 0xBF:
            return self._text(kind & 0x1F)
        if kind in _SINGLE:
            return _SINGLE[kind]
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind in _BYTES:
            size, more = _BYTES[kind]
            return self._text(int(self._number(size)) + more)
        if kind in _LISTS:
            size, each = _LISTS[kind]
            return self._values(int(self._number(size)) * each, depth)
        if kind == 0xC1:
            raise ValueError("no MessagePack")
        return self._text(1 + (1 << (kind - 0xD4)))  # a handle of nvim: a buffer, a window

    def _number(self, how: str) -> float:
        number: float
        (number,) = struct.unpack(how, self._take(struct.calcsize(how)))
        return number

    def _text(self, size: int) -> str:
        return self._take(size).decode(errors="replace")

    def _values(self, count: int, depth: int) -> list[object]:
        """Of a map, keys and values in turn."""
        return [self.value(depth + 1) for _ in range(count)]

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise Unfinished
        self._at += size
        return taken


def question_of(expression: str) -> bytes:
    """What is sent."""
    return b"\x94\x00\x01" + _string("nvim_eval") + b"\x91" + _string(expression)


def answer_of(data: bytes) -> str | None:
    """What the expression gives, as text; None where more is to come. Raises Refused, or Silent for nonsense."""
    reader = Reader(data)
    try:
        while True:
            match reader.value():
                case [1, 1, None, result]:
                    return "" if result is None else str(result)
                case [1, 1, error, _]:
                    raise Refused(str(error[1] if isinstance(error, list) and len(error) == 2 else error))
    except Unfinished:
        return None
    except ValueError as error:
        raise Silent(f"nvim answers what is no answer: {error}") from None


async def ask(socket: str, expression: str, limit: float) -> str:
    """What an expression gives, as text. Raises Refused, or Silent when there is doubt about its effect."""
    try:
        async with asyncio.timeout(limit):
            return await _asked(socket, expression)
    except TimeoutError:
        raise Silent(f"nvim did not answer for {limit:g} s; perhaps it waits at a prompt") from None


async def _asked(socket: str, expression: str) -> str:
    host, _, port = socket.rpartition(":")
    by_network = host and port.isdigit() and "/" not in socket
    try:
        opening = asyncio.open_connection(host, int(port)) if by_network else asyncio.open_unix_connection(socket)
        reader, writer = await opening
    except OSError as error:
        raise Refused(f"no nvim listens on {socket}: {error.strerror or error}") from error
    try:
        writer.write(question_of(expression))
        answer, data = None, b""
        while answer is None:
            more = await reader.read(65536)
            data += more
            if not more or len(data) > MOST:
                raise Silent("nvim went without an answer")
            answer = answer_of(data)
        return answer
    except OSError as error:
        raise Silent(f"the connection to nvim broke: {error}") from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _string(text: str) -> bytes:
    data = text.encode()
    return b"\xdb" + struct.pack(">I", len(data)) + data

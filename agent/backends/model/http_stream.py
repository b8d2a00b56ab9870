"""One request over HTTP whose answer comes bit by bit, on the agent's own loop: nothing here blocks, all of it ends.

A client of our own, as the whole of what is needed is one POST: a library for it costs the agent more memory than the
rest of its work, and would want a thread for each answer that is under way.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_HEAD = 64 * 1024  # bytes of what comes before the body
MOST_AT_ONCE = 64 * 1024  # bytes that are read at a time
CONNECTING = 20.0  # seconds
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r?\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")


class Unreachable(Exception):
    """Nobody took the request; the text says why, for people."""


class Broken(Exception):
    """The answer broke off, or is none; the text says how, for people."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came before the body, and the way to that."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    _reader: asyncio.StreamReader

    async def body(self, patience: float) -> AsyncGenerator[bytes, None]:
        """Its bytes as they come. Raises Broken where they end too soon, or none come for `patience` seconds."""
        body = _Body(self._reader, self.headers)
        while True:
            try:
                async with asyncio.timeout(patience):
                    piece = await body.next()
            except TimeoutError:
                raise Broken(f"nothing came for {patience:.0f} s") from None
            except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise Broken(_why(error)) from None
            if not piece:
                return
            yield piece


class _Body:
    """What comes behind the head, in whichever of three ways."""

    def __init__(self, reader: asyncio.StreamReader, headers: Mapping[str, str]) -> None:
        self._reader = reader
        self._is_chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "")
        self._left: int | None = None  # bytes of it, or of this chunk; None where its end is that of the connection
        if self._is_chunked:
            self._left = 0
        elif length.isascii() and length.isdigit():
            self._left = int(length[:18])
        self._is_first = True

    async def next(self) -> bytes:
        """Some of it; none at its end. Raises as reading does."""
        if self._is_chunked and self._left == 0:
            self._left = await self._size()
        if self._left == 0:
            return b""
        data = await self._reader.read(MOST_AT_ONCE if self._left is None else min(self._left, MOST_AT_ONCE))
        if not data and self._left is not None:
            raise ValueError("the connection ended")
        self._left = None if self._left is None else self._left - len(data)
        return data

    async def _size(self) -> int:
        """Of the next chunk."""
        if not self._is_first:
            await self._reader.readuntil(b"\n")
        self._is_first = False
        size = _SIZE.fullmatch(await self._reader.readuntil(b"\n"))
        if size is None:
            raise ValueError("its answer is no HTTP")
        return int(size[1], 16)


@asynccontextmanager
async def post(url: str, headers: Mapping[str, str], body: bytes, patience: float) -> AsyncIterator[Reply]:
    """Ask, and have the reply as soon as its head is there; the connection ends with the block.

    No redirect is followed: the key would go to whoever is named there. Raises Unreachable where nothing was asked yet,
    Broken afterwards, also where nothing comes for `patience` seconds.
    """
    target = urlsplit(url)
    is_tls = target.scheme == "https"
    port = target.port or (443 if is_tls else 80)
    try:
        context = await asyncio.to_thread(ssl.create_default_context) if is_tls else None  # it reads many files
        async with asyncio.timeout(CONNECTING):
            reader, writer = await asyncio.open_connection(target.hostname, port, ssl=context, limit=MOST_HEAD)
    except TimeoutError:
        raise Unreachable(f"{target.hostname} does not answer") from None
    except (OSError, ValueError) as error:
        raise Unreachable(_why(error)) from None
    try:
        yield await _asked(reader, writer, _head(url, headers, len(body)) + body, patience)
    finally:
        writer.transport.abort()  # what is not read by now nobody wants; a goodbye could take its time


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, patience: float) -> Reply:
    try:
        async with asyncio.timeout(patience):
            writer.write(data)
            await writer.drain()
            return await _reply(reader)
    except TimeoutError:
        raise Broken(f"it did not answer within {patience:.0f} s") from None
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Broken(_why(error)) from None


def _head(url: str, headers: Mapping[str, str], length: int) -> bytes:
    target = urlsplit(url)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    named = {"host": target.netloc.rpartition("@")[2], "connection": "close", "content-length": str(length), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1", errors="replace")


async def _reply(reader: asyncio.StreamReader) -> Reply:
    while True:
        head = await _lines(reader)
        match = _STATUS.match(head)
        if match is None:
            raise ValueError("what answers there does not speak HTTP")
        if not 100 <= int(match[1]) < 200:  # such as "100 Continue", with which nothing is said yet
            break
    fields = (line.partition(":") for line in head[match.end() :].decode("latin-1").splitlines())
    return Reply(int(match[1]), {name.strip().lower(): value.strip() for name, _, value in fields}, reader)


async def _lines(reader: asyncio.StreamReader) -> bytes:
    head = b""
    while not head.endswith((b"\r\n\r\n", b"\n\n")):
        line = await reader.readuntil(b"\n")
        head += line
        if len(head) > MOST_HEAD:
            raise ValueError("the head of its answer has no end")
    return head


def _why(error: Exception) -> str:
    """In words for people."""
    match error:
        case asyncio.IncompleteReadError():
            return "the connection ended"
        case asyncio.LimitOverrunError():
            return "a line of its answer has no end"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not taken: {error.verify_message}"
        case OSError() if error.strerror:
            return error.strerror
    return str(error) or type(error).__name__

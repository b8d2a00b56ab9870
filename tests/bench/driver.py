"""Posts Telegram updates from one light process: `python -m tests.bench.driver BASE AT_ONCE SECONDS FIRST`.

So many connections, each with one request under way, on uvloop and without an HTTP library: what the poster computes is
taken from the programs that are measured, on a machine with two cores. Each text begins with the moment before it was
sent (CLOCK_MONOTONIC, the same in every process). Prints what `Posted` holds, as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import uvloop

from tests.bench.programs import CHAT_ID, HEADER_SECRET, PATH_SECRET, ROOT

PERSON = f'{{"id":{CHAT_ID},"is_bot":false,"first_name":"Ada","username":"ada","language_code":"en"}}'
CHAT = f'{{"id":{CHAT_ID},"type":"private","first_name":"Ada","username":"ada"}}'
UPDATE = (
    f'{{"update_id":%d,"message":{{"message_id":%d,"date":1700000000,"from":{PERSON},"chat":{CHAT},'
    '"text":"t=%d please continue with the next task and run the tests"}}'
)
HEAD = (
    f"POST /webhook/telegram/{PATH_SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    f"X-Telegram-Bot-Api-Secret-Token: {HEADER_SECRET}\r\nContent-Length: %d\r\n\r\n%s"
)
PATIENCE = 20.0  # seconds for the answers to what is under way at the end


@dataclass(frozen=True)
class Posted:
    """How many were answered, and between which two moments (CLOCK_MONOTONIC, nanoseconds)."""

    count: int
    begun: int
    ended: int


def stamp(text: str) -> float:
    """The second at which a text was sent."""
    return int(text[2 : text.index(" ")]) / 1e9


async def post(base: str, at_once: int, seconds: float, first: int) -> Posted:
    """Post from a process of its own; the updates are numbered from `first`."""
    argv = ["-m", "tests.bench.driver", base, str(at_once), str(seconds), str(first)]
    return await told(argv)


async def told(argv: list[str]) -> Posted:
    """What a program of ours that hands something in has printed at its end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=pipe, stderr=pipe, cwd=ROOT)
    out, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{argv} ended with {process.returncode}: {errors.decode()[-2000:]}")
    return Posted(**json.loads(out))


class _Connection(asyncio.Protocol):
    """One kept-alive connection: the next request goes once the last was answered."""

    def __init__(self, following: Callable[[], bytes | None], over: "asyncio.Future[None]") -> None:
        self._following, self._over = following, over
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no child of it
        self._send()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._read = b""
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail(f"answered {head[:200]!r} {body[:200]!r}")
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed a connection: {exc}")

    def _send(self) -> None:
        request = self._following()
        if request is not None:
            self._transport.write(request)
            return
        if not self._over.done():
            self._over.set_result(None)
        self._transport.close()

    def _fail(self, why: str) -> None:
        if not self._over.done():
            self._over.set_exception(RuntimeError(why))


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise RuntimeError(f"an answer without its length: {head!r}")
    return int(rest.partition(b"\r\n")[0])


async def _drive(base: str, at_once: int, seconds: float, first: int) -> Posted:
    loop, parts = asyncio.get_running_loop(), urlsplit(base)
    begun = time.monotonic_ns()
    until, count = begun + int(seconds * 1e9), 0

    def following() -> bytes | None:
        nonlocal count
        now = time.monotonic_ns()
        if now >= until:
            return None
        count += 1
        number = first + count
        body = UPDATE % (number, number, now)
        return (HEAD % (len(body), body)).encode()

    overs = [loop.create_future() for _ in range(at_once)]
    for over in overs:
        await loop.create_connection(partial(_Connection, following, over), parts.hostname, parts.port)
    await asyncio.wait_for(asyncio.gather(*overs), seconds + PATIENCE)
    return Posted(count, begun, time.monotonic_ns())


if __name__ == "__main__":
    done = uvloop.run(_drive(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
    print(json.dumps(asdict(done)))

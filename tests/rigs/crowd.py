"""What clients without a credential can do to the router's gRPC door, again and again for as long as a block runs."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from agentlink.v1 import identity_pb2

from tests.rigs.raw_http2 import RawConnection, message, raw_connection
from tests.rigs.thin_agent import ThinAgent

CONNECT = "/agentlink.v1.AgentLink/Connect"
ENROLL = "/agentlink.v1.AgentLink/Enroll"
PROVE = "/agentlink.v1.Identity/Prove"
SEND = "/agentlink.v1.Control/SendCommand"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
DOORS = (CONNECT, ENROLL, PROVE, SEND, WATCH, REFLECT)
STREAMS = 3000
HELLOS = 600  # a second, of all together
MEBIBYTE = 1024 * 1024
AGAIN = 5.0  # seconds after which a client gives its connection up and comes again
NOT_KNOWN = "devbox"


@dataclass(frozen=True)
class Attack:
    """What one client does on a connection, until it can do no more; `alone`: one is enough; `waits`: it is slow."""

    name: str
    worst: Callable[[RawConnection, str], Awaitable[None]]
    alone: bool = False
    speaks: bool = True  # HTTP/2
    waits: bool = False


async def _nothing(one: RawConnection, _credential: str) -> None:
    await one.greeted()


async def _half_open(_one: RawConnection, _credential: str) -> None:
    """Not even the first words of HTTP/2."""


async def _headers(one: RawConnection, _credential: str) -> None:
    for path in DOORS:
        await one.call(path)
    await one.answered()


async def _streams(one: RawConnection, _credential: str) -> None:
    for _ in range(STREAMS):
        await one.call(REFLECT)
    await one.answered()


def _bodies(size: int) -> Callable[[RawConnection, str], Awaitable[None]]:
    async def bodies(one: RawConnection, _credential: str) -> None:
        """They lack their last byte, and come as fast as they are taken."""
        body = message(size) + bytes(size - 1)
        async with asyncio.TaskGroup() as sending:  # until each is sent, or its call ended
            for path in DOORS:
                sending.create_task(one.body(await one.call(path), body))

    return bodies


async def _hello(one: RawConnection, credential: str) -> None:
    stream = await one.call(CONNECT, ("authorization", f"Bearer {credential}"))
    await one.body(stream, message(2) + b"\x12\x00")


FLOOD = f"{HELLOS} bogus hellos a second"
ATTACKS = [
    Attack("connections that say nothing", _nothing, waits=True),
    Attack("connections that do not even speak HTTP/2", _half_open, speaks=False, waits=True),
    Attack("calls without a body", _headers),
    Attack(f"{STREAMS} streams on one connection", _streams, alone=True),
    Attack("unfinished bodies of 1 MiB", _bodies(MEBIBYTE)),
    Attack("unfinished bodies of 4 MiB", _bodies(4 * MEBIBYTE)),
    Attack(FLOOD, _hello),
]


@asynccontextmanager
async def attacked(address: str, attack: Attack, clients: int, *, spread: bool = False) -> AsyncIterator[None]:
    """The block begins when each client has done its worst once; `spread`, when they come one after the other."""
    count = 1 if attack.alone else clients
    done = asyncio.Semaphore(0)
    credential = ThinAgent(address, NOT_KNOWN).token()  # of a key that nobody knows

    async def client(number: int) -> None:
        await asyncio.sleep(AGAIN * number / count if spread else 0.0)
        while True:
            with suppress(ConnectionError):
                async with raw_connection(address, speaks=attack.speaks) as one:
                    await _act(attack, one, credential, done, count)
            done.release()

    crowd = [asyncio.create_task(client(number)) for number in range(count)]
    try:
        for _ in crowd:
            await done.acquire()
        yield
    finally:
        for each in crowd:
            each.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


async def _act(attack: Attack, one: RawConnection, credential: str, done: asyncio.Semaphore, count: int) -> None:
    """Until the client's time, or its connection, is over."""
    due = time.monotonic()
    ends = due + AGAIN
    while not one.closed.is_set() and due < ends:
        await attack.worst(one, credential)
        done.release()
        due = due + count / HELLOS if attack.name == FLOOD else ends
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await one.closed.wait()


async def proof(address: str) -> bool:
    """Whether a call is answered whose whole request is in its headers."""
    request = identity_pb2.ProveRequest(nonce=bytes(32)).SerializeToString()
    async with raw_connection(address) as one:
        stream = await one.call(PROVE, ("request-bin", b64encode(request).decode()))
        await one.over(stream)
        return stream in one.said

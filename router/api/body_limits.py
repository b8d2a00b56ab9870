"""Bodies are read once it is known whose they are, and those of strangers a few at a time.

gRPC would read the whole request of a unary call before any code of ours sees that call. So each method is served as
one that takes a stream: what nobody has asked to read stays in the HTTP/2 window of its stream, 4 KiB.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TypeVar
from urllib.parse import unquote

import grpc

from router.domain.errors import Reason, Refusal

K = TypeVar("K")
Context = grpc.aio.ServicerContext[bytes, bytes]

REQUEST = "request-bin"  # metadata: the request of a caller who shows no credential, in place of a body
OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", 1024 * 1024 + 64 * 1024),  # a frame, and one that is told that it is too large
    ("grpc.max_concurrent_streams", 100),  # of one connection
    # With the probe, windows grow to megabytes for whoever sends fast, read or not.
    ("grpc.http2.bdp_probe", 0),
    # Windows that nobody reads are memory of ours. A message that is asked for gets one as large as it is.
    ("grpc.http2.lookahead_bytes", 4096),
    # A connection without a call; its client makes another one when it has something to say.
    ("grpc.max_connection_idle_ms", 60_000),
]
STRANGERS_BODY = 8 * 1024  # bytes
# Of strangers: bodies that are read at once, each as large as gRPC takes one, and calls that are open. Then the seconds
# that each may take, and those that it may although others wait.
BODIES, BODY_TIME, BODY_TURN = 4, 5.0, 0.5
CALLS, CALL_TIME, CALL_TURN = 64, 30.0, 1.0
WAITING = 128  # for such a place
KNOWN_BODY_TIME = 60.0  # seconds for the body of somebody with a credential


class Places:
    """So many at once. When all are taken, whoever comes waits until one of the peer that has most is put out.

    TimeoutError puts out: who had a turn, and then, where too many wait, one of the peer of whom most wait. So a crowd
    from one address takes the places of that crowd, and nobody else's.
    """

    def __init__(self, count: int, seconds: float, turn: float) -> None:
        self._free = count
        self._seconds = seconds
        self._turn = turn
        self._taken: dict[asyncio.Timeout, tuple[str, float]] = {}  # whose, and since when
        self._leaving: set[asyncio.Timeout] = set()
        self._waiting: dict[asyncio.Future[bool], str] = {}

    @asynccontextmanager
    async def place(self, peer: str, *, lasts: bool = False) -> AsyncIterator[None]:
        """A place for the block. The time of one that `lasts` is not limited, as long as nobody else waits."""
        await self._wait(peer)
        try:
            async with asyncio.timeout(None if lasts else self._seconds) as limit:
                self._taken[limit] = (peer, asyncio.get_running_loop().time())
                self._hurry()
                try:
                    yield
                finally:
                    del self._taken[limit]
                    self._leaving.discard(limit)
        finally:
            self._pass_on()

    async def _wait(self, peer: str) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= WAITING:
            self._turn_away()
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[place] = peer
        self._hurry()
        try:
            got = await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():  # it was ours already
                self._pass_on()
            raise
        finally:
            self._waiting.pop(place, None)
        if not got:
            raise TimeoutError

    def _turn_away(self) -> None:
        place = _oldest_of_most(self._waiting)
        del self._waiting[place]
        if not place.done():  # else its caller has hung up
            place.set_result(False)  # no exception: with its traceback it would wait for the garbage collector

    def _hurry(self) -> None:
        """One goes for each that waits, once its turn is over."""
        if len(self._waiting) <= len(self._leaving) or (limit := self._next_to_leave()) is None:
            return
        self._leaving.add(limit)
        if not limit.expired():
            ends = max(asyncio.get_running_loop().time(), self._taken[limit][1] + self._turn)
            limit.reschedule(ends if (own := limit.when()) is None else min(own, ends))

    def _next_to_leave(self) -> asyncio.Timeout | None:
        held = Counter(peer for peer, _ in self._taken.values())
        fewest = min(held[peer] for peer in self._waiting.values())
        waiting = {peer for peer in self._waiting.values() if held[peer] == fewest}
        # Nobody goes for a peer that has as many places.
        stay = {
            limit: peer
            for limit, (peer, _) in self._taken.items()
            if limit not in self._leaving and (peer in waiting or held[peer] > fewest)
        }
        return _oldest_of_most(stay) if stay else None

    def _pass_on(self) -> None:
        held, waiting = Counter(peer for peer, _ in self._taken.values()), Counter(self._waiting.values())
        there = [(each, peer) for each, peer in self._waiting.items() if not each.done()]  # and has not hung up
        place, _ = min(there, key=lambda one: (held[one[1]], waiting[one[1]]), default=(None, ""))
        if place is None:
            self._free += 1
            return
        del self._waiting[place]
        place.set_result(True)


class Bodies:
    """Reads what callers send."""

    def __init__(self) -> None:
        self._calls = Places(CALLS, CALL_TIME, CALL_TURN)
        self._bodies = Places(BODIES, BODY_TIME, BODY_TURN)

    @asynccontextmanager
    async def of_stranger(self, context: Context, *, lasts: bool = False) -> AsyncIterator[None]:
        """A call of somebody who showed no credential. Raises Refusal when it takes too long, or others come."""
        try:
            async with self._calls.place(address(context.peer()), lasts=lasts):
                yield
        except TimeoutError:
            raise Refusal(Reason.BUSY, "This took too long, or others needed the place. Try again.") from None

    async def known(self, context: Context) -> bytes:
        """The one message of a call whose caller is known. Raises Refusal."""
        try:
            async with asyncio.timeout(KNOWN_BODY_TIME):
                return _one(await _read(context))
        except TimeoutError:
            raise Refusal(Reason.SILENCE, f"The request did not come within {KNOWN_BODY_TIME:.0f} s.") from None

    async def stranger(self, context: Context) -> bytes:
        """The one message of a call of somebody who showed no credential. Raises Refusal."""
        return _one(await self.next(context))

    async def next(self, context: Context) -> bytes | None:
        """What comes next on a stranger's stream; None at its end. Raises Refusal."""
        try:
            async with self._bodies.place(address(context.peer())):
                raw = await _read(context)
        except TimeoutError:
            text = f"No request came within {BODY_TIME:.0f} s, or others needed the place. Try again."
            raise Refusal(Reason.SILENCE, text) from None
        if raw is not None and len(raw) > STRANGERS_BODY:
            raise Refusal(Reason.TOO_LARGE, f"Without a credential a request may have {STRANGERS_BODY} bytes.")
        return raw

    async def before_refusal(self, context: Context, *, known: bool) -> None:
        """Let the first frame of a stream come in, of strangers as far as there is a place for that."""
        try:
            async with asyncio.timeout(BODY_TIME) if known else self._bodies.place(address(context.peer())):
                await context.read()
        except TimeoutError:
            return


def address(peer: str) -> str:
    """Whose connection it is, as far as it can be told: the address without the port, of IPv6 the network."""
    kind, _, rest = peer.partition(":")
    host = unquote(rest).rpartition(":")[0].strip("[]")
    match kind:
        case "ipv4":
            return host
        case "ipv6":  # whoever has one address has all of its network
            return str(ip_network((host.partition("%")[0], 64), strict=False))
    return f"{kind}:"


def carried(context: Context) -> bytes | None:
    """The request, when it came with the headers: then nothing is read, and no place is needed."""
    metadata = context.invocation_metadata() or ()
    return next((value for key, value in metadata if key == REQUEST and isinstance(value, bytes)), None)


async def _read(context: Context) -> bytes | None:
    raw: object = await context.read()
    return raw if isinstance(raw, bytes) else None  # gRPC's mark for the end


def _one(raw: bytes | None) -> bytes:
    if raw is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "The call has no request.")
    return raw


def _oldest_of_most(peers: dict[K, str]) -> K:
    """Of these, the first of the peer that has most."""
    [(most, _)] = Counter(peers.values()).most_common(1)
    return next(each for each, peer in peers.items() if peer == most)

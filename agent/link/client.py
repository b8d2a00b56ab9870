"""Keeps one link to the router: channel, credential, reconnect. What happens on a link is the driver's business."""

import asyncio
import ipaddress
import logging
import random
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from agent.clock import Clock
from agent.domain.command import Reason
from agent.domain.errors import Refusal, RouterUnreachable, StoreUnavailable
from agent.domain.frames import AgentFrame, Notify, RouterFrame
from agent.link import backoff, convert
from agent.link.driver import Driver, Handler, LinkLost
from agent.link.identity import Identity
from agent.link.protocol import End, Ending
from agent.loops import is_cancelled

logger = logging.getLogger(__name__)

CONNECT = "/agentlink.v1.AgentLink/Connect"
GET_PART = "/agentlink.v1.AgentLink/GetPart"
PUT_PART = "/agentlink.v1.AgentLink/PutPart"
NOTIFY_WITH_FILES = "/agentlink.v1.AgentLink/NotifyWithFiles"
PART_TIMEOUT = 30.0  # seconds; half a megabyte over a slow line
FAILURES_PER_CHANNEL = 5  # then a new one: a channel can be broken for good
OPTIONS: list[tuple[str, int]] = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Without this one a silent peer is found after 80 s in spite of the two above (measured).
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    # Waiting is ours: the channel's own grows to two minutes, and is shared between channels to one address.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
]
_UNKNOWN = frozenset({grpc.StatusCode.NOT_FOUND})
_FOR_GOOD = _UNKNOWN | {  # but for FILE_GONE, the same call would get the same answer
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,  # an older router
}
_NOT_THIS_ONE = {"DUPLICATE_MACHINE", "PROTOCOL_VERSION"}  # soon would help nobody
_UNACCEPTED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the router is, and what TLS needs."""

    address: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """For people who ask."""

    connected: bool = False
    epoch: int = 0


class Client:
    """The link, for as long as it runs."""

    def __init__(
        self,
        endpoint: Endpoint,
        identity: Identity,
        handler: Handler,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint = endpoint
        self._identity = identity
        self._handler = handler
        self._clock = clock
        self._jitter = jitter
        self._backoff = backoff.Backoff()
        self._failures = 0
        self._full = False
        self._skew = 0.0
        self._driver: Driver | None = None
        self._channel: grpc.aio.Channel | None = None

    @property
    def status(self) -> LinkStatus:
        """Whether the link is welcomed now, and its epoch."""
        if self._driver is None or self._driver.link.welcomed_at is None:
            return LinkStatus()
        return LinkStatus(connected=True, epoch=self._driver.link.epoch)

    async def run(self, stop: asyncio.Event) -> None:
        """Hold a link until `stop`."""
        channel = self._channel = open_channel(self._endpoint)
        try:
            while not stop.is_set():
                if self._full and not await self._has_room(stop):
                    continue
                if self._failures >= FAILURES_PER_CHANNEL:
                    await channel.close(None)
                    channel, self._failures = open_channel(self._endpoint), 0
                    self._channel = channel
                await self._one_link(channel, stop)
                await _wait(stop, self._backoff.attempt_at - self._clock.monotonic())
        finally:
            self._channel = None
            await channel.close(None)

    async def part(self, command_id: str, number: int) -> bytes:
        """A part of a command's file, beside the link. Raises Refusal for good, RouterUnreachable for now."""
        return convert.file_part(await self._beside(GET_PART, convert.file_request(command_id, number), _UNKNOWN))

    async def put(self, file_id: str, number: int, data: bytes) -> int:
        """Hand over a part of a notice's file; the number of the first part that the router lacks. Raises as `part`."""
        return convert.next_number(await self._beside(PUT_PART, convert.put_request(file_id, number, data), _FOR_GOOD))

    async def notify(self, notification: Notify) -> None:
        """Hand over a notice whose files are put. Raises as `part`; Refusal(FILE_GONE) where a part is missing."""
        await self._beside(NOTIFY_WITH_FILES, convert.notification_request(notification), _FOR_GOOD)

    async def _beside(self, method: str, request: bytes, for_good: frozenset[grpc.StatusCode]) -> bytes:
        """The answer to a call beside the link; such codes mean that it will be no other one."""
        if self._channel is None or not self.status.connected:
            raise RouterUnreachable("there is no link to the router")
        try:
            call = self._channel.unary_unary(method, None, None)
            answer: bytes = await call(request, metadata=self._proof(), timeout=PART_TIMEOUT)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise RouterUnreachable("the link was given up meanwhile") from None  # with its channel
        except grpc.aio.AioRpcError as error:
            text = f"{error.code().name}: {error.details()}"
            if error.code() not in for_good:
                raise RouterUnreachable(text) from None
            gone = _details(error)[0] == "FILE_GONE" or for_good is _UNKNOWN
            raise Refusal(Reason.FILE_GONE if gone else Reason.INVALID_ARGUMENT, error.details() or text) from None
        return answer

    def _proof(self) -> tuple[tuple[str, str], ...]:
        token = self._identity.token(self._clock.now() + self._skew)
        return (("authorization", f"Bearer {token}"),)

    async def _has_room(self, stop: asyncio.Event) -> bool:
        """Whether the disk that was full takes commands again; else wait a while."""
        try:
            await self._handler.probe()
        except StoreUnavailable as error:
            self._learn(Ending(End.DISK, error.text), 0.0)
            await _wait(stop, self._backoff.attempt_at - self._clock.monotonic())
            return False
        return True

    async def _one_link(self, channel: grpc.aio.Channel, stop: asyncio.Event) -> None:
        call = channel.stream_stream(CONNECT, None, None)(None, metadata=self._proof())
        self._driver = driver = Driver(GrpcStream(call), self._handler, self._clock)
        try:
            ending = await driver.run(stop)
        finally:
            self._driver = None
        self._learn(ending, driver.welcomed_for)

    def _learn(self, ending: Ending, welcomed_for: float) -> None:
        now, jitter = self._clock.monotonic(), self._jitter()
        if ending.end is End.CLOCK_SKEW and ending.router_time is not None:
            self._skew = ending.router_time - self._clock.now()
        if ending.retry_after is not None:
            self._backoff = backoff.told(self._backoff, now, ending.retry_after)
        elif ending.end is End.REFUSED:
            self._backoff = backoff.refused(self._backoff, now, jitter)
        elif ending.end not in (End.STOPPED, End.DRAINED):
            self._backoff = backoff.lost(self._backoff, now, jitter, welcomed_for)
        self._full = ending.end is End.DISK
        self._failures = 0 if welcomed_for else self._failures + 1
        wait = max(0.0, self._backoff.attempt_at - now)
        level = logging.ERROR if ending.end in (End.REFUSED, End.DISK) else logging.INFO
        logger.log(level, "link ended end=%s retry_in=%.1f %s", ending.end.value, wait, ending.text)


class GrpcStream:
    """A Connect call as a stream of frames. Bytes are parsed here, so that a bad frame does not end the call."""

    def __init__(self, call: "grpc.aio.StreamStreamCall[bytes, bytes]") -> None:
        self._call = call

    async def read(self) -> RouterFrame:
        try:
            data = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise LinkLost(ending_of(error)) from None
        if not isinstance(data, bytes):
            raise LinkLost(await self._ending())
        return convert.router_frame(data)

    async def write(self, frame: AgentFrame) -> None:
        try:
            await self._call.write(convert.agent_frame(frame))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise LinkLost(await self._ending()) from None

    async def finish(self) -> None:
        try:
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise LinkLost(await self._ending()) from None

    def cancel(self) -> None:
        self._call.cancel()

    async def _ending(self) -> Ending:
        # A write that loses the race with the router's refusal is INTERNAL here, for good: then the next try tells.
        code, details = await self._call.code(), await self._call.details()
        trailing = await self._call.trailing_metadata() or grpc.aio.Metadata()
        return ending_of(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details, None))


def ending_of(error: grpc.aio.AioRpcError) -> Ending:
    """What a call's status means for the link."""
    text = f"{error.code().name}: {error.details() or 'the stream ended'}"
    reason, retry_after, router_time = _details(error)
    if reason == "CLOCK_SKEW":
        return Ending(End.CLOCK_SKEW, text, retry_after, router_time or _time_in(error.details() or ""))
    if error.code() in _UNACCEPTED or reason in _NOT_THIS_ONE:
        return Ending(End.REFUSED, text, retry_after)
    return Ending(End.LOST, text, retry_after)


def _details(error: grpc.aio.AioRpcError) -> tuple[str, float | None, float | None]:
    """Reason, delay and router's time from the rich status, as far as it has them."""
    reason, retry_after, router_time = "", None, None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    trailing = cast("Iterable[tuple[str, bytes]]", error.trailing_metadata() or ())
    packed = [value for key, value in trailing if key == "grpc-status-details-bin"]
    with suppress(DecodeError, TypeError):
        for detail in status_pb2.Status.FromString(packed[0]).details if packed else ():
            if detail.Unpack(info):
                reason = info.reason
                router_time = _time_in(info.metadata.get("router_time", ""))
            elif detail.Unpack(retry):
                retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return reason, retry_after, router_time


def _time_in(text: str) -> float | None:
    """The first point in time in a text, as RFC 3339 or seconds since the epoch; in seconds since the epoch."""
    if match := re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", text):
        return datetime.fromisoformat(match[0]).timestamp()
    match = re.search(r"\b\d{10}(?:\.\d+)?\b", text)
    return float(match[0]) if match else None


def open_channel(endpoint: Endpoint) -> grpc.aio.Channel:
    """A channel to the router: plain on loopback unless a CA is given, TLS everywhere else."""
    if (credentials := channel_credentials(endpoint)) is None:
        return grpc.aio.insecure_channel(endpoint.address, options=OPTIONS)
    return grpc.aio.secure_channel(endpoint.address, credentials, options=OPTIONS)


def channel_credentials(endpoint: Endpoint) -> grpc.ChannelCredentials | None:
    """TLS credentials; None where plain text is right."""
    if endpoint.ca is None and _is_loopback(endpoint.address):
        return None
    root, key, chain = (path.read_bytes() if path else None for path in (endpoint.ca, endpoint.key, endpoint.cert))
    return grpc.ssl_channel_credentials(root, key, chain)


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, seconds))

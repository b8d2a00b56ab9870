"""A link's frames as one gRPC call, and what the status with which it ends means for the link."""

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from agent.domain.frames import AgentFrame, RouterFrame
from agent.link import convert
from agent.link.driver import LinkLost
from agent.link.protocol import End, Ending

_NOT_THIS_ONE = {"DUPLICATE_MACHINE", "PROTOCOL_VERSION"}  # to come again soon would help nobody
_UNACCEPTED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


class GrpcStream:
    """A Connect call as a stream of frames. Bytes are parsed here, so that a bad frame does not end the call."""

    def __init__(self, call: "grpc.aio.StreamStreamCall[bytes, bytes]") -> None:
        self._call = call

    async def read(self) -> RouterFrame:
        try:
            data = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise LinkLost(ending_of(error)) from None
        if not isinstance(data, bytes):  # EOF: the router has ended it, and its status says why
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
        self._call.cancel()  # a call that is only forgotten goes on

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
        return Ending(End.CLOCK_SKEW, text, retry_after, router_time or _time_in(error.details() or ""), reason)
    if error.code() in _UNACCEPTED or reason in _NOT_THIS_ONE:
        return Ending(End.REFUSED, text, retry_after, reason=reason)
    return Ending(End.LOST, text, retry_after, reason=reason)


def reason_of(error: grpc.RpcError) -> str:
    """Its reason, as the protocol names them; empty where the status has none."""
    return _details(error)[0]


def _details(error: grpc.RpcError) -> tuple[str, float | None, float | None]:
    """Reason, delay and router's time from the rich status, as far as it has them."""
    reason, retry_after, router_time = "", None, None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    trailing = cast("Iterable[tuple[str, bytes]]", error.trailing_metadata() or ())
    packed = [value for key, value in trailing if key == "grpc-status-details-bin"]
    with suppress(DecodeError, TypeError):  # the details are a help; without them the status alone counts
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

"""Makes gRPC handlers out of servicers: every call is admitted, parsed and mapped here, in one way.

Requests arrive as bytes and are parsed inside the handler: a message that does not parse is the caller's error with a
clear word, not an exception of gRPC's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from router.api import body_limits
from router.api.auth import STRANGER, Guard
from router.api.body_limits import Bodies, address
from router.api.call_limits import CallLimits
from router.api.errors import abort, refusal_of
from router.domain.credentials import Principal
from router.domain.errors import Reason, Refusal
from router.domain.identity import Caller

logger = logging.getLogger(__name__)
LAST_WRITE = 1.0  # seconds

Context = grpc.aio.ServicerContext[bytes, bytes]
Handler = Callable[[Any, Any], Awaitable[Any]]
M = TypeVar("M", bound=Message)
R = TypeVar("R")

OPTIONS: list[tuple[str, int]] = [
    ("grpc.so_reuseport", 0),  # else two routers bind one port without a word
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),  # else what a replaced link leaves half open stays for ever
    ("grpc.http2.ping_timeout_ms", 10_000),  # its default of 60 s would override the timeout above
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.server.max_pending_requests", 100_000),  # a reconnect storm is admitted by us, not refused by gRPC
    ("grpc.server.max_pending_requests_hard_limit", 200_000),
    *body_limits.OPTIONS,
]


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and the call itself."""

    principal: Principal
    context: Context

    def caller(self, claimed: str = "") -> Caller:
        """The same for the trace and the audit."""
        return Caller(self.principal.identity, self.context.peer(), claimed, self.principal.scope)


async def frames(context: Context) -> AsyncIterator[bytes]:
    """What comes on a stream, until its sender is done."""
    while (raw := await context.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]  # stubs lack it
        yield raw


async def last_write(writer: "asyncio.Task[None]") -> None:
    """Let a stream's writer, which has been told to stop, end the write that is under way.

    gRPC takes no status meanwhile: the call would end without one, and its client wait for ever. A peer that has
    stopped reading gets none.
    """
    await asyncio.wait([writer], timeout=LAST_WRITE)
    writer.cancel()


async def last_word(written: "asyncio.Future[None]") -> None:
    """Wait until it is on disk that a stream has ended. What fails is logged; its cure is whoever comes next."""
    try:
        await asyncio.shield(written)
    except Refusal as refusal:  # the disk is full
        logger.warning("the end of a stream was not stored: %s", refusal)
    except Exception:
        logger.exception("the end of a stream was not stored")


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in, and how much they may say."""

    guard: Guard
    bodies: Bodies
    limits: CallLimits


Handlers = dict[str, "grpc.RpcMethodHandler[bytes, bytes]"]


def handlers(service: ServiceDescriptor, servicer: object, door: Door) -> Handlers:
    """All methods of a service by name, each behind the door."""
    return {method.name: _handler(method, getattr(servicer, method.name), door) for method in service.methods}


def _handler(method: MethodDescriptor, function: Handler, door: Door) -> "grpc.RpcMethodHandler[bytes, bytes]":
    name = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(_streaming(name, function, door))
    request_class = GetMessageClass(method.input_type)
    # As streams, of which nothing is read before we ask for it.
    if method.server_streaming:
        return grpc.stream_stream_rpc_method_handler(_streaming_out(name, function, door, request_class))
    return grpc.stream_unary_rpc_method_handler(_unary(name, function, door, request_class))


def _unary(name: str, function: Handler, door: Door, request_class: type[Message]) -> Handler:
    async def handle(_unread: object, context: Context) -> bytes:
        principal = None
        try:
            principal = await door.guard.admit(name, context)
            response = await _answered(function, door, request_class, Call(principal, context))
        except Exception as error:  # noqa: BLE001 - errors become statuses
            return await _refuse(door.guard, name, context, principal, error)
        return bytes(response.SerializeToString())

    return handle


def _streaming_out(name: str, function: Handler, door: Door, request_class: type[Message]) -> Handler:
    async def handle(_unread: object, context: Context) -> None:
        principal = None
        try:
            principal = await door.guard.admit(name, context)
            async with _until_over(door.guard, principal):
                await _answered(function, door, request_class, Call(principal, context))
        except Exception as error:  # noqa: BLE001 - errors become statuses
            await _refuse(door.guard, name, context, principal, error)

    return handle


def _streaming(name: str, function: Handler, door: Door) -> Handler:
    async def handle(_unread: object, context: Context) -> None:
        principal = None
        try:
            principal = await _admitted(door, name, context)
            if principal.machine_id:  # has no key; and of its links there are thousands, each with what waits here
                await function(principal, context)
                return
            with door.limits.open(principal):
                async with _until_over(door.guard, principal):
                    await function(principal, context)
        except Exception as error:  # noqa: BLE001 - errors become statuses
            await _refuse(door.guard, name, context, principal, error)

    return handle


async def _answered(
    function: Callable[[Any, Any], Awaitable[R]], door: Door, request_class: type[Message], call: Call
) -> R:
    if call.principal is not STRANGER:
        with door.limits.open(call.principal):
            raw = await door.bodies.known(call.context)
            await door.guard.check(call.principal)
            return await function(parsed(request_class, raw), call)
    door.limits.stranger(address(call.context.peer()))
    if (headers := body_limits.carried(call.context)) is not None:
        return await function(parsed(request_class, headers), call)
    async with door.bodies.of_stranger(call.context):
        return await function(parsed(request_class, await door.bodies.stranger(call.context)), call)


async def _refuse(guard: Guard, name: str, context: Context, principal: Principal | None, error: Exception) -> bytes:
    """End a call with what its caller is told, once the audit knows whom it was that was refused."""
    refusal = refusal_of(error)
    guard.note(refusal, name, context, principal)
    await abort(context, refusal)
    return b""


@asynccontextmanager
async def _until_over(guard: Guard, principal: Principal) -> AsyncIterator[None]:
    """End the block with a refusal when what the caller showed is over meanwhile."""
    task = asyncio.current_task()
    over: Refusal | None = None

    def end(refusal: Refusal) -> None:
        nonlocal over
        over = refusal
        if task:
            task.cancel()

    try:
        with guard.until_over(principal, end):
            yield
    except asyncio.CancelledError:
        if over is None or task is None or task.uncancel():
            raise  # the caller hung up, or the router stops
        raise over from None


async def _admitted(door: Door, name: str, context: Context) -> Principal:
    """Who calls. A refusal waits for the first frame.

    What overtakes that is lost: the caller's write fails with an internal error of gRPC's, in place of our status, and
    the caller never learns when to come again.
    """
    try:
        return await door.guard.admit(name, context)
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_CALLS:  # of whom there are too many, none is waited for
            # Machines that come back all at once need no place: they must hear in time when their turn is.
            known = refusal.reason is Reason.BUSY and await door.guard.is_of_a_machine(context)
            await door.bodies.before_refusal(context, known=known)
        raise


def parsed(request_class: type[M], raw: bytes) -> M:
    """The message. Raises Refusal."""
    try:
        return request_class.FromString(raw)
    except DecodeError:
        text = f"The request is not a {request_class.DESCRIPTOR.full_name}."
        raise Refusal(Reason.INVALID_ARGUMENT, text) from None

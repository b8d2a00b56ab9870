"""The real router in this process, behind a door that fails as a test wants: it refuses, is silent, cuts, or is away.

The door passes bytes on, both ways, and remembers what passed; only what a test asks for comes from the door itself.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import grpc
from agentlink.v1 import chat_link_pb2
from agentlink.v1 import control_pb2 as pb
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.integration.router.harness import RouterUnderTest, config, serving

_SERVICES = [
    file.services_by_name[name] for file, name in ((pb.DESCRIPTOR, "Control"), (chat_link_pb2.DESCRIPTOR, "ChatLink"))
]
METHODS = {f"/{service.full_name}/{method.name}": method for service in _SERVICES for method in service.methods}


@dataclass(frozen=True, slots=True)
class Fault:
    """What a call fails with; without a reason, as grpc's own machinery fails."""

    code: grpc.StatusCode
    reason: str
    message: str = "scripted"
    retry_after: int = 0

    def status(self) -> status_pb2.Status:
        details: list[Message] = []
        if self.reason:
            details.append(error_details_pb2.ErrorInfo(reason=self.reason, domain="pointsman"))
        if self.retry_after:
            details.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=self.retry_after)))
        return status_pb2.Status(code=self.code.value[0], message=self.message, details=map(_packed, details))


NO_KEY = Fault(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", "the API key is missing or wrong")
NO_STORAGE = Fault(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", "nothing was stored; try again", 7)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


@dataclass
class Door:
    """What the door is told to do, and what has passed it."""

    faults: dict[str, Fault] = field(default_factory=dict)
    """By method; under "Submit" for each item of a stream."""
    changes: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    """By method: changes its answer, to what the router cannot easily be brought to say."""
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is clear, streams are silent."""
    lose_next_stream: bool = False
    requests: list[Any] = field(default_factory=list)
    submitted: dict[str, chat_link_pb2.SubmitRequest] = field(default_factory=dict)
    """By update key, once it is on the router's disk."""
    submit_calls: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    stream_opened: threading.Event = field(default_factory=threading.Event)

    def asked(self, kind: type[Message]) -> list[Any]:
        """The requests of one kind, oldest first."""
        return [each for each in self.requests if isinstance(each, kind)]


class FaultyRouter:
    """Start it, script its `door`, look at what passed. May be stopped and started again on its port."""

    def __init__(self, folder: Path, credentials: grpc.ServerCredentials | None = None) -> None:
        self.door = Door()
        self.door.gate.set()
        self.port = 0
        self.real: RouterUnderTest
        self._folder, self._credentials = folder, credentials
        self._stack = ExitStack()
        self._server: grpc.Server | None = None
        self._kept: socket.socket | None = None  # the port of a router that is away: nobody else's answers come from it

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "FaultyRouter":
        server = grpc.server(ThreadPoolExecutor(40), handlers=(_Forward(self),), options=(("grpc.so_reuseport", 0),))
        self._give_up_port()
        if self._credentials is None:
            self.port = server.add_insecure_port(self.address)
        else:
            self.port = server.add_secure_port(self.address, self._credentials)
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        """Nobody answers at its address, until it is started again."""
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None
            self._kept = socket.socket()
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside connections that are closing
            self._kept.bind(("127.0.0.1", self.port))
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)

    def _give_up_port(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def __enter__(self) -> "FaultyRouter":
        self.real = self._stack.enter_context(serving(config(self._folder)))
        self.channel = self._stack.enter_context(grpc.insecure_channel(self.real.address))
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.door.gate.set()
        self.stop()
        self._give_up_port()
        self._stack.close()

    def add_session(self, session_id: str, machine_id: str = "devbox", label: str = "") -> None:
        """Registered by an operator; its machine is enrolled, and away."""
        control = self.real.control
        if machine_id not in {each.machine_id for each in control.ListMachines(pb.ListMachinesRequest()).machines}:
            self.real.machine(machine_id)
        control.RegisterSession(pb.RegisterSessionRequest(session_id=session_id, machine_id=machine_id, label=label))


class _Forward(grpc.GenericRpcHandler):
    """Every call of Control and ChatLink, to the real router."""

    def __init__(self, router: FaultyRouter) -> None:
        self._router, self._door = router, router.door

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = METHODS.get(call.method)
        if method is None:
            return None
        if not method.client_streaming and not method.server_streaming:
            return grpc.unary_unary_rpc_method_handler(lambda data, context: self._unary(call, method, data, context))
        return grpc.stream_stream_rpc_method_handler(
            lambda frames, context: self._stream(call, method, frames, context)
        )

    def _unary(self, call: Any, method: Any, data: bytes, context: grpc.ServicerContext) -> bytes:
        request = GetMessageClass(method.input_type).FromString(data)
        self._door.requests.append(request)
        self._fail(method.name, context)
        if method.name == "GetNotification":  # nobody delivers here: what the router would wait for does not come
            data = pb.GetNotificationRequest(notification_id=request.notification_id).SerializeToString()
        try:
            answer = self._router.channel.unary_unary(call.method)(
                data, timeout=context.time_remaining(), metadata=_own(context)
            )
        except grpc.RpcError as error:
            _pass_on(error, context)
        if method.name not in self._door.changes:
            return bytes(answer)
        changed = GetMessageClass(method.output_type).FromString(answer)
        self._door.changes[method.name](changed)
        return changed.SerializeToString()

    def _stream(
        self, call: Any, method: Any, frames: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        self._fail(method.name, context)
        self._door.stream_opened.set()
        for data in frames:
            batch = chat_link_pb2.SubmitBatch.FromString(data)
            self._door.frames.append(len(batch.items))
            self._door.submit_calls += [item.request.update_key for item in batch.items]
            self._door.gate.wait(30)
            if self._door.lose_next_stream:
                self._door.lose_next_stream = False
                return
            yield self._stored(call, batch, context).SerializeToString()

    def _stored(self, call: Any, batch: Any, context: grpc.ServicerContext) -> chat_link_pb2.SubmitBatchResponse:
        """What the router says of a frame, in a stream of its own: so what the door refuses never reaches it."""
        if fault := self._door.faults.get("Submit"):
            refused = [
                chat_link_pb2.SubmitItemResponse(item_id=each.item_id, error=fault.status()) for each in batch.items
            ]
            return chat_link_pb2.SubmitBatchResponse(items=refused)
        frame = batch.SerializeToString()
        upstream = self._router.channel.stream_stream(call.method)(iter([frame]), timeout=30, metadata=_own(context))
        try:
            answer = chat_link_pb2.SubmitBatchResponse.FromString(b"".join(upstream))  # pieces of one message add up
        except grpc.RpcError as error:
            _pass_on(error, context)
        requests = {item.item_id: item.request for item in batch.items}
        for item in answer.items:
            if item.HasField("response"):
                self._door.submitted[requests[item.item_id].update_key] = requests[item.item_id]
                self._door.changes.get("Submit", lambda _answer: None)(item.response)
        return answer

    def _fail(self, method: str, context: grpc.ServicerContext) -> None:
        fault = self._door.faults.get(method)
        if fault and fault.reason:
            context.abort_with_status(rpc_status.to_status(fault.status()))
        elif fault:
            context.abort(fault.code, fault.message)


def _own(context: grpc.ServicerContext) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in context.invocation_metadata() if key == "x-api-key"]


def _pass_on(error: grpc.RpcError, context: grpc.ServicerContext) -> NoReturn:
    call: Any = error
    context.set_trailing_metadata(
        [pair for pair in call.trailing_metadata() or () if pair[0] == "grpc-status-details-bin"]
    )
    context.abort(call.code(), call.details())
    raise AssertionError("abort raises")

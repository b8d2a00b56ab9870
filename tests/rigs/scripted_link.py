"""Not the real router, which sends no frame twice, late or wrong: the far end of a link, its every frame the test's."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from tests.waiting import PATIENCE


def duration(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def text_command(
    command_id: str,
    session_id: str,
    text: str = "hello",
    *,
    sequence: int = 1,
    generation: int = 0,
    urgent: bool = False,
    ttl: float | None = None,
) -> pb.CommandFrame:
    action = types_pb2.Action(input=types_pb2.Input(text=text, submit=True))
    lane = types_pb2.LANE_URGENT if urgent else types_pb2.LANE_NORMAL
    frame = pb.CommandFrame(
        command_id=command_id,
        session_id=session_id,
        generation=generation,
        sequence=sequence,
        attempt=1,
        lane=lane,
        action=action,
    )
    if ttl is not None:
        frame.ttl_remaining.CopyFrom(duration(ttl))
    return frame


@dataclass
class Refusal:
    """How the next Connect ends before it begins: after its hello, since gRPC may lose the status of a call that ends
    while something is written to it.
    """

    code: grpc.StatusCode
    text: str = "no"
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    async def abort(self, context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        status = status_pb2.Status(code=self.code.value[0], message=self.text)
        details: list[Any] = []
        if self.reason:
            info = error_details_pb2.ErrorInfo(reason=self.reason, domain="pointsman", metadata=self.metadata)
            details.append(info)
        if self.retry_after is not None:
            details.append(error_details_pb2.RetryInfo(retry_delay=duration(self.retry_after)))
        for detail in details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        trailing = (("grpc-status-details-bin", status.SerializeToString()),)
        await context.abort(self.code, self.text, trailing)


class Link:
    """One Connect call, from the router's side."""

    def __init__(self, router: "Router", context: "grpc.aio.ServicerContext[Any, Any]", token: str) -> None:
        self.router = router
        self.token = token
        self.hello = pb.Hello()
        self.epoch = 0
        self.over = asyncio.Event()  # set by the test: the stream ends
        self.gone = asyncio.Event()  # the agent's side ended
        self.ending = grpc.StatusCode.OK
        self._context = context
        self._frames: dict[str, deque[pb.AgentFrame]] = {}
        self._left: list[pb.Result] = []  # of a batch
        self._came = asyncio.Condition()
        self._writing = asyncio.Lock()

    async def listen(self, requests: AsyncIterator[pb.AgentFrame]) -> None:
        async for frame in requests:
            async with self._came:
                self._frames.setdefault(str(frame.WhichOneof("frame")), deque()).append(frame)
                self._came.notify_all()
        self.gone.set()

    async def next(self, kind: str) -> Any:
        """The next frame of a kind; frames of other kinds wait for their turn."""
        async with asyncio.timeout(PATIENCE), self._came:
            await self._came.wait_for(lambda: self._frames.get(kind))
        return getattr(self._frames[kind].popleft(), kind)

    async def any(self, patience: float = 1.0) -> None:
        """Come back when another frame has come, or after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience), self._came:
                await self._came.wait()

    def came(self, kind: str) -> int:
        """How many frames of a kind wait to be looked at."""
        return len(self._frames.get(kind, ())) + (len(self._left) if kind == "result" else 0)

    async def results(self, count: int) -> list[pb.Result]:
        """So many results, single or in batches, in their order; what came with the last of them waits for its turn."""
        found = self._left
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                async with self._came:
                    await self._came.wait_for(lambda: self._frames.get("result") or self._frames.get("results"))
                singles, batches = self._frames.pop("result", deque()), self._frames.pop("results", deque())
                found += [frame.result for frame in singles]
                found += [result for frame in batches for result in frame.results.results]
        found.sort(key=lambda result: result.upstream_seq)
        found, self._left = found[:count], found[count:]
        return found

    async def receipts(self, count: int) -> list[pb.ReceiptItem]:
        found: list[pb.ReceiptItem] = []
        while len(found) < count:
            found += (await self.next("receipt")).items
        return found

    async def welcome(self, **terms: Any) -> None:
        self.epoch = self.router.epoch = self.router.epoch + 1
        terms = {"link_epoch": self.epoch, "router_id": "router-1", "protocol": 1} | terms
        await self.send(welcome=pb.Welcome(**terms))

    async def send(self, epoch: int | None = None, **frame: Any) -> None:
        message = pb.RouterFrame(link_epoch=self.epoch if epoch is None else epoch, **frame)
        async with self._writing:
            await self._context.write(message)

    async def send_raw(self, data: bytes) -> None:
        """Bytes that need not be a frame."""
        async with self._writing:
            await self._context.write(data)

    async def commands(self, frames: Sequence[pb.CommandFrame], epoch: int | None = None) -> None:
        await self.send(epoch, commands=pb.CommandBatch(commands=frames))

    async def ack(self, seq: int) -> None:
        await self.send(upstream_ack=pb.UpstreamAck(acked_seq=seq))

    def drop(self, code: grpc.StatusCode = grpc.StatusCode.OK) -> None:
        """End the stream without a word."""
        self.ending = code
        self.over.set()


class Router:
    """The server. Links are handed to the test after their hello."""

    def __init__(self) -> None:
        self.epoch = 0
        self.address = ""
        self.refusals: deque[Refusal] = deque()
        self.files: dict[str, list[bytes]] = {}  # parts by command
        self.away = 0  # how many questions for a part get no answer
        self.thinking: asyncio.Event | None = None  # set when a part was put that is never answered
        self.parts: dict[str, list[bytes]] = {}  # of notices' files
        self.puts: list[tuple[int, int]] = []  # number and bytes of each part that came
        self.notice_refusals: deque[Refusal] = deque()
        self.notifications: list[pb.NotifyWithFilesRequest] = []
        self.join_tokens = {"good-token": b""}
        self._links: asyncio.Queue[Link] = asyncio.Queue()
        self._open: set[Link] = set()

    async def link(self, patience: float = PATIENCE) -> Link:
        """The next link, its hello read, not yet welcomed."""
        async with asyncio.timeout(patience):
            return await self._links.get()

    async def welcomed(self, **terms: Any) -> Link:
        link = await self.link()
        await link.welcome(**terms)
        return link

    async def Connect(
        self, requests: AsyncIterator[pb.AgentFrame], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> None:
        if self.refusals:
            await anext(aiter(requests))
            await self.refusals.popleft().abort(context)
        metadata = dict(context.invocation_metadata() or ())
        link = Link(self, context, str(metadata.get("authorization", "")).removeprefix("Bearer "))
        self._open.add(link)
        listening = asyncio.create_task(link.listen(requests))
        try:
            link.hello = await link.next("hello")
            self._links.put_nowait(link)
            over, gone = asyncio.create_task(link.over.wait()), asyncio.create_task(link.gone.wait())
            await asyncio.wait((over, gone), return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            gone.cancel()
            if link.ending is not grpc.StatusCode.OK:
                await context.abort(link.ending, "dropped by the test")
        finally:
            link.gone.set()
            listening.cancel()
            self._open.discard(link)

    async def GetPart(
        self, request: pb.GetCommandPartRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> pb.GetCommandPartResponse:
        if self.away > 0:
            self.away -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        parts = self.files.get(request.command_id)
        if parts is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "The file is not here any more. Send it again.")
        return pb.GetCommandPartResponse(data=b"".join(parts[request.number : request.number + 1]))

    async def PutPart(
        self, request: pb.PutPartRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> pb.PutPartResponse:
        if self.thinking is not None:
            self.thinking.set()
            await asyncio.Event().wait()
        if request.data and self.away > 0:
            self.away -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        self.puts.append((request.number, len(request.data)))
        parts = self.parts.setdefault(request.file_id, [])
        parts[request.number : request.number + 1] = [request.data] if request.data else parts[request.number :][:1]
        return pb.PutPartResponse(next_number=len(parts))

    async def NotifyWithFiles(
        self, request: pb.NotifyWithFilesRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> pb.NotifyWithFilesResponse:
        if self.notice_refusals:
            await self.notice_refusals.popleft().abort(context)
        self.notifications.append(request)
        return pb.NotifyWithFilesResponse()

    async def Enroll(
        self, request: pb.EnrollRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> pb.EnrollResponse:
        bound = self.join_tokens.get(request.join_token)
        if bound is None or bound not in (b"", request.public_key):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "The join token is not good any more. Make another.")
        self.join_tokens[request.join_token] = request.public_key
        return pb.EnrollResponse(machine_id=request.machine_id, router_id="router-1")


def _bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else bytes(message.SerializeToString())


@asynccontextmanager
async def running_router(port: int = 0, credentials: grpc.ServerCredentials | None = None) -> AsyncIterator[Router]:
    router = Router()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers = {
        "Connect": grpc.stream_stream_rpc_method_handler(router.Connect, pb.AgentFrame.FromString, _bytes),
        "GetPart": grpc.unary_unary_rpc_method_handler(router.GetPart, pb.GetCommandPartRequest.FromString, _bytes),
        "PutPart": grpc.unary_unary_rpc_method_handler(router.PutPart, pb.PutPartRequest.FromString, _bytes),
        "NotifyWithFiles": grpc.unary_unary_rpc_method_handler(
            router.NotifyWithFiles, pb.NotifyWithFilesRequest.FromString, _bytes
        ),
        "Enroll": grpc.unary_unary_rpc_method_handler(router.Enroll, pb.EnrollRequest.FromString, _bytes),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("agentlink.v1.AgentLink", handlers),))
    address = f"127.0.0.1:{port}"
    bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    router.address = f"127.0.0.1:{bound}"
    await server.start()
    try:
        yield router
    finally:
        for link in list(router._open):
            link.drop()
        await server.stop(None)

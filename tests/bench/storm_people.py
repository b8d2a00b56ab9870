"""People who write to sessions all the time, by every way into the router, and note how long each command takes.

Their machine comes back as soon as it can; what is asked is how long a router with a crowd at its door takes.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import grpc
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import chat_link_pb2_grpc as chat_rpc
from agentlink.v1 import control_pb2, control_pb2_grpc, types_pb2

from tests.bench.machine import METADATA, Machine

EVERY = 0.05  # seconds between two commands of one way, whatever became of the one before
AGAIN = 0.02  # seconds between two tries
OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 50),
]


class Stream:
    """The adapter's way: one stream, on which each message is said until it is answered."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = chat_rpc.ChatLinkStub(channel)
        self._open: dict[int, chat_pb.SubmitItem] = {}
        self._news = asyncio.Event()

    async def send(self, session: str, text: str) -> None:
        """Hand it in."""
        chat = types_pb2.ChatRef(transport="bench", chat_id="1")
        request = chat_pb.SubmitRequest(update_key=f"bench:{text}", chat=chat, text=text, session_id=session)
        item = chat_pb.SubmitItem(item_id=int(text.split()[-1]) + 1, request=request)
        self._open[item.item_id] = item
        self._news.set()

    async def carry(self) -> None:
        """Until cancelled."""
        while True:
            stream = self._stub.SubmitStream(metadata=METADATA)
            writing = asyncio.create_task(self._write(stream))
            with suppress(grpc.RpcError, AttributeError):
                while True:
                    for answer in (await stream.read()).items:
                        self._open.pop(answer.item_id, None)
            writing.cancel()
            stream.cancel()
            await asyncio.sleep(AGAIN)

    async def _write(
        self, stream: "grpc.aio.StreamStreamCall[chat_pb.SubmitBatch, chat_pb.SubmitBatchResponse]"
    ) -> None:
        said = set[int]()
        with suppress(grpc.RpcError, asyncio.InvalidStateError):
            while True:
                self._news.clear()
                if items := [item for number, item in self._open.items() if number not in said]:
                    said.update(item.item_id for item in items)
                    await stream.write(chat_pb.SubmitBatch(items=items))
                await self._news.wait()


class Calls:
    """The command line's way: a call of its own for each, until it is answered."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._control = control_pb2_grpc.ControlStub(channel)

    async def send(self, session: str, text: str) -> None:
        """Until it is accepted."""
        action = types_pb2.Action(input=types_pb2.Input(text=text, submit=True))
        request = control_pb2.SendCommandRequest(session_id=session, action=action, request_id=text)
        while True:
            with suppress(grpc.RpcError):
                await self._control.SendCommand(request, metadata=METADATA, timeout=5)
                return
            await asyncio.sleep(AGAIN)


class People:
    """All ways at once, to one machine."""

    def __init__(self, address: str, socket: str) -> None:
        self._port = grpc.aio.insecure_channel(address, OPTIONS)
        self._socket = grpc.aio.insecure_channel(f"unix:{socket}", OPTIONS)
        self._machine = Machine(self._port, "people")
        self.sent: dict[str, float] = {}
        self.back_at = 0.0
        self._trying = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["People"]:
        """Enrolled and connected; commands are sent all the time."""
        await self._machine.enrol()
        sessions = await self._machine.sessions(3)
        stream = Stream(self._port)
        ways = {"chat": stream.send, "socket": Calls(self._socket).send, "port": Calls(self._port).send}
        tasks = [asyncio.create_task(each) for each in (self._stay(), stream.carry())]
        for session, (name, send) in zip(sessions, ways.items(), strict=True):
            tasks.append(asyncio.create_task(self._send(name, session, send)))
        yield self
        for task in (*tasks, *self._trying):
            task.cancel()
        await asyncio.gather(*tasks, *self._trying, return_exceptions=True)
        await self._port.close()
        await self._socket.close()

    def waits(self, way: str, begins: float, ends: float) -> list[float]:
        """Seconds from the first try until the machine had it, of what was sent in an interval (perf_counter)."""
        sent = {text: at for text, at in self.sent.items() if text.startswith(way) and begins <= at < ends}
        return [self._machine.arrived.get(text, time.perf_counter()) - at for text, at in sent.items()]

    async def _stay(self) -> None:
        while True:
            with suppress(grpc.RpcError, asyncio.InvalidStateError, AttributeError):
                await self._machine.connect()
                self.back_at = time.perf_counter()
                await self._machine.serve()
            await asyncio.sleep(AGAIN)

    async def _send(self, name: str, session: str, send: Callable[[str, str], Awaitable[None]]) -> None:
        for number in range(10**9):
            text = f"{name} {number}"
            self.sent[text] = time.perf_counter()
            self._trying.add(task := asyncio.ensure_future(_done(send(session, text))))
            task.add_done_callback(self._trying.discard)
            await asyncio.sleep(EVERY)


async def _done(sending: Awaitable[None]) -> None:
    await sending

"""A real router in this process, on its own event loop, whose time the test can move forward."""

import asyncio
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.chat_link_pb2_grpc import ChatLinkStub
from agentlink.v1.control_pb2_grpc import ControlStub
from agentlink.v1.memory_pb2_grpc import MemoryStub
from google.protobuf.descriptor import MethodDescriptor

from router.app import Router, running
from router.config import RouterConfig
from router.domain.errors import Refusal
from router.store.database import Transaction
from tests.integration.router.let_in import let_follow
from tests.integration.router.movable import MovableLoop, MovableTime
from tests.integration.router.new_database import lay_down
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

T = TypeVar("T")
API_KEY = "pmk_" + "r" * 43
LIMIT = 40.0  # seconds for anything the harness itself asks of the router

_numbers = itertools.count(1)


def fresh(word: str) -> str:
    """A name no other test uses: one router serves many of them."""
    return f"{word}-{next(_numbers)}"


class WithKey(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Adds an API key and a deadline to every call of a channel."""

    def __init__(self, key: str) -> None:
        self._key = key

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with_key(details, LIMIT), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with_key(details, None), request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._with_key(details, None), requests)

    def _with_key(self, details: Any, limit: float | None) -> Any:
        metadata = [*(details.metadata or ()), ("x-api-key", self._key)]
        return details._replace(metadata=metadata, timeout=details.timeout or limit)


@dataclass
class Caller:
    """One API key's view of the router."""

    address: str
    key: str
    options: tuple[tuple[str, int], ...] = ()
    control: ControlStub = field(init=False)
    chat: ChatLinkStub = field(init=False)
    memory: MemoryStub = field(init=False)

    def __post_init__(self) -> None:
        self._channel = grpc.insecure_channel(self.address, self.options)
        self._keyed = grpc.intercept_channel(self._channel, WithKey(self.key))
        self.control, self.chat, self.memory = (kind(self._keyed) for kind in (ControlStub, ChatLinkStub, MemoryStub))

    def raw(self, method: MethodDescriptor, frames: Iterable[bytes]) -> Iterator[bytes]:
        """Call a method with bytes that need not be messages."""
        name = f"/{method.containing_service.full_name}/{method.name}"
        if method.client_streaming:
            return self._keyed.stream_stream(name)(iter(frames))
        [request] = frames
        if method.server_streaming:
            return self._keyed.unary_stream(name)(request)
        return iter([self._keyed.unary_unary(name)(request)])

    def close(self) -> None:
        self._channel.close()


class RouterUnderTest:
    """A running router, seen from its public doors; beside them the test can move its time and reach its database."""

    def __init__(self, config: RouterConfig) -> None:
        self.config = config
        self.time = MovableTime()
        self.address = ""
        self.router: Router
        self._callers: dict[str, Caller] = {}
        self._agents: list[ThinAgent] = []
        self._loop: MovableLoop
        self._thread: threading.Thread
        self._stop: asyncio.Event
        self._done: asyncio.Future[None]

    def start(self) -> None:
        """Come back once it serves. Raises what the start raised."""
        self._loop = MovableLoop(self.time)
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="router")
        self._thread.start()
        try:
            self._done = asyncio.run_coroutine_threadsafe(self._serve_once(), self._loop).result(LIMIT)
        except BaseException:
            self._discard()
            raise

    def restart(self) -> None:
        """Stop it and start it again on its data, at another address."""
        self.stop()
        self.start()

    def begin_stop(self) -> None:
        """What SIGTERM does."""
        self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self) -> None:
        """Stop in order, and come back when it is done."""
        for closing in (*self._callers.values(), *self._agents):
            closing.close()
        self._callers, self._agents = {}, []
        self.begin_stop()
        asyncio.run_coroutine_threadsafe(_waited(self._done), self._loop).result(LIMIT)
        self._discard()

    def _discard(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT)
        self._loop.close()

    @property
    def admin(self) -> Caller:
        return self.caller(API_KEY)

    @property
    def control(self) -> ControlStub:
        return self.admin.control

    @property
    def chat(self) -> ChatLinkStub:
        return self.admin.chat

    @property
    def memory(self) -> MemoryStub:
        return self.admin.memory

    def caller(self, key: str) -> Caller:
        """The router as the holder of a key sees it."""
        if key not in self._callers:
            self._callers[key] = Caller(self.address, key)
        return self._callers[key]

    def advance(self, seconds: float) -> None:
        """Move the router's time forward; what became due happens now."""
        self.settle()  # whoever is about to wait for so many seconds begins before them
        self.time.skipped += seconds
        self._loop.call_soon_threadsafe(lambda: None)  # wakes the loop, which then looks at its timers

    def settle(self) -> None:
        """Come back once what was due after `advance` has been begun and written."""
        for _ in range(3):  # a timer fires, its task runs, its operation is handed in
            self.taken(lambda _tx: None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Its loop does nothing as long as the block runs: what comes waits at its doors."""
        stands, go_on = threading.Event(), threading.Event()

        def stand() -> None:
            stands.set()
            go_on.wait(LIMIT)

        self._loop.call_soon_threadsafe(stand)
        assert stands.wait(LIMIT)
        try:
            yield
        finally:
            go_on.set()

    def write(self, operation: Callable[[Transaction], T]) -> T:
        """Run an operation in the router's writer thread, between those of its callers."""

        async def written() -> T:
            return await self.router.database.write(operation)

        return asyncio.run_coroutine_threadsafe(written(), self._loop).result(LIMIT)

    def taken(self, operation: Callable[[Transaction], object]) -> bool:
        """Run an operation; False where the disk, or another operation of its group, did not let it be stored."""
        try:
            self.write(operation)
        except Refusal:
            return False
        return True

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on one of the router's reading connections."""
        return asyncio.run_coroutine_threadsafe(self.router.database.read(query), self._loop).result(LIMIT)

    def machine(self, machine_id: str = "") -> ThinAgent:
        """An enrolled machine whose clock agrees with the router's."""
        agent = self.stranger(machine_id or fresh("machine"))
        agent.enrol(self.join_token())
        return agent

    def stranger(self, machine_id: str = "") -> ThinAgent:
        """A machine that is not enrolled."""
        agent = ThinAgent(self.address, machine_id or fresh("stranger"), now=self.time.now)
        self._agents.append(agent)
        return agent

    def join_token(self, **request: Any) -> str:
        return self.control.CreateJoinToken(pb.CreateJoinTokenRequest(**request)).join_token

    def key(self, role: "pb.Role.ValueType") -> str:
        """The secret of a new key."""
        return self.control.CreateApiKey(pb.CreateApiKeyRequest(label=fresh("key"), role=role)).secret

    def session(self, agent: ThinAgent, label: str = "") -> str:
        """A new session of a machine, registered by an operator."""
        session_id = fresh("session")
        request = pb.RegisterSessionRequest(session_id=session_id, machine_id=agent.machine_id, label=label)
        return self.control.RegisterSession(request).session.session_id

    def send(self, session_id: str, text: str = "hello", **request: Any) -> types.Command:
        """Accept a command that types a text."""
        action = types.Action(input=types.Input(text=text, submit=True))
        request = {"action": action} | request
        return self.control.SendCommand(pb.SendCommandRequest(session_id=session_id, **request)).command

    def command(self, command_id: str, wait: float = 0.0) -> types.Command:
        """A command as it is now, or at its end if that comes within `wait` seconds."""
        request = pb.GetCommandRequest(command_id=command_id)
        request.wait.FromMilliseconds(round(wait * 1000))
        return self.control.GetCommand(request).command

    def trace(self, subject_id: str) -> list[pb.TraceStep]:
        return list(self.control.Trace(pb.TraceRequest(id=subject_id)).steps)

    def events(self, subject_id: str) -> list[str]:
        """What happened to a thing, in order."""
        return [step.event for step in self.trace(subject_id) if step.subject_id == subject_id]

    def submit(self, chat: types.ChatRef, text: str = "", **request: Any) -> chat_pb.SubmitResponse:
        """What a person's message in a chat becomes."""
        request = {"update_key": fresh("update"), "actor": "Ada"} | request
        return self.chat.Submit(chat_pb.SubmitRequest(chat=chat, text=text, **request))

    def notify(self, session_id: str, *targets: types.ChatRef, **request: Any) -> list[types.Notification]:
        let_follow(self.write, session_id, *targets)
        asked = pb.NotifyRequest(session_id=session_id, targets=targets, **({"text": "done"} | request))
        return list(self.control.Notify(asked).notifications)

    def reported(self, delivery: chat_pb.Delivery) -> types.Notification:
        """What a delivery became, once its courier's receipt is on disk."""
        request = pb.GetNotificationRequest(notification_id=delivery.notification.notification_id)

        def no_longer_out() -> types.Notification | None:
            note = self.control.GetNotification(request).notification
            out = note.state == types.NOTIFICATION_STATE_SENT and note.attempt == delivery.attempt
            return None if out else note

        note = wait_until(no_longer_out, LIMIT)
        assert note is not None
        return note

    def watch(self, **request: Any) -> Any:
        """Events from the oldest on, from behind `after_event_id`, or `from_now_on`. Somebody must cancel it."""
        call = self.control.WatchEvents(pb.WatchEventsRequest(**request), timeout=LIMIT)
        call.initial_metadata()  # comes once the router knows where to begin
        return call

    def notifications(self, session_id: str) -> list[types.Notification]:
        """What is or was on its way about a session, newest first."""
        return list(self.control.ListNotifications(pb.ListNotificationsRequest(session_id=session_id)).notifications)

    @contextmanager
    def courier(self, transport: str, *default_chats: str, max_in_flight: int = 0) -> Iterator[ThinCourier]:
        """An open delivery link that the router knows, with its default chats."""
        courier = ThinCourier(self.chat, transport, *default_chats, max_in_flight=max_in_flight).connected()
        try:
            yield courier
        finally:
            courier.close()

    async def _serve_once(self) -> "asyncio.Future[None]":
        serving: asyncio.Future[str] = self._loop.create_future()
        task = asyncio.ensure_future(self._serve(serving))
        await asyncio.wait({task, serving}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            task.result()
        self.address = serving.result()
        return task

    async def _serve(self, serving: "asyncio.Future[str]") -> None:
        async with running(self.config, serving.set_result, clock=self.time) as router:
            self.router = router
            await self._stop.wait()


async def _waited(future: "asyncio.Future[None]") -> None:
    await future


def config(data_dir: Path, **changes: Any) -> RouterConfig:
    """Settings of a router on a free port."""
    return RouterConfig(**({"data_dir": data_dir, "listen": "127.0.0.1:0", "api_key": API_KEY} | changes))


@contextmanager
def serving(settings: RouterConfig, *, wall_step: float = 0.0) -> Iterator[RouterUnderTest]:
    """A router that runs inside the block, on a machine whose wall clock is so many seconds ahead."""
    lay_down(settings.database_path)
    router = RouterUnderTest(settings)
    router.time.wall_step = wall_step
    router.start()
    try:
        yield router
    finally:
        router.stop()

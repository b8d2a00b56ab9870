"""A router on loopback that does as it is told: real gRPC, answers from memory, faults on demand."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn

import grpc
from agentlink.v1 import chat_link_pb2, chat_link_pb2_grpc, control_pb2, control_pb2_grpc, types_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

ADMIN_KEY = "pmk_" + "a" * 43
VIEWER_KEY = "pmk_" + "v" * 43
CHAT_KEY = "pmk_" + "c" * 43
NOON = Timestamp(seconds=1_795_219_200, nanos=123_000_000)  # 2026-11-21T00:00:00.123Z


@dataclass(frozen=True, slots=True)
class Fault:
    """What a call fails with."""

    code: grpc.StatusCode
    reason: str
    message: str = "scripted"
    retry_after: int = 0

    def status(self) -> status_pb2.Status:
        details = [error_details_pb2.ErrorInfo(reason=self.reason, domain="pointsman")] if self.reason else []
        packed = [_packed(each) for each in details]
        if self.retry_after:
            delay = Duration(seconds=self.retry_after)
            packed.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
        return status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)


UNKNOWN_SESSION = Fault(grpc.StatusCode.NOT_FOUND, "SESSION_UNKNOWN", "no such session")
UNKNOWN_ID = Fault(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "no such command")
NO_KEY = Fault(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", "the API key is missing or wrong")
NOT_ALLOWED = Fault(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", "the key's role may not do this")
NO_STORAGE = Fault(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", "nothing was stored; try again", 7)


def _packed(message: Any) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


@dataclass
class Book:
    """What the fake router remembers, and what it is told to do."""

    sessions: dict[str, types_pb2.Session] = field(default_factory=dict)
    commands: dict[str, types_pb2.Command] = field(default_factory=dict)
    notifications: dict[str, types_pb2.Notification] = field(default_factory=dict)
    submitted: dict[str, chat_link_pb2.SubmitRequest] = field(default_factory=dict)
    submit_calls: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    answer: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)
    fate: Callable[[types_pb2.Notification], None] = lambda _: None
    submit_gate: threading.Event = field(default_factory=threading.Event)
    stream_opened: threading.Event = field(default_factory=threading.Event)
    lose_next_stream: bool = False
    writable: bool = True


class FakeRouter:
    """Start it, script `book`, look into `book`. May be stopped and started again on its port."""

    def __init__(self) -> None:
        self.book = Book()
        self.book.submit_gate.set()
        self.port = 0
        self._server: grpc.Server | None = None
        self._kept: socket.socket | None = None  # the port of a router that is away: nobody else's answers come from it

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, credentials: grpc.ServerCredentials | None = None) -> "FakeRouter":
        server = grpc.server(ThreadPoolExecutor(40), options=(("grpc.so_reuseport", 0),))
        control_pb2_grpc.add_ControlServicer_to_server(_Control(self.book), server)
        chat_link_pb2_grpc.add_ChatLinkServicer_to_server(_ChatLink(self.book), server)
        address = f"127.0.0.1:{self.port}"
        self._give_up_port()
        secure = credentials is not None
        self.port = server.add_secure_port(address, credentials) if secure else server.add_insecure_port(address)
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None
            self._kept = socket.socket()
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside connections that are closing
            self._kept.bind(("127.0.0.1", self.port))
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)

    def close(self) -> None:
        self.stop()
        self._give_up_port()

    def _give_up_port(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def __enter__(self) -> "FakeRouter":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.book.submit_gate.set()
        self.close()

    def add_session(self, session_id: str, machine_id: str = "devbox", label: str = "") -> None:
        self.book.sessions[session_id] = types_pb2.Session(
            session_id=session_id,
            machine_id=machine_id,
            label=label,
            state=types_pb2.SESSION_STATE_IDLE,
            connected=True,
            created_at=NOON,
            updated_at=NOON,
        )


def _refuse(context: grpc.ServicerContext, fault: Fault) -> NoReturn:
    context.abort_with_status(rpc_status.to_status(fault.status()))
    raise AssertionError("abort raises")


class _Checks:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._numbers = itertools.count(1)

    def _admit(self, context: grpc.ServicerContext, name: str, *, reads: bool = False) -> None:
        key = dict(context.invocation_metadata()).get("x-api-key")
        if key not in {ADMIN_KEY, VIEWER_KEY, CHAT_KEY}:
            _refuse(context, NO_KEY)
        if key == CHAT_KEY or (key == VIEWER_KEY and not reads):
            _refuse(context, NOT_ALLOWED)
        if name in self._book.faults:
            _refuse(context, self._book.faults[name])

    def _new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"


class _Control(_Checks, control_pb2_grpc.ControlServicer):
    def _known(self, context: grpc.ServicerContext, session_id: str) -> types_pb2.Session:
        if session_id not in self._book.sessions:
            _refuse(context, UNKNOWN_SESSION)
        return self._book.sessions[session_id]

    def RegisterSession(self, request: Any, context: Any) -> control_pb2.RegisterSessionResponse:
        self._admit(context, "RegisterSession")
        session = types_pb2.Session(session_id=request.session_id, machine_id=request.machine_id, label=request.label)
        session.created_at.CopyFrom(NOON)
        self._book.sessions[request.session_id] = session
        return control_pb2.RegisterSessionResponse(session=session)

    def UnregisterSession(self, request: Any, context: Any) -> control_pb2.UnregisterSessionResponse:
        self._admit(context, "UnregisterSession")
        self._known(context, request.session_id)
        del self._book.sessions[request.session_id]
        return control_pb2.UnregisterSessionResponse()

    def ListSessions(self, request: Any, context: Any) -> control_pb2.ListSessionsResponse:  # noqa: ARG002
        self._admit(context, "ListSessions", reads=True)
        return control_pb2.ListSessionsResponse(sessions=self._book.sessions.values())

    def SendCommand(self, request: Any, context: Any) -> control_pb2.SendCommandResponse:
        self._admit(context, "SendCommand")
        self._book.requests.append(request)
        session = self._known(context, request.session_id)
        command = types_pb2.Command(
            command_id=self._new_id("command"),
            session_id=session.session_id,
            machine_id=session.machine_id,
            sequence=1,
            action=request.action,
            state=types_pb2.COMMAND_STATE_QUEUED,
            origin=request.origin,
            created_at=NOON,
        )
        self._book.commands[command.command_id] = command
        return control_pb2.SendCommandResponse(command=command)

    def StartSession(self, request: Any, context: Any) -> control_pb2.StartSessionResponse:
        self._admit(context, "StartSession")
        self._book.requests.append(request)
        session = types_pb2.Session(session_id=self._new_id("session"), machine_id=request.machine_id)
        command = types_pb2.Command(command_id="start", session_id=session.session_id, origin=request.origin)
        command.action.start_session.prompt = request.prompt
        return control_pb2.StartSessionResponse(session=session, command=command)

    def GetCommand(self, request: Any, context: Any) -> control_pb2.GetCommandResponse:
        self._admit(context, "GetCommand", reads=True)
        if request.command_id not in self._book.commands:
            _refuse(context, UNKNOWN_ID)
        return control_pb2.GetCommandResponse(command=self._book.commands[request.command_id])

    def ListCommands(self, request: Any, context: Any) -> control_pb2.ListCommandsResponse:
        self._admit(context, "ListCommands", reads=True)
        self._book.requests.append(request)
        found = [each for each in self._book.commands.values() if not request.states or each.state in request.states]
        return control_pb2.ListCommandsResponse(commands=found)

    def Trace(self, request: Any, context: Any) -> control_pb2.TraceResponse:
        self._admit(context, "Trace", reads=True)
        step = control_pb2.TraceStep(at=NOON, subject_id=request.id, event="accepted", to_state="QUEUED", actor="rest")
        return control_pb2.TraceResponse(steps=[step])

    def Notify(self, request: Any, context: Any) -> control_pb2.NotifyResponse:
        self._admit(context, "Notify")
        self._book.requests.append(request)
        self._known(context, request.session_id)
        sent = types_pb2.Notification(
            notification_id=self._new_id("notification"),
            session_id=request.session_id,
            chat=request.targets[0],
            text=request.text,
            buttons=request.buttons,
            token="tokentokentoken1",
            state=types_pb2.NOTIFICATION_STATE_QUEUED,
            created_at=NOON,
        )
        self._book.notifications[sent.notification_id] = sent
        return control_pb2.NotifyResponse(notifications=[sent])

    def GetNotification(self, request: Any, context: Any) -> control_pb2.GetNotificationResponse:
        self._admit(context, "GetNotification", reads=True)
        self._book.requests.append(request)
        sent = self._book.notifications[request.notification_id]
        self._book.fate(sent)
        return control_pb2.GetNotificationResponse(notification=sent)

    def ListNotifications(self, request: Any, context: Any) -> control_pb2.ListNotificationsResponse:
        self._admit(context, "ListNotifications", reads=True)
        self._book.requests.append(request)
        return control_pb2.ListNotificationsResponse(notifications=self._book.notifications.values())

    def ListMachines(self, request: Any, context: Any) -> control_pb2.ListMachinesResponse:  # noqa: ARG002
        self._admit(context, "ListMachines", reads=True)
        return control_pb2.ListMachinesResponse(
            machines=[types_pb2.Machine(machine_id="devbox", created_at=NOON, start_folders=["~/src"])]
        )

    def ListDeadLetters(self, request: Any, context: Any) -> control_pb2.ListDeadLettersResponse:  # noqa: ARG002
        self._admit(context, "ListDeadLetters", reads=True)
        dead = [each for each in self._book.commands.values() if each.state == types_pb2.COMMAND_STATE_DEAD]
        return control_pb2.ListDeadLettersResponse(commands=dead)

    def CancelCommand(self, request: Any, context: Any) -> control_pb2.CancelCommandResponse:
        return control_pb2.CancelCommandResponse(command=self._changed(request, context, "COMMAND_STATE_CANCELLED"))

    def Redrive(self, request: Any, context: Any) -> control_pb2.RedriveResponse:
        ended = self._changed(request, context, "COMMAND_STATE_DEAD")
        again = types_pb2.Command(command_id="again", session_id=request.session_id, redrive_of=ended.command_id)
        return control_pb2.RedriveResponse(command=again)

    def DropDeadLetter(self, request: Any, context: Any) -> control_pb2.DropDeadLetterResponse:
        command = self._changed(request, context, "COMMAND_STATE_DEAD")
        command.dropped = True
        return control_pb2.DropDeadLetterResponse(command=command)

    def _changed(self, request: Any, context: Any, state: str) -> types_pb2.Command:
        self._admit(context, type(request).__name__.removesuffix("Request"))
        command = self._book.commands[request.command_id]
        command.state = types_pb2.CommandState.Value(state)
        return command

    def CreateJoinToken(self, request: Any, context: Any) -> control_pb2.CreateJoinTokenResponse:
        self._admit(context, "CreateJoinToken")
        self._book.requests.append(request)
        return control_pb2.CreateJoinTokenResponse(join_token="join", expires_at=NOON)

    def Cleanup(self, request: Any, context: Any) -> control_pb2.CleanupResponse:  # noqa: ARG002
        self._admit(context, "Cleanup")
        return control_pb2.CleanupResponse(commands=1, notifications=2, messages=3, updates=4, sessions=5, steps=6)

    def GetStats(self, request: Any, context: Any) -> control_pb2.GetStatsResponse:  # noqa: ARG002
        self._admit(context, "GetStats", reads=True)
        return control_pb2.GetStatsResponse(
            commands={"QUEUED": 3, "DEAD": 1},
            commits=42,
            commit_p99=Duration(nanos=5_000_000),
            writable=self._book.writable,
        )


class _ChatLink(_Checks, chat_link_pb2_grpc.ChatLinkServicer):
    def SubmitStream(
        self, request_iterator: Iterator[chat_link_pb2.SubmitBatch], context: Any
    ) -> Iterator[chat_link_pb2.SubmitBatchResponse]:
        self._admit(context, "SubmitStream")
        self._book.stream_opened.set()
        for batch in request_iterator:
            self._book.frames.append(len(batch.items))
            self._book.submit_gate.wait(30)
            if self._book.lose_next_stream:
                self._book.lose_next_stream = False
                return
            yield chat_link_pb2.SubmitBatchResponse(items=[self._store(item) for item in batch.items])

    def _store(self, item: chat_link_pb2.SubmitItem) -> chat_link_pb2.SubmitItemResponse:
        book, request = self._book, item.request
        book.submit_calls.append(request.update_key)
        if "Submit" in book.faults:
            return chat_link_pb2.SubmitItemResponse(item_id=item.item_id, error=book.faults["Submit"].status())
        duplicate = request.update_key in book.submitted
        book.submitted.setdefault(request.update_key, request)
        response = chat_link_pb2.SubmitResponse(
            command_id="command-1", state=types_pb2.COMMAND_STATE_QUEUED, answer=book.answer, duplicate=duplicate
        )
        return chat_link_pb2.SubmitItemResponse(item_id=item.item_id, response=response)

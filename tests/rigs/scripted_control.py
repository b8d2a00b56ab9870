"""Not the real router, which takes no ids, times and ends from a test: a Control whose lists a test fills."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.control_pb2_grpc import ControlServicer, add_ControlServicer_to_server
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

API_KEY = "pmk_" + "k" * 43


class FakeControl(ControlServicer):
    """Scripted from outside: fill the lists, set `failures` by method name, set how commands end."""

    def __init__(self) -> None:
        self.address = ""
        self.sessions: list[types.Session] = []
        self.machines: list[types.Machine] = []
        self.bindings: list[pb.Binding] = []
        self.strangers: list[types.Stranger] = []
        self.commands: list[types.Command] = []
        self.notifications: list[types.Notification] = []
        self.keys: list[pb.ApiKey] = []
        self.permissions: list[types.Permission] = []
        self.steps: list[pb.TraceStep] = []
        self.events: list[pb.WatchEventsResponse] = []
        self.session_events: list[pb.WatchSessionResponse] = []
        self.hits: list[pb.SearchHit] = []
        self.screen = ""
        self.requests: list[Any] = []
        self.quotas: list[pb.QuotaUse] = []
        self.writable = True
        self.absences: dict[str, int] = {}  # by method: how many calls find nobody
        self.broken_streams = 0  # how many streams of events end after their first event
        self.failures: dict[str, tuple[grpc.StatusCode, str, str]] = {}
        self.ends_as = types.COMMAND_STATE_DONE
        self.end_reason = types.REASON_UNSPECIFIED

    def enter(self, request: Any, context: grpc.ServicerContext) -> None:
        """Every call comes through here: the key, then the scripted failure of its method."""
        self.requests.append(request)
        method = type(request).__name__.removesuffix("Request")
        if self.absences.get(method, 0) > 0:
            self.absences[method] -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset")
        if dict(context.invocation_metadata()).get("x-api-key") != API_KEY:
            self.refuse(context, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", "The API key is wrong.")
        if method in self.failures:
            self.refuse(context, *self.failures[method])

    def refuse(self, context: grpc.ServicerContext, code: grpc.StatusCode, reason: str, text: str) -> None:
        detail = AnyMessage()
        detail.Pack(ErrorInfo(reason=reason, domain="pointsman"))
        status = status_pb2.Status(code=code.value[0], message=text, details=[detail])
        context.abort_with_status(rpc_status.to_status(status))

    def find(self, command_id: str, context: grpc.ServicerContext) -> types.Command:
        found = [command for command in self.commands if command.command_id.endswith(command_id)]
        if not found:
            self.refuse(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", f"There is no command {command_id}.")
        return found[0]

    def add_session(self, session_id: str, label: str = "", machine_id: str = "box") -> types.Session:
        session = types.Session(session_id=session_id, label=label, machine_id=machine_id, connected=True, generation=1)
        session.created_at.GetCurrentTime()
        session.updated_at.GetCurrentTime()
        self.sessions.append(session)
        return session

    def add_command(self, command_id: str, session_id: str, state: int, text: str = "hello") -> types.Command:
        command = types.Command(command_id=command_id, session_id=session_id, sequence=len(self.commands) + 1)
        command.state = state  # type: ignore[assignment]
        command.action.input.text = text
        command.created_at.GetCurrentTime()
        self.commands.insert(0, command)
        return command

    def ListSessions(self, request: Any, context: Any) -> pb.ListSessionsResponse:
        self.enter(request, context)
        return pb.ListSessionsResponse(sessions=self.sessions)

    def SendCommand(self, request: Any, context: Any) -> pb.SendCommandResponse:
        self.enter(request, context)
        if request.session_id not in {session.session_id for session in self.sessions}:
            self.refuse(context, grpc.StatusCode.NOT_FOUND, "SESSION_UNKNOWN", f"No session {request.session_id}.")
        command = self.add_command(f"c{len(self.commands) + 1}", request.session_id, types.COMMAND_STATE_QUEUED)
        command.action.CopyFrom(request.action)
        command.origin.CopyFrom(request.origin)
        return pb.SendCommandResponse(command=command)

    def StartSession(self, request: Any, context: Any) -> pb.StartSessionResponse:
        self.enter(request, context)
        session = self.add_session(f"s{len(self.sessions) + 1}", machine_id=request.machine_id or "box")
        command = self.add_command("start", session.session_id, types.COMMAND_STATE_QUEUED)
        command.machine_id = session.machine_id
        command.action.start_session.prompt = request.prompt
        return pb.StartSessionResponse(session=session, command=command)

    def StopSession(self, request: Any, context: Any) -> pb.StopSessionResponse:
        self.enter(request, context)
        command = self.add_command("stop", request.session_id, types.COMMAND_STATE_QUEUED)
        command.machine_id = "box"
        command.action.stop_session.SetInParent()
        return pb.StopSessionResponse(command=command)

    def GetCommand(self, request: Any, context: Any) -> pb.GetCommandResponse:
        self.enter(request, context)
        command = self.find(request.command_id, context)
        if request.HasField("wait"):
            command.state, command.reason = self.ends_as, self.end_reason
        return pb.GetCommandResponse(command=command)

    def ListCommands(self, request: Any, context: Any) -> pb.ListCommandsResponse:
        self.enter(request, context)
        ids = [command.command_id for command in self.commands]
        older = (
            self.commands[ids.index(request.before_command_id) + 1 :] if request.before_command_id else self.commands
        )
        wanted = [
            command
            for command in older
            if request.session_id in ("", command.session_id)
            and (not request.states or command.state in request.states)
        ]
        return pb.ListCommandsResponse(commands=wanted[: request.limit or 100])

    def CancelCommand(self, request: Any, context: Any) -> pb.CancelCommandResponse:
        self.enter(request, context)
        command = self.find(request.command_id, context)
        command.state = types.COMMAND_STATE_CANCELLED
        return pb.CancelCommandResponse(command=command)

    def Redrive(self, request: Any, context: Any) -> pb.RedriveResponse:
        self.enter(request, context)
        old = self.find(request.command_id, context)
        new = self.add_command("c-new", request.session_id or old.session_id, types.COMMAND_STATE_QUEUED)
        new.redrive_of = old.command_id
        return pb.RedriveResponse(command=new)

    def DropDeadLetter(self, request: Any, context: Any) -> pb.DropDeadLetterResponse:
        self.enter(request, context)
        command = self.find(request.command_id, context)
        command.dropped = True
        return pb.DropDeadLetterResponse(command=command)

    def ListDeadLetters(self, request: Any, context: Any) -> pb.ListDeadLettersResponse:
        self.enter(request, context)
        dead = [command for command in self.commands if command.state == types.COMMAND_STATE_DEAD]
        missing = [note for note in self.notifications if note.state == types.NOTIFICATION_STATE_DEAD]
        return pb.ListDeadLettersResponse(commands=dead, notifications=missing)

    def Notify(self, request: Any, context: Any) -> pb.NotifyResponse:
        self.enter(request, context)
        made = types.Notification(
            notification_id=f"n{len(self.notifications) + 1}",
            session_id=request.session_id,
            text=request.text,
            buttons=request.buttons,
            chat=types.ChatRef(transport="web", chat_id="console"),
            state=types.NOTIFICATION_STATE_QUEUED,
        )
        self.notifications.insert(0, made)
        return pb.NotifyResponse(notifications=[made])

    def ListNotifications(self, request: Any, context: Any) -> pb.ListNotificationsResponse:
        self.enter(request, context)
        ids = [note.notification_id for note in self.notifications]
        first = ids.index(request.before_notification_id) + 1 if request.before_notification_id else 0
        return pb.ListNotificationsResponse(notifications=self.notifications[first : first + (request.limit or 100)])

    def GetNotification(self, request: Any, context: Any) -> pb.GetNotificationResponse:
        self.enter(request, context)
        found = [note for note in self.notifications if note.notification_id == request.notification_id]
        if not found:
            self.refuse(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "There is no such notification.")
        return pb.GetNotificationResponse(notification=found[0])

    def ListPermissions(self, request: Any, context: Any) -> pb.ListPermissionsResponse:
        self.enter(request, context)
        return pb.ListPermissionsResponse(permissions=self.permissions)

    def Bind(self, request: Any, context: Any) -> pb.BindResponse:
        self.enter(request, context)
        self.bindings = [each for each in self.bindings if each.space != request.binding.space] + [request.binding]
        return pb.BindResponse(binding=request.binding)

    def Unbind(self, request: Any, context: Any) -> pb.UnbindResponse:
        self.enter(request, context)
        self.bindings = [each for each in self.bindings if each.space != request.space]
        return pb.UnbindResponse()

    def ListBindings(self, request: Any, context: Any) -> pb.ListBindingsResponse:
        self.enter(request, context)
        return pb.ListBindingsResponse(bindings=self.bindings)

    def ListMachines(self, request: Any, context: Any) -> pb.ListMachinesResponse:
        self.enter(request, context)
        return pb.ListMachinesResponse(machines=self.machines)

    def ListStrangers(self, request: Any, context: Any) -> pb.ListStrangersResponse:
        self.enter(request, context)
        return pb.ListStrangersResponse(strangers=self.strangers)

    def CreateJoinToken(self, request: Any, context: Any) -> pb.CreateJoinTokenResponse:
        self.enter(request, context)
        expires_at = Timestamp(seconds=2_000_000_000)
        return pb.CreateJoinTokenResponse(join_token="join-me", expires_at=expires_at, token_id="join_1")

    def RevokeMachine(self, request: Any, context: Any) -> pb.RevokeMachineResponse:
        self.enter(request, context)
        return pb.RevokeMachineResponse(dead_commands=2)

    def CreateApiKey(self, request: Any, context: Any) -> pb.CreateApiKeyResponse:
        self.enter(request, context)
        key = pb.ApiKey(
            key_id=f"k{len(self.keys) + 1}", label=request.label, role=request.role, machines=request.machines
        )
        if request.HasField("ttl"):
            key.expires_at.FromSeconds(2_000_000_000)
        self.keys.append(key)
        return pb.CreateApiKeyResponse(key=key, secret="pmk_new")

    def ListApiKeys(self, request: Any, context: Any) -> pb.ListApiKeysResponse:
        self.enter(request, context)
        return pb.ListApiKeysResponse(keys=self.keys)

    def RotateApiKey(self, request: Any, context: Any) -> pb.RotateApiKeyResponse:
        self.enter(request, context)
        return pb.RotateApiKeyResponse(key=pb.ApiKey(key_id=request.key_id or "own"), secret="pmk_other")

    def RevokeApiKey(self, request: Any, context: Any) -> pb.RevokeApiKeyResponse:
        self.enter(request, context)
        return pb.RevokeApiKeyResponse()

    def ListAuditEntries(self, request: Any, context: Any) -> pb.ListAuditEntriesResponse:
        self.enter(request, context)
        return pb.ListAuditEntriesResponse()

    def Trace(self, request: Any, context: Any) -> pb.TraceResponse:
        self.enter(request, context)
        return pb.TraceResponse(steps=self.steps)

    def WatchEvents(self, request: Any, context: Any) -> Iterator[pb.WatchEventsResponse]:
        self.enter(request, context)
        after = self.events[0].event_id - 1 if request.from_now_on else request.after_event_id
        later = [event for event in self.events if event.event_id > after]
        if self.broken_streams > 0:
            self.broken_streams -= 1
            yield later[0]
            context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset")
        yield from later
        self.refuse(context, grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", "That was all.")

    def WatchSession(self, request: Any, context: Any) -> Iterator[pb.WatchSessionResponse]:
        self.enter(request, context)
        later = [one for one in self.session_events if one.event.seq > request.after_seq or one.HasField("delta")]
        if self.broken_streams > 0:
            self.broken_streams -= 1
            yield later[0]
            context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset")
        yield from later
        self.refuse(context, grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", "That was all.")

    def Screen(self, request: Any, context: Any) -> pb.ScreenResponse:
        self.enter(request, context)
        return pb.ScreenResponse(text=self.screen)

    def Search(self, request: Any, context: Any) -> pb.SearchResponse:
        self.enter(request, context)
        end = request.before + request.limit
        return pb.SearchResponse(hits=self.hits[request.before : end], before=end if end < len(self.hits) else 0)

    def Cleanup(self, request: Any, context: Any) -> pb.CleanupResponse:
        self.enter(request, context)
        return pb.CleanupResponse(commands=3, updates=4)

    def GetStats(self, request: Any, context: Any) -> pb.GetStatsResponse:
        self.enter(request, context)
        quotas = self.quotas if request.with_quotas else ()
        return pb.GetStatsResponse(version="0.1.0", writable=self.writable, agent_links=1, chat_links=2, quotas=quotas)

    def Backup(self, request: Any, context: Any) -> pb.BackupResponse:
        self.enter(request, context)
        return pb.BackupResponse(bytes=4096)


@contextmanager
def serving(control: FakeControl | None = None, address: str = "127.0.0.1:0") -> Iterator[FakeControl]:
    """The service on a free port of loopback, until the block ends."""
    fake = control or FakeControl()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    add_ControlServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port(address)}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(None).wait()

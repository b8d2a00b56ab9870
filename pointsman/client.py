"""The router's Control service as plain calls: records out, Failure for everything that goes wrong."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2
from agentlink.v1.control_pb2_grpc import ControlStub
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from pointsman import reading, records
from pointsman.config import Settings
from pointsman.errors import ExitCode, Failure
from pointsman.settings import is_loopback

R = TypeVar("R")

_DEADLINE = 15.0  # seconds; the router answers after a commit, which takes milliseconds
_ABSENCE, _PAUSE = 30.0, 0.5  # seconds that a router may be away while we follow a command, and between two tries
_LONGEST_WAIT = 20.0  # seconds that one GetCommand waits at the router before we ask again
_AT_ONCE = 5.0  # seconds in which a machine that is there has refused what it refuses
_OPTIONS = (
    ("grpc.keepalive_time_ms", 30000),
    ("grpc.keepalive_timeout_ms", 10000),
    ("grpc.http2.ping_timeout_ms", 10000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
)

_EXIT_CODES = {
    grpc.StatusCode.UNAVAILABLE: ExitCode.NOT_REACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: ExitCode.NOT_REACHABLE,
    grpc.StatusCode.UNAUTHENTICATED: ExitCode.NOT_ALLOWED,
    grpc.StatusCode.PERMISSION_DENIED: ExitCode.NOT_ALLOWED,
    grpc.StatusCode.NOT_FOUND: ExitCode.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT: ExitCode.USAGE,
}
_CURES = {
    ExitCode.NOT_ALLOWED: "On the router's machine, `pointsman apikey create --role …` makes a key that may.",
    ExitCode.NOT_FOUND: "`pointsman sessions` and `pointsman commands` list what there is.",
}
_TLS_CURE = " It may have another CA, or ask for a certificate: POINTSMAN_TLS_CA, POINTSMAN_TLS_CERT."


class RouterFailure(Failure):
    """The router refused, or is not there; `reason` is a name from agentlink.v1.Reason or empty."""

    def __init__(self, message: str, cure: str, code: ExitCode, reason: str) -> None:
        super().__init__(message, cure, code)
        self.reason = reason


class Control:
    """One channel to the router."""

    def __init__(
        self,
        address: str,
        api_key: str,
        credentials: grpc.ChannelCredentials | None = None,
        *,
        key_from: str = "POINTSMAN_API_KEY",
        elsewhere: bool = False,
    ) -> None:
        """`key_from` and `elsewhere` (the router is another machine's) are for what people are told."""
        self._address, self._tls = address, credentials is not None
        self._key_from = key_from if api_key else ""
        self._elsewhere = elsewhere
        self._metadata = (("x-api-key", api_key),) if api_key else ()
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        else:
            self._channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
        self._stub = ControlStub(self._channel)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        address = settings["POINTSMAN_ROUTER"]
        return cls(
            address, settings["POINTSMAN_API_KEY"], _credentials(settings, address),
            key_from=settings.where("POINTSMAN_API_KEY"),
            elsewhere=settings.router_is_elsewhere or not is_loopback(address),
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def _call(self, method: Callable[..., R], request: Message, deadline: float = _DEADLINE) -> R:
        try:
            return method(request, timeout=deadline, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._failure(error) from None

    def _failure(self, error: grpc.RpcError) -> RouterFailure:
        reason = _reason(error)
        code = _EXIT_CODES.get(error.code(), ExitCode.FAILED)
        message, cure = error.details() or error.code().name, _CURES.get(code, "")
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            message, cure = self._wrong_key()
        if code is ExitCode.NOT_REACHABLE and reason:
            code = ExitCode.FAILED  # it answered: it only cannot serve now
        elif code is ExitCode.NOT_REACHABLE:
            message = f"no answer from the router at {self._address} ({error.code().name})"
            start = "Does it run there" if self._elsewhere else "Is it running? `pointsman up` starts it"
            cure = f"{start}; POINTSMAN_ROUTER says where to look." + (_TLS_CURE if self._tls else "")
        return RouterFailure(message, cure, code, reason)

    def _wrong_key(self) -> tuple[str, str]:
        made = "On the router's machine, `pointsman apikey create` makes one"
        if not self._key_from:
            return "there is no API key here", f"{made}; POINTSMAN_API_KEY takes it, here."
        known = f"the router at {self._address} does not know the API key that it was shown"
        return known, f"It comes from {self._key_from}: put a key of that router there. {made}."

    def stats(self) -> records.Stats:
        return reading.read(records.Stats, self._call(self._stub.GetStats, pb.GetStatsRequest(), 5.0))

    def machines(self, patience: float = _DEADLINE) -> list[records.Machine]:
        answer = self._call(self._stub.ListMachines, pb.ListMachinesRequest(), patience)
        return [reading.read(records.Machine, machine) for machine in answer.machines]

    def strangers(self) -> list[records.Stranger]:
        found = self._call(self._stub.ListStrangers, pb.ListStrangersRequest(), 5.0).strangers
        return [reading.read(records.Stranger, s, transport=s.chat.transport, chat_id=s.chat.chat_id) for s in found]

    def create_join_token(self, machine_id: str = "", ttl: timedelta | None = None) -> records.JoinToken:
        request = pb.CreateJoinTokenRequest(machine_id=machine_id, ttl=_duration(ttl))
        return reading.read(records.JoinToken, self._call(self._stub.CreateJoinToken, request))

    def revoke_machine(self, machine_id: str) -> int:
        """How many commands became dead letters by it."""
        return self._call(self._stub.RevokeMachine, pb.RevokeMachineRequest(machine_id=machine_id)).dead_commands

    def sessions(self, *, include_ended: bool = False, patience: float = _DEADLINE) -> list[records.Session]:
        answer = self._call(self._stub.ListSessions, pb.ListSessionsRequest(include_ended=include_ended), patience)
        return [reading.read(records.Session, session) for session in answer.sessions]

    def send_text(self, session_id: str, text: str, actor: str, ttl: timedelta | None = None) -> records.Command:
        action = types_pb2.Action(input=types_pb2.Input(text=text, submit=True))
        return self._send(session_id, action, actor, ttl)

    def send_key(self, session_id: str, name: str, actor: str) -> records.Command:
        return self._send(session_id, types_pb2.Action(key=types_pb2.KeyPress(name=name)), actor)

    def keep(self, session_id: str, actor: str) -> records.Command:
        return self._send(session_id, types_pb2.Action(keep_session=types_pb2.KeepSession()), actor)

    def start(
        self,
        prompt: str,
        machine_id: str,
        folder: str,
        conversation_id: str,
        actor: str,
        ttl: timedelta | None = None,
        *,
        keep: bool = False,
    ) -> records.Command:
        """The command that starts a session; the session is the one that it is for."""
        request = pb.StartSessionRequest(
            machine_id=machine_id, folder=folder, prompt=prompt, conversation_id=conversation_id, keep=keep,
            request_id=_new_id(), ttl=_duration(ttl), origin=types_pb2.Origin(source="cli", actor=actor),
        )  # fmt: skip
        return reading.command(self._call(self._stub.StartSession, request).command)

    def stop(self, session_id: str, actor: str) -> records.Command:
        origin = types_pb2.Origin(source="cli", actor=actor)
        request = pb.StopSessionRequest(session_id=session_id, request_id=_new_id(), origin=origin)
        return reading.command(self._call(self._stub.StopSession, request).command)

    def _send(
        self, session_id: str, action: types_pb2.Action, actor: str, ttl: timedelta | None = None
    ) -> records.Command:
        origin = types_pb2.Origin(source="cli", actor=actor)
        request = pb.SendCommandRequest(
            session_id=session_id, action=action, request_id=_new_id(), ttl=_duration(ttl), origin=origin
        )
        return reading.command(self._call(self._stub.SendCommand, request).command)

    def command(self, command_id: str, wait: float = 0.0) -> records.Command:
        """One command; with `wait` (seconds), as soon as it has ended."""
        wait = min(wait, _LONGEST_WAIT)
        request = pb.GetCommandRequest(command_id=command_id, wait=_duration(timedelta(seconds=wait)))
        return reading.command(self._call(self._stub.GetCommand, request, wait + _DEADLINE).command)

    def verdict(self, command_id: str) -> records.Command:
        """One command, as it stands when it has ended, or as soon as its end would no longer be at once."""
        return self.command(command_id, _AT_ONCE)

    def follow(self, command_id: str) -> records.Command:
        """One command, once it has ended. A router that restarts meanwhile is waited for."""
        heard = time.monotonic()
        while True:
            try:
                command = self.command(command_id, _LONGEST_WAIT)
            except RouterFailure as failure:
                if failure.exit_code != ExitCode.NOT_REACHABLE or time.monotonic() - heard > _ABSENCE:
                    raise
                time.sleep(_PAUSE)
                continue
            if command.state.ended:
                return command
            heard = time.monotonic()

    def commands(
        self, session_id: str = "", states: Sequence[records.CommandState] = (), limit: int = 0, before: str = ""
    ) -> list[records.Command]:
        """Commands, newest first; only those older than the command `before`, if given."""
        wanted = [types_pb2.CommandState.Value(f"COMMAND_STATE_{state.name}") for state in states]
        request = pb.ListCommandsRequest(session_id=session_id, states=wanted, limit=limit, before_command_id=before)
        return [reading.command(command) for command in self._call(self._stub.ListCommands, request).commands]

    def cancel(self, command_id: str) -> records.Command:
        request = pb.CancelCommandRequest(command_id=command_id, request_id=_new_id())
        return reading.command(self._call(self._stub.CancelCommand, request).command)

    def redrive(self, command_id: str, session_id: str = "") -> records.Command:
        request = pb.RedriveRequest(command_id=command_id, session_id=session_id, request_id=_new_id())
        return reading.command(self._call(self._stub.Redrive, request).command)

    def drop(self, command_id: str) -> records.Command:
        request = pb.DropDeadLetterRequest(command_id=command_id, request_id=_new_id())
        return reading.command(self._call(self._stub.DropDeadLetter, request).command)

    def dead_letters(self) -> tuple[list[records.Command], list[records.Notification]]:
        """Commands, and messages to people that did not arrive."""
        answer = self._call(self._stub.ListDeadLetters, pb.ListDeadLettersRequest(limit=1000))
        messages = [reading.notification(note) for note in answer.notifications]
        return [reading.command(command) for command in answer.commands], messages

    def notify(self, session_id: str, text: str, buttons: Sequence[tuple[str, str]]) -> list[records.Notification]:
        choices = [types_pb2.Button(label=label, action=action) for label, action in buttons]
        request = pb.NotifyRequest(session_id=session_id, text=text, buttons=choices, request_id=_new_id())
        return [reading.notification(item) for item in self._call(self._stub.Notify, request).notifications]

    def notification(self, notification_id: str) -> records.Notification:
        request = pb.GetNotificationRequest(notification_id=notification_id)
        return reading.notification(self._call(self._stub.GetNotification, request).notification)

    def notifications(self, session_id: str = "", limit: int = 0, before: str = "") -> list[records.Notification]:
        request = pb.ListNotificationsRequest(session_id=session_id, limit=limit, before_notification_id=before)
        return [reading.notification(item) for item in self._call(self._stub.ListNotifications, request).notifications]

    def permissions(
        self, session_id: str = "", permission_id: str = "", limit: int = 0, *, closed: bool = False
    ) -> list[records.Permission]:
        """Questions, newest first; one that is named also when it is over."""
        request = pb.ListPermissionsRequest(
            session_id=session_id, permission_id=permission_id, include_closed=closed, limit=limit
        )
        return [reading.permission(item) for item in self._call(self._stub.ListPermissions, request).permissions]

    def answer(self, asked: records.Permission, option_id: str, text: str, actor: str) -> records.Permission:
        """Decide about what was seen."""
        request = pb.RespondPermissionRequest(
            permission_id=asked.permission_id, input_digest=asked.input_digest, option_id=option_id, text=text,
            request_id=_new_id(), origin=types_pb2.Origin(source="cli", actor=actor),
        )  # fmt: skip
        return reading.permission(self._call(self._stub.RespondPermission, request).permission)

    def create_api_key(self, label: str, role: records.Role) -> records.NewApiKey:
        request = pb.CreateApiKeyRequest(label=label, role=pb.Role.Value(f"ROLE_{role.name}"))
        answer = self._call(self._stub.CreateApiKey, request)
        return records.NewApiKey(answer.key.key_id, answer.key.label, role, answer.secret)

    def api_keys(self) -> list[records.ApiKey]:
        answer = self._call(self._stub.ListApiKeys, pb.ListApiKeysRequest())
        return [reading.read(records.ApiKey, key) for key in answer.keys]

    def revoke_api_key(self, key_id: str) -> None:
        self._call(self._stub.RevokeApiKey, pb.RevokeApiKeyRequest(key_id=key_id))

    def trace(self, subject: str) -> list[records.TraceStep]:
        return [
            reading.read(records.TraceStep, step)
            for step in self._call(self._stub.Trace, pb.TraceRequest(id=subject)).steps
        ]

    def watch(self, session_id: str = "", after: int = 0) -> Iterator[records.Event]:
        """What happens from now on, or after that event; ends only by a failure."""
        request = pb.WatchEventsRequest(session_id=session_id, after_event_id=after)
        try:
            for event in self._stub.WatchEvents(request, metadata=self._metadata):
                yield records.Event(event.event_id, event.session_id, reading.read(records.TraceStep, event.step))
        except grpc.RpcError as error:
            raise self._failure(error) from None

    def cleanup(self) -> records.CleanedUp:
        return reading.read(records.CleanedUp, self._call(self._stub.Cleanup, pb.CleanupRequest(), 120.0))

    def backup(self, path: Path) -> int:
        """Size in bytes of the copy at that absolute path on the router's machine."""
        return self._call(self._stub.Backup, pb.BackupRequest(path=str(path)), 600.0).bytes


def _credentials(settings: Settings, address: str) -> grpc.ChannelCredentials | None:
    """None on loopback without a CA: nothing leaves the machine there."""
    ca, cert, key = (settings[f"POINTSMAN_TLS_{name}"] for name in ("CA", "CERT", "KEY"))
    if is_loopback(address) and not ca:
        return None
    root, private_key, chain = (Path(path).read_bytes() if path else None for path in (ca, key, cert))
    return grpc.ssl_channel_credentials(root, private_key, chain)


def _duration(span: timedelta | None) -> Duration | None:
    """Unset for nothing and for none at all."""
    if not span:
        return None
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def _new_id() -> str:
    return str(uuid.uuid4())


def _reason(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""

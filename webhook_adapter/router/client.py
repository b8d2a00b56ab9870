"""The one place where the adapter's processes speak gRPC: Control calls, and the inbound stream."""

import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import grpc
from agentlink.v1 import chat_link_pb2, chat_link_pb2_grpc, control_pb2, control_pb2_grpc, types_pb2
from google.protobuf.message import Message

from webhook_adapter import model
from webhook_adapter.config import AdapterConfig
from webhook_adapter.router import convert
from webhook_adapter.router.errors import from_call, raise_from
from webhook_adapter.router.submit_stream import SUBMIT_TIMEOUT, Answer, Item, SubmitStream

_CALL_TIMEOUT = 5.0  # seconds; a person waits
_OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # The longest list is 1,000 commands of 64 KiB; nobody but the router, whom we trust with more, can send it to us.
    ("grpc.max_receive_message_length", 80 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    # A router that comes back must be found by Telegram's next retry, 2 s later; grpc's own default waits up to 120 s.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Metadata = tuple[tuple[str, str], ...]


def open_channel(config: AdapterConfig) -> grpc.Channel:
    """A channel to the router; TLS unless it is on this machine. Never before a fork: gRPC does not survive one."""
    if config.router_address.is_loopback and config.tls.ca is None:  # then no proxy of the environment has a say
        return grpc.insecure_channel(config.router, options=(*_OPTIONS, ("grpc.enable_http_proxy", 0)))
    files = (config.tls.ca, config.tls.key, config.tls.cert)
    ca, key, cert = (path.read_bytes() if path else None for path in files)
    return grpc.secure_channel(config.router, grpc.ssl_channel_credentials(ca, key, cert), options=_OPTIONS)


class RouterClient:
    """The router, as the adapter sees it. Opens its channel at the first use. Threads may share it."""

    def __init__(self, config: AdapterConfig) -> None:
        self._config = config
        self._metadata = (("x-api-key", config.api_key),)
        self._lock = threading.Lock()  # guards _opened
        self._opened: _Opened | None = None
        self._stream = SubmitStream(self._open_stream)

    def submit(self, submission: model.Submission, timeout: float = SUBMIT_TIMEOUT) -> model.Submitted:
        """Hand in a message or a button press; returns once it is on the router's disk. Raises RouterError."""
        return self._stream.submit(submission, timeout)

    def put_file(self, file_id: str, number: int, data: bytes) -> None:
        """Hand in a part of a file; returns once it is on the router's disk. Raises RouterError."""
        request = chat_link_pb2.PutSubmitPartRequest(file_id=file_id, number=number, data=data)
        _ask(self._open().chat_link.PutPart, request, self._metadata)

    def report_stranger(self, stranger: model.Stranger) -> bool:
        """Tell of somebody who is not allowed; whether the router did not know them. Raises RouterError."""
        chat = convert.chat_ref(stranger.chat)
        told = types_pb2.Stranger(chat=chat, user_id=stranger.user_id, name=stranger.name)
        request = chat_link_pb2.ReportStrangerRequest(stranger=told)
        return _ask(self._open().chat_link.ReportStranger, request, self._metadata).is_new

    def file_parts(self, notification_id: str, file_id: str) -> Iterator[bytes]:
        """The bytes of a notification's file, in parts. Raises RouterError, also on the way."""
        for number in itertools.count():
            wanted = chat_link_pb2.GetPartRequest(notification_id=notification_id, file_id=file_id, number=number)
            if not (part := _ask(self._open().chat_link.GetPart, wanted, self._metadata).data):
                return
            yield part

    @property
    def submissions_waiting(self) -> int:
        """How many submissions are on their way to the router's disk."""
        return self._stream.waiting

    @property
    def own(self) -> "Control":
        """Control with the adapter's own key."""
        return self.control(self._config.api_key)

    def control(self, api_key: str) -> "Control":
        """Control with a caller's key; the router judges it at each call."""
        return Control(self._open().control, api_key)

    def close(self) -> None:
        """End the stream and the channel."""
        self._stream.close()
        with self._lock:
            if self._opened is not None:
                self._opened.channel.close()

    def _open(self) -> "_Opened":
        with self._lock:
            if self._opened is None:
                channel = open_channel(self._config)
                control, chat_link = control_pb2_grpc.ControlStub(channel), chat_link_pb2_grpc.ChatLinkStub(channel)
                self._opened = _Opened(channel, control, chat_link)
            return self._opened

    def _open_stream(self, frames: Iterator[list[Item]]) -> Iterator[list[Answer]]:
        batches = (chat_link_pb2.SubmitBatch(items=map(convert.item, frame)) for frame in frames)
        return _answers(self._open().chat_link.SubmitStream(batches, metadata=self._metadata))


@dataclass(frozen=True, slots=True)
class _Opened:
    channel: grpc.Channel
    control: control_pb2_grpc.ControlStub
    chat_link: chat_link_pb2_grpc.ChatLinkStub


class Control:
    """Control with one key. Every method raises RouterError."""

    def __init__(self, stub: control_pb2_grpc.ControlStub, api_key: str) -> None:
        self._stub = stub
        self._metadata = (("x-api-key", api_key),)

    def _ask(
        self,
        method: "grpc.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        timeout: float = _CALL_TIMEOUT,
    ) -> Response:
        return _ask(method, request, self._metadata, timeout)

    def sessions(self, machine_id: str = "", *, include_ended: bool = False) -> list[model.Session]:
        request = control_pb2.ListSessionsRequest(machine_id=machine_id, include_ended=include_ended)
        return [convert.session(each) for each in self._ask(self._stub.ListSessions, request).sessions]

    def register_session(self, session_id: str, machine_id: str, label: str) -> model.Session:
        request = control_pb2.RegisterSessionRequest(session_id=session_id, machine_id=machine_id, label=label)
        return convert.session(self._ask(self._stub.RegisterSession, request).session)

    def unregister_session(self, session_id: str) -> None:
        self._ask(self._stub.UnregisterSession, control_pb2.UnregisterSessionRequest(session_id=session_id))

    def send_text(
        self, session_id: str, text: str, *, source: str, request_id: str = "", ttl: timedelta | None = None
    ) -> model.Command:
        action = types_pb2.Action(input=types_pb2.Input(text=text, submit=True))
        return self._send(session_id, action, source, request_id, ttl)

    def send_key(self, session_id: str, key: str, *, source: str, request_id: str = "") -> model.Command:
        return self._send(session_id, types_pb2.Action(key=types_pb2.KeyPress(name=key)), source, request_id)

    def _send(
        self, session_id: str, action: types_pb2.Action, source: str, request_id: str, ttl: timedelta | None = None
    ) -> model.Command:
        request = control_pb2.SendCommandRequest(
            session_id=session_id, action=action, request_id=request_id, origin=types_pb2.Origin(source=source)
        )
        if ttl is not None:
            request.ttl.CopyFrom(convert.duration(ttl))
        return convert.command(self._ask(self._stub.SendCommand, request).command)

    def command(self, command_id: str) -> model.Command:
        return convert.command(
            self._ask(self._stub.GetCommand, control_pb2.GetCommandRequest(command_id=command_id)).command
        )

    def commands(
        self, *, session_id: str = "", states: tuple[model.CommandState, ...] = (), limit: int = 0, before: str = ""
    ) -> list[model.Command]:
        request = control_pb2.ListCommandsRequest(
            session_id=session_id,
            states=[types_pb2.CommandState.Value(f"COMMAND_STATE_{state.value}") for state in states],
            limit=limit,
            before_command_id=before,
        )
        return [convert.command(each) for each in self._ask(self._stub.ListCommands, request).commands]

    def cancel(self, command_id: str) -> model.Command:
        request = control_pb2.CancelCommandRequest(command_id=command_id)
        return convert.command(self._ask(self._stub.CancelCommand, request).command)

    def redrive(self, command_id: str, session_id: str = "", request_id: str = "") -> model.Command:
        request = control_pb2.RedriveRequest(command_id=command_id, session_id=session_id, request_id=request_id)
        return convert.command(self._ask(self._stub.Redrive, request).command)

    def drop(self, command_id: str) -> model.Command:
        request = control_pb2.DropDeadLetterRequest(command_id=command_id)
        return convert.command(self._ask(self._stub.DropDeadLetter, request).command)

    def dead_letters(self, limit: int = 0) -> list[model.Command]:
        request = control_pb2.ListDeadLettersRequest(limit=limit)
        return [convert.command(each) for each in self._ask(self._stub.ListDeadLetters, request).commands]

    def notify(
        self, session_id: str, text: str, *, buttons: tuple[model.Choice, ...], chat: model.Chat, request_id: str = ""
    ) -> model.Notification:
        request = control_pb2.NotifyRequest(
            session_id=session_id,
            text=text,
            buttons=[types_pb2.Button(label=each.label, action=each.action) for each in buttons],
            targets=[convert.chat_ref(chat)],
            request_id=request_id,
        )
        return convert.notification(self._ask(self._stub.Notify, request).notifications[0])

    def notification(self, notification_id: str, wait: timedelta = timedelta()) -> model.Notification:
        """One notification; waits for it to be delivered, refused or dead."""
        request = control_pb2.GetNotificationRequest(notification_id=notification_id, wait=convert.duration(wait))
        timeout = wait.total_seconds() + _CALL_TIMEOUT
        return convert.notification(self._ask(self._stub.GetNotification, request, timeout).notification)

    def words(self, *, session_id: str = "", limit: int = 0, before: str = "") -> list[model.Notification]:
        """What was said: notifications without receipts."""
        request = control_pb2.ListNotificationsRequest(
            session_id=session_id, limit=limit, before_notification_id=before, without_receipts=True
        )
        return [convert.notification(each) for each in self._ask(self._stub.ListNotifications, request).notifications]

    def last_words(self) -> list[model.Notification]:
        """The beginning of the last thing each session said."""
        request = control_pb2.ListNotificationsRequest(last_words=True, limit=1000)
        return [convert.notification(each) for each in self._ask(self._stub.ListNotifications, request).notifications]

    def open_questions(self, session_id: str) -> list[model.Notification]:
        """What shows the open permission questions of a session."""
        request = control_pb2.ListNotificationsRequest(session_id=session_id, open_questions=True)
        return [convert.notification(each) for each in self._ask(self._stub.ListNotifications, request).notifications]

    def machines(self) -> list[model.Machine]:
        found = self._ask(self._stub.ListMachines, control_pb2.ListMachinesRequest()).machines
        return [convert.value(model.Machine, each, start_folders=tuple(each.start_folders)) for each in found]

    def start(
        self, machine_id: str, folder: str, prompt: str, *, source: str, chat: model.Chat, request_id: str
    ) -> model.Command:
        """Start a session; its start is its first command."""
        origin = types_pb2.Origin(source=source, actor=f"{source}:{chat.chat_id}", chat=convert.chat_ref(chat))
        request = control_pb2.StartSessionRequest(
            machine_id=machine_id, folder=folder, prompt=prompt, request_id=request_id, origin=origin
        )
        return convert.command(self._ask(self._stub.StartSession, request).command)

    def create_join_token(self, machine_id: str = "", ttl: timedelta | None = None) -> model.JoinToken:
        request = control_pb2.CreateJoinTokenRequest(machine_id=machine_id, ttl=convert.duration(ttl) if ttl else None)
        made = self._ask(self._stub.CreateJoinToken, request)
        return model.JoinToken(made.join_token, convert.time(made, "expires_at"))

    def trace(self, subject_id: str) -> list[model.TraceStep]:
        steps = self._ask(self._stub.Trace, control_pb2.TraceRequest(id=subject_id)).steps
        return [convert.value(model.TraceStep, each) for each in steps]

    def cleanup(self) -> model.Cleaned:
        done = self._ask(self._stub.Cleanup, control_pb2.CleanupRequest(), timeout=60.0)
        return model.Cleaned(done.commands, done.notifications, done.messages, done.updates, done.sessions, done.steps)

    def stats(self) -> model.Stats:
        """The router's figures. Answered for every key that may read: so it is also how a key is checked."""
        told = self._ask(self._stub.GetStats, control_pb2.GetStatsRequest(), timeout=2.0)
        return convert.value(model.Stats, told, commands=dict(told.commands), notifications=dict(told.notifications))


def _ask(
    method: "grpc.UnaryUnaryMultiCallable[Request, Response]",
    request: Request,
    metadata: Metadata,
    timeout: float = _CALL_TIMEOUT,
) -> Response:
    try:
        return method(request, timeout=timeout, metadata=metadata)
    except grpc.RpcError as error:
        raise_from(error)


def _answers(call: Iterable[chat_link_pb2.SubmitBatchResponse]) -> Iterator[list[Answer]]:
    try:
        for batch in call:
            yield [convert.answer(item) for item in batch.items]
    except grpc.RpcError as error:
        raise from_call(error) from None

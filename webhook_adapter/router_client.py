"""The one place where the adapter's processes speak gRPC: Control calls, and the inbound stream."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, cast

import grpc
from agentlink.v1 import chat_link_pb2, chat_link_pb2_grpc, control_pb2, control_pb2_grpc, types_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from webhook_adapter import model
from webhook_adapter.config import AdapterConfig
from webhook_adapter.errors import from_call, from_status, raise_from
from webhook_adapter.submit_stream import SUBMIT_TIMEOUT, Answer, Item, SubmitStream

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
State = TypeVar("State", bound=Enum)
Value = TypeVar("Value")


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
        request = chat_link_pb2.PutFileRequest(file_id=file_id, number=number, data=data)
        try:
            self._open().chat_link.PutFile(request, timeout=_CALL_TIMEOUT, metadata=self._metadata)
        except grpc.RpcError as error:
            raise_from(error)

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
        batches = (chat_link_pb2.SubmitBatch(items=map(_item, frame)) for frame in frames)
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
        try:
            return method(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise_from(error)

    def sessions(self, machine_id: str = "", *, include_ended: bool = False) -> list[model.Session]:
        request = control_pb2.ListSessionsRequest(machine_id=machine_id, include_ended=include_ended)
        return [_session(each) for each in self._ask(self._stub.ListSessions, request).sessions]

    def register_session(self, session_id: str, machine_id: str, label: str) -> model.Session:
        request = control_pb2.RegisterSessionRequest(session_id=session_id, machine_id=machine_id, label=label)
        return _session(self._ask(self._stub.RegisterSession, request).session)

    def unregister_session(self, session_id: str) -> None:
        self._ask(self._stub.UnregisterSession, control_pb2.UnregisterSessionRequest(session_id=session_id))

    def send_text(
        self, session_id: str, text: str, *, source: str, request_id: str = "", ttl: timedelta | None = None
    ) -> model.Command:
        request = control_pb2.SendCommandRequest(
            session_id=session_id,
            action=types_pb2.Action(input=types_pb2.Input(text=text, submit=True)),
            request_id=request_id,
            ttl=_duration(ttl) if ttl is not None else None,
            origin=types_pb2.Origin(source=source),
        )
        return _command(self._ask(self._stub.SendCommand, request).command)

    def send_key(self, session_id: str, key: str, *, source: str, request_id: str = "") -> model.Command:
        request = control_pb2.SendCommandRequest(
            session_id=session_id,
            action=types_pb2.Action(key=types_pb2.KeyPress(name=key)),
            request_id=request_id,
            origin=types_pb2.Origin(source=source),
        )
        return _command(self._ask(self._stub.SendCommand, request).command)

    def command(self, command_id: str) -> model.Command:
        return _command(self._ask(self._stub.GetCommand, control_pb2.GetCommandRequest(command_id=command_id)).command)

    def commands(
        self, *, session_id: str = "", states: tuple[model.CommandState, ...] = (), limit: int = 0, before: str = ""
    ) -> list[model.Command]:
        request = control_pb2.ListCommandsRequest(
            session_id=session_id,
            states=[types_pb2.CommandState.Value(f"COMMAND_STATE_{state.value}") for state in states],
            limit=limit,
            before_command_id=before,
        )
        return [_command(each) for each in self._ask(self._stub.ListCommands, request).commands]

    def cancel(self, command_id: str) -> model.Command:
        request = control_pb2.CancelCommandRequest(command_id=command_id)
        return _command(self._ask(self._stub.CancelCommand, request).command)

    def redrive(self, command_id: str, session_id: str = "", request_id: str = "") -> model.Command:
        request = control_pb2.RedriveRequest(command_id=command_id, session_id=session_id, request_id=request_id)
        return _command(self._ask(self._stub.Redrive, request).command)

    def drop(self, command_id: str) -> model.Command:
        request = control_pb2.DropDeadLetterRequest(command_id=command_id)
        return _command(self._ask(self._stub.DropDeadLetter, request).command)

    def dead_letters(self, limit: int = 0) -> list[model.Command]:
        request = control_pb2.ListDeadLettersRequest(limit=limit)
        return [_command(each) for each in self._ask(self._stub.ListDeadLetters, request).commands]

    def notify(
        self, session_id: str, text: str, *, buttons: tuple[model.Choice, ...], chat: model.Chat, request_id: str = ""
    ) -> model.Notification:
        request = control_pb2.NotifyRequest(
            session_id=session_id,
            text=text,
            buttons=[types_pb2.Button(label=each.label, action=each.action) for each in buttons],
            targets=[_chat_ref(chat)],
            request_id=request_id,
        )
        return _notification(self._ask(self._stub.Notify, request).notifications[0])

    def notification(self, notification_id: str, wait: timedelta = timedelta()) -> model.Notification:
        """One notification; waits for it to be delivered, refused or dead."""
        request = control_pb2.GetNotificationRequest(notification_id=notification_id, wait=_duration(wait))
        timeout = wait.total_seconds() + _CALL_TIMEOUT
        return _notification(self._ask(self._stub.GetNotification, request, timeout).notification)

    def notifications(self, *, session_id: str = "", transport: str = "", limit: int = 0) -> list[model.Notification]:
        request = control_pb2.ListNotificationsRequest(session_id=session_id, transport=transport, limit=limit)
        return [_notification(each) for each in self._ask(self._stub.ListNotifications, request).notifications]

    def machines(self) -> list[model.Machine]:
        found = self._ask(self._stub.ListMachines, control_pb2.ListMachinesRequest()).machines
        return [_value(model.Machine, each) for each in found]

    def create_join_token(self, machine_id: str = "", ttl: timedelta | None = None) -> model.JoinToken:
        request = control_pb2.CreateJoinTokenRequest(machine_id=machine_id, ttl=_duration(ttl) if ttl else None)
        made = self._ask(self._stub.CreateJoinToken, request)
        return model.JoinToken(made.join_token, _time(made, "expires_at"))

    def trace(self, subject_id: str) -> list[model.TraceStep]:
        steps = self._ask(self._stub.Trace, control_pb2.TraceRequest(id=subject_id)).steps
        return [_value(model.TraceStep, each) for each in steps]

    def cleanup(self) -> model.Cleaned:
        done = self._ask(self._stub.Cleanup, control_pb2.CleanupRequest(), timeout=60.0)
        return model.Cleaned(done.commands, done.notifications, done.messages, done.updates, done.sessions, done.steps)

    def stats(self) -> model.Stats:
        """The router's figures. Answered for every key that may read: so it is also how a key is checked."""
        told = self._ask(self._stub.GetStats, control_pb2.GetStatsRequest(), timeout=2.0)
        return _value(model.Stats, told, commands=dict(told.commands), notifications=dict(told.notifications))


def _answers(call: Iterable[chat_link_pb2.SubmitBatchResponse]) -> Iterator[list[Answer]]:
    try:
        for batch in call:
            yield [_answer(item) for item in batch.items]
    except grpc.RpcError as error:
        raise from_call(error) from None


def _answer(item: chat_link_pb2.SubmitItemResponse) -> Answer:
    if item.HasField("error"):
        return item.item_id, from_status(item.error)
    done = item.response
    state = _state(model.CommandState, done.state)
    return item.item_id, model.Submitted(done.command_id, state, done.session_id, done.answer, done.duplicate)


def _item(item: Item) -> chat_link_pb2.SubmitItem:
    number, submission = item
    request = chat_link_pb2.SubmitRequest(
        update_key=submission.update_key,
        chat=_chat_ref(submission.chat),
        actor=submission.actor,
        text=submission.text,
        reply_to_message_id=submission.reply_to_message_id,
        reply_to_ours=submission.reply_to_ours,
        session_id=submission.session_id,
        edited=submission.edited,
        file_problem=submission.file_problem,
        album=submission.album,
        file=types_pb2.FileInput(**asdict(submission.file)) if submission.file else None,
    )
    if submission.button is not None:
        request.button.data = submission.button
    return chat_link_pb2.SubmitItem(item_id=number, request=request)


def _chat_ref(chat: model.Chat) -> types_pb2.ChatRef:
    return types_pb2.ChatRef(**asdict(chat))


def _session(session: types_pb2.Session) -> model.Session:
    state = _state(model.SessionState, session.state)
    return _value(model.Session, session, state=state)


def _command(command: types_pb2.Command) -> model.Command:
    return _value(
        model.Command,
        command,
        text=_text(command.action),
        key=command.action.key.name,
        state=_state(model.CommandState, command.state),
        reason=_enum_name("Reason", command.reason).removeprefix("REASON_") if command.reason else "",
        source=command.origin.source,
        actor=command.origin.actor,
    )


def _text(action: types_pb2.Action) -> str:
    """What an action brings along, for people."""
    if action.WhichOneof("kind") == "stop_session":
        return "[end]"
    if action.permission_decision.permission_id:
        return f"[{action.permission_decision.option_id}] {action.permission_decision.text}".rstrip()
    return action.input.text or action.file.name or action.start_session.prompt


def _notification(sent: types_pb2.Notification) -> model.Notification:
    return _value(
        model.Notification,
        sent,
        chat=_value(model.Chat, sent.chat),
        buttons=tuple(_value(model.Choice, each) for each in sent.buttons),
        state=_state(model.NotificationState, sent.state),
        message_ids=tuple(sent.message_ids),
    )


def _value(kind: type[Value], message: Message, **given: object) -> Value:
    """The dataclass whose fields are named as the message's; `given` are those that need more than copying."""
    names = [each.name for each in fields(cast("Any", kind)) if each.name not in given]
    return kind(**{name: _plain(message, name) for name in names}, **given)


def _plain(message: Message, name: str) -> object:
    value = getattr(message, name)
    if isinstance(value, Timestamp):
        return _time(message, name)
    if isinstance(value, Duration):
        return value.ToTimedelta().total_seconds()
    return value


def _time(message: Message, name: str) -> datetime | None:
    return getattr(message, name).ToDatetime(tzinfo=UTC) if message.HasField(name) else None


def _duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def _state(kind: type[State], number: int) -> State:
    """A state that a newer router knows and we do not is UNKNOWN, never an error."""
    name = _enum_name(kind.__name__, number).rpartition("_STATE_")[2]
    return kind[name] if name in kind.__members__ else kind["UNKNOWN"]


def _enum_name(kind: str, number: int) -> str:
    value = types_pb2.DESCRIPTOR.enum_types_by_name[kind].values_by_number.get(number)
    return value.name if value is not None else str(number)

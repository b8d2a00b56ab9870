"""The way to the router: Control, what chat platforms hand in, and the stream that carries it."""

import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc
from agentlink.v1 import chat_link_pb2, chat_link_pb2_grpc, types_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from pointsman.client.calls import ask
from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.convert import chat_ref
from pointsman.client.credential import Bearer
from pointsman.client.errors import RouterError
from pointsman.client.records import Stranger
from pointsman.client.refusals import from_call
from webhook_adapter.auth import is_api_key_shaped
from webhook_adapter.config import AdapterConfig
from webhook_adapter.loop import aside
from webhook_adapter.model import Acquaintance, Browser, Shown, Submission, Submitted, Subscription, Text, Voice
from webhook_adapter.router import convert
from webhook_adapter.router.submit_stream import SUBMIT_TIMEOUT, Answer, Item, SubmitStream

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)

_CALL_TIMEOUT = 5.0  # seconds; a person waits


def channel_to_router(config: AdapterConfig) -> grpc.Channel:
    """A channel as the settings want it. Never before a fork: gRPC does not survive one."""
    tls = config.tls
    local, pin = config.router_address.is_loopback, config.router_fingerprint
    return open_channel(config.router, tls.ca, tls.cert, tls.key, is_local=local, fingerprint=pin)


class RouterClient:
    """The router, as the adapter sees it. Opens its channel at the first use. Threads may share it."""

    def __init__(self, config: AdapterConfig) -> None:
        self._config = config
        self._metadata = (("x-api-key", config.api_key),)
        self._lock = threading.Lock()  # guards _opened
        self._opened: _Opened | None = None
        self._stream = SubmitStream(self._open_stream)

    def submit(self, submission: Submission, timeout: float = SUBMIT_TIMEOUT) -> Submitted:
        """Hand in a message or a button press; returns once it is on the router's disk. Raises RouterError."""
        return self._stream.submit(submission, timeout)

    def put_file(self, file_id: str, number: int, data: bytes) -> None:
        """Hand in a part of a file; returns once it is on the router's disk. Raises RouterError."""
        request = chat_link_pb2.PutSubmitPartRequest(file_id=file_id, number=number, data=data)
        self._ask(self._open().chat_link.PutPart, request)

    def report_stranger(self, stranger: Stranger) -> Acquaintance:
        """Tell of somebody whom no setting lets in. Raises RouterError."""
        chat = chat_ref(stranger.chat)
        told = types_pb2.Stranger(chat=chat, user_id=stranger.user_id, name=stranger.name)
        request = chat_link_pb2.ReportStrangerRequest(stranger=told)
        answer = self._ask(self._open().chat_link.ReportStranger, request)
        return Acquaintance(answer.is_new, answer.is_paired)

    def pair(self, stranger: Stranger, code: str) -> None:
        """Let somebody in who wrote a pairing code. Raises RouterError."""
        request = chat_link_pb2.PairRequest(
            chat=chat_ref(stranger.chat), user_id=stranger.user_id, user_name=stranger.name, code=code
        )
        self._ask(self._open().chat_link.Pair, request)

    def report_refusal(self, door: str, peer: str) -> None:
        """Let the audit know of somebody who was refused at a door of ours. Raises RouterError."""
        request = chat_link_pb2.ReportRefusalRequest(door=door, peer=peer)
        self._ask(self._open().chat_link.ReportRefusal, request)

    def open_browser(self, login_id: str, lifetime: float, shown: Shown, label: str) -> None:
        """Let a browser in for so many seconds, and use up what it showed. Raises RouterError."""
        lasts = Duration(seconds=round(lifetime))
        request = chat_link_pb2.OpenBrowserRequest(
            login_id=login_id, lifetime=lasts, link_id=shown.link_id, code=shown.code, label=label
        )
        self._ask(self._open().chat_link.OpenBrowser, request)

    def browser(self, login_id: str) -> Browser:
        """Whether a browser is let in, or was let in with this link. Raises RouterError."""
        request = chat_link_pb2.GetBrowserRequest(login_id=login_id)
        told = self._ask(self._open().chat_link.GetBrowser, request)
        role = types_pb2.PersonRole.Name(told.role).removeprefix("PERSON_ROLE_") if told.role else ""
        return Browser(told.is_open, told.is_known, told.person_name, role)

    def close_browser(self, login_id: str) -> None:
        """Let a browser in no more. Raises RouterError."""
        request = chat_link_pb2.CloseBrowserRequest(login_id=login_id)
        self._ask(self._open().chat_link.CloseBrowser, request)

    def begin_passkey(self, login_id: str, *, code: str = "", notification_id: str = "") -> str:
        """What a browser is to be told, as JSON: to make a passkey with a code, or to allow a question.

        Raises RouterError.
        """
        request = chat_link_pb2.BeginPasskeyRequest(login_id=login_id, code=code, notification_id=notification_id)
        return self._ask(self._open().chat_link.BeginPasskey, request).options

    def add_passkey(self, login_id: str, code: str, credential: str) -> None:
        """Hand in a passkey that a browser has made. Raises RouterError."""
        request = chat_link_pb2.AddPasskeyRequest(login_id=login_id, code=code, credential=credential)
        self._ask(self._open().chat_link.AddPasskey, request)

    def push_key(self) -> bytes:
        """What pushes are signed with. Raises RouterError."""
        return self._ask(self._open().chat_link.GetPushKey, chat_link_pb2.GetPushKeyRequest()).private_key

    def subscription(self, chat_id: str) -> Subscription:
        """Where a browser takes pushes. Raises RouterError."""
        request = chat_link_pb2.GetSubscriptionRequest(chat_id=chat_id)
        told = self._ask(self._open().chat_link.GetSubscription, request)
        return Subscription(told.endpoint, told.p256dh, told.auth, told.origin, told.is_open)

    def subscribe(self, login_id: str, to: Subscription, quiet_hours: str) -> str:
        """Let a browser be pushed to; the chat that it is from now on. Raises RouterError."""
        request = chat_link_pb2.SubscribeRequest(
            login_id=login_id, endpoint=to.endpoint, p256dh=to.p256dh, auth=to.auth, origin=to.origin,
            quiet_hours=quiet_hours,
        )  # fmt: skip
        return self._ask(self._open().chat_link.Subscribe, request).chat_id

    def unsubscribe(self, login_id: str) -> None:
        """Let a browser be pushed to no more. Raises RouterError."""
        self._ask(self._open().chat_link.Unsubscribe, chat_link_pb2.UnsubscribeRequest(login_id=login_id))

    def look(self, login_id: str, session_id: str) -> None:
        """Somebody looks at a session in a browser; at none, where it is empty. Raises RouterError."""
        self._ask(self._open().chat_link.Look, chat_link_pb2.LookRequest(login_id=login_id, session_id=session_id))

    def mark_read(self, login_id: str, session_id: str, notification_id: str) -> None:
        """Somebody has read what a session said, up to that notification. Raises RouterError."""
        mark = chat_link_pb2.ReadMark(session_id=session_id, notification_id=notification_id)
        self._ask(self._open().chat_link.MarkRead, chat_link_pb2.MarkReadRequest(login_id=login_id, mark=mark))

    def read_marks(self, login_id: str) -> dict[str, str]:
        """The newest notification that a browser's person has read, by session. Raises RouterError."""
        told = self._ask(self._open().chat_link.ListRead, chat_link_pb2.ListReadRequest(login_id=login_id))
        return {each.session_id: each.notification_id for each in told.marks}

    def is_admin(self, api_key: str) -> bool:
        """Whether a key may do everything. Raises RouterError."""
        if not is_api_key_shaped(api_key):
            return False
        try:
            self.control(api_key).api_keys()  # which nobody else may see
        except RouterError as error:
            if error.may_pass:
                raise
            return False
        return True

    def file_parts(self, notification_id: str, file_id: str) -> Iterator[bytes]:
        """The bytes of a notification's file, in parts. Raises RouterError, also on the way."""
        for number in itertools.count():
            wanted = chat_link_pb2.GetPartRequest(notification_id=notification_id, file_id=file_id, number=number)
            if not (part := self._ask(self._open().chat_link.GetPart, wanted).data):
                return
            yield part

    def take_voice(self, transport: str, wait: float, lease: float) -> Voice | None:
        """The next recording to be turned into text, if one comes within so many seconds. Raises RouterError."""
        request = chat_link_pb2.TakeVoiceRequest(
            transport=transport, wait=Duration(seconds=round(wait)), lease=Duration(seconds=round(lease))
        )
        told = ask(self._open().chat_link.TakeVoice, request, wait + _CALL_TIMEOUT, self._metadata)
        return Voice(told.voice_id, told.file_id, told.name, told.size) if told.voice_id else None

    def voice_parts(self, voice: Voice) -> Iterator[bytes]:
        """The bytes of a recording, in parts. Raises RouterError, also on the way."""
        for number in itertools.count():
            wanted = chat_link_pb2.GetPartRequest(voice_id=voice.voice_id, file_id=voice.file_id, number=number)
            if not (part := self._ask(self._open().chat_link.GetPart, wanted).data):
                return
            yield part

    def put_transcript(self, voice_id: str, text: str, problem: str) -> None:
        """Tell what was said in a recording, or why that is not known. Raises RouterError."""
        request = chat_link_pb2.PutTranscriptRequest(voice_id=voice_id, text=text, problem=problem)
        self._ask(self._open().chat_link.PutTranscript, request)

    def take_text(self, wait: float) -> Text | None:
        """The next text that is to become a vector, if one comes within so many seconds. Raises RouterError."""
        request = chat_link_pb2.TakeTextRequest(wait=Duration(seconds=round(wait)))
        told = ask(self._open().chat_link.TakeText, request, wait + _CALL_TIMEOUT, self._metadata)
        if not told.text_id:
            return None
        return Text(told.text_id, told.text, told.model, told.timeout.ToNanoseconds() / 1e9)

    def put_embedding(self, text: Text, values: Sequence[float]) -> None:
        """Tell its vector; none, where there is none. Raises RouterError."""
        request = chat_link_pb2.PutEmbeddingRequest(text_id=text.text_id, model=text.model, values=values)
        self._ask(self._open().chat_link.PutEmbedding, request)

    @property
    def submissions_waiting(self) -> int:
        """How many submissions are on their way to the router's disk."""
        return self._stream.waiting

    @property
    def own(self) -> Control:
        """Control with the adapter's own key."""
        return self._open().control

    def control(self, api_key: str) -> Control:
        """Control with a caller's key; the router judges it at each call."""
        return self._open().control.with_key(api_key)

    def of_worker(self, token: str) -> Control:
        """Control with the token of a session's program; the router judges it at each call."""
        return self._open().control.showing(Bearer(token))

    def close(self) -> None:
        """End the stream and the channel."""
        self._stream.close()
        with self._lock:
            if self._opened is not None:
                self._opened.channel.close()

    def _ask(self, method: "grpc.UnaryUnaryMultiCallable[Q, R]", request: Q) -> R:
        return aside(partial(ask, method, request, _CALL_TIMEOUT, self._metadata))

    def _open(self) -> "_Opened":
        with self._lock:
            if self._opened is None:
                channel = channel_to_router(self._config)
                control = _Control(channel, self._config.api_key, patience=_CALL_TIMEOUT)
                self._opened = _Opened(channel, control, chat_link_pb2_grpc.ChatLinkStub(channel))
            return self._opened

    def _open_stream(self, frames: Iterator[list[Item]]) -> Iterator[list[Answer]]:
        return _answers(self._open().chat_link.SubmitStream(map(convert.batch, frames), metadata=self._metadata))


class _Control(Control):
    """What is asked on the loop keeps nobody else waiting."""

    def _call(self, *asked: Any, **how: Any) -> Any:  # noqa: ANN401 - as the client's
        return aside(partial(super()._call, *asked, **how))


@dataclass(frozen=True, slots=True)
class _Opened:
    channel: grpc.Channel
    control: Control
    chat_link: chat_link_pb2_grpc.ChatLinkStub


def _answers(call: Iterable[chat_link_pb2.SubmitBatchResponse]) -> Iterator[list[Answer]]:
    try:
        for batch in call:
            yield [convert.answer(item) for item in batch.items]
    except grpc.RpcError as error:
        raise from_call(error) from None

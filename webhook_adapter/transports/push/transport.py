"""Brings messages to browsers, through the services of their vendors (RFC 8030)."""

import re
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Protocol

import requests

from pointsman.client.errors import RouterError
from webhook_adapter.clock import Clock
from webhook_adapter.model import Subscription
from webhook_adapter.transports.push import encryption, service
from webhook_adapter.transports.push.payload import payload, shown_id
from webhook_adapter.transports.push.vapid import Vapid
from webhook_adapter.transports.transport import (
    ChatNews,
    ChatRef,
    Delivered,
    Kind,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
)

_QUESTION_TTL, _WORDS_TTL = 24 * 3600, 12 * 3600  # seconds for which a vendor keeps what it cannot bring
_LONGEST_WAIT = 3600.0  # seconds that a vendor may ask for
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})  # RFC 8030 section 7.3: the browser has let it go
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_SECONDS = re.compile(r"[0-9]{1,9}")
_NO_SUCH = "NOT_FOUND"


class Subscriptions(Protocol):
    """The router, as far as pushes need it. Every method raises RouterError."""

    def push_key(self) -> bytes:
        """What pushes are signed with."""

    def subscription(self, chat_id: str) -> Subscription:
        """Where a browser takes pushes."""


@dataclass(frozen=True, slots=True)
class _Push:
    """One push, as its vendor is asked for it."""

    to: Subscription
    words: bytes
    ttl: int
    urgency: str
    topic: str  # one that comes later takes the place of one that is not delivered yet


class PushTransport:
    """Each chat is a browser's subscription at the router. Keeps nothing but how long vendors want to be left alone."""

    name = "push"

    def __init__(
        self, router: Subscriptions, clock: Clock, *, private: bool, wall: Callable[[], float] = time.time
    ) -> None:
        """`private`: a setting allows services at any address. `wall` is the time that vendors know."""
        self._router = router
        self._clock = clock
        self._private = private
        self._wall = wall
        self._lock = threading.Lock()  # guards the two below
        self._vapid: Vapid | None = None
        self._rests: dict[str, float] = {}  # until when, by chat

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message."""
        return self._bring(message, (message.notification_id,))

    def edit(self, message: Outgoing) -> SendOutcome:
        """Let what is on the screen say something else, without a sound."""
        return self._bring(message, message.edit_message_ids)

    def news(self, chat: ChatRef) -> ChatNews:
        """How long its vendor wants to be left alone."""
        with self._lock:
            rest = self._rests.get(chat.chat_id, 0.0) - self._clock.monotonic()
            if rest <= 0:
                self._rests.pop(chat.chat_id, None)
        return ChatNews(rest=max(0.0, rest))

    def _bring(self, message: Outgoing, message_ids: tuple[str, ...]) -> SendOutcome:
        try:
            to, vapid = self._router.subscription(message.chat.chat_id), self._signer()
        except RouterError as error:
            gone = error.code == _NO_SUCH
            return Refused(error.message, chat_closed=True) if gone else RetryLater(error.message)
        try:
            answer = self._post(vapid, _push(message, to))
        except service.Forbidden as error:
            return Refused(f"not pushed: {error}", chat_closed=True)
        except service.NoAnswer as error:
            # It may have been taken. It goes again under the same topic and name: the browser shows it once.
            return RetryLater(f"the browser's push service did not answer ({error})")
        return self._outcome(answer, message.chat.chat_id, message_ids)

    def _signer(self) -> Vapid:
        with self._lock:
            if self._vapid is None:
                self._vapid = Vapid(self._router.push_key())
            return self._vapid

    def _post(self, vapid: Vapid, push: _Push) -> requests.Response:
        to = push.to
        headers = {
            "Authorization": vapid.header(to.endpoint, to.origin, self._wall()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(push.ttl),
            "Urgency": push.urgency,
            "Topic": push.topic,
        }
        body = encryption.encrypt(push.words, to.p256dh, to.auth)
        return service.post(to.endpoint, headers, body, private=self._private)

    def _outcome(self, answer: requests.Response, chat_id: str, message_ids: tuple[str, ...]) -> SendOutcome:
        status, told = answer.status_code, f"the browser's push service answered {answer.status_code}"
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return Delivered(message_ids)
        if status in _GONE:
            return Refused(f"{told}: it takes no pushes any more", chat_closed=True)
        if status not in _LATER and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            # Redirects, too: they could lead anywhere.
            return Refused(told)
        after = self._after(answer.headers.get("Retry-After", ""))
        if after is not None:
            with self._lock:
                self._rests[chat_id] = self._clock.monotonic() + after
        return RetryLater(told, after)

    def _after(self, words: str) -> float | None:
        """Seconds that a vendor asks for; it may name a moment instead."""
        if _SECONDS.fullmatch(words):
            return min(float(words), _LONGEST_WAIT)
        try:
            moment = parsedate_to_datetime(words).timestamp()
        except ValueError:
            return None
        return min(max(0.0, moment - self._wall()), _LONGEST_WAIT)


def _push(message: Outgoing, to: Subscription) -> _Push:
    asks, changes = message.kind is Kind.QUESTION, bool(message.edit_message_ids)
    urgency = "low" if message.silent or changes else ("high" if asks else "normal")
    # A question gives way to its end alone; what a session says, to what it says later.
    about = shown_id(message) if asks or changes else message.session_id or message.notification_id
    topic = urlsafe_b64encode(encryption.digest(about)).decode()[:32]
    ttl = _QUESTION_TTL if asks else _WORDS_TTL
    return _Push(to, payload(message, is_open=to.is_open), ttl, urgency, topic)

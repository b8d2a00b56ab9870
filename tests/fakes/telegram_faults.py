"""What can go wrong on demand: faults of calls, faults of webhook deliveries, and Telegram's own rate limits."""

import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from tests.fakes.telegram_state import BotError, Chat, Json

FOR_EVER = sys.maxsize  # times
NO_RESULT = object()  # of an answer that has no such field


class FaultKind(Enum):
    """What happens to a call."""

    REFUSE = "refuse"  # answered with a code and a description; nothing is stored
    RESET_BEFORE = "reset_before"  # the connection breaks; nothing is stored
    RESET_AFTER = "reset_after"  # the connection breaks, and the message was stored
    HANG = "hang"  # no answer for `seconds`; nothing is stored
    SLOW = "slow"  # `seconds` late, or until it is let go; else as always
    HTML_PAGE = "html_page"  # 502 with a page of a proxy
    ANSWER = "answer"  # carried out, and answered with `result` instead of what it should say
    MALFORMED = "malformed"  # 200 with half a JSON document, and the message was stored


class WebhookFault(Enum):
    """What happens to a delivery to the bot's webhook."""

    AGAIN = "again"  # delivered once more although it was answered
    TOGETHER = "together"  # two copies at the same instant
    DROP = "drop"  # the answer is lost
    SLOW_BODY = "slow_body"  # the body comes in two halves


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    code: int = 500
    description: str = "Internal Server Error"
    parameters: Json | None = None
    seconds: float = 3600.0
    result: Any = True
    let_go: threading.Event = field(default_factory=threading.Event, compare=False)

    def refusal(self) -> BotError:
        return BotError(self.code, self.description, self.parameters)


def too_many_requests(retry_after: int) -> Fault:
    words = f"Too Many Requests: retry after {retry_after}"
    return Fault(FaultKind.REFUSE, 429, words, {"retry_after": retry_after})


@dataclass(slots=True)
class ScriptedFault:
    """A fault that waits for its calls; `struck` counts those it has met."""

    fault: Fault
    method: str
    chat_id: int | None
    times: int
    struck: int = 0


class FaultScript:
    """Faults in the order in which they were asked for; each strikes as often as it was told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripted: list[ScriptedFault] = []
        self._webhook: deque[WebhookFault] = deque()

    def add(self, fault: Fault, method: str, *, chat_id: int | None, times: int) -> ScriptedFault:
        scripted = ScriptedFault(fault, method.lower(), chat_id, times)
        with self._lock:
            self._scripted.append(scripted)
        return scripted

    def strike(self, method: str, params: Json) -> Fault | None:
        with self._lock:
            for scripted in self._scripted:
                fits = scripted.method in ("", method.lower())
                if fits and scripted.chat_id in (None, _chat_id(params)) and scripted.struck < scripted.times:
                    scripted.struck += 1
                    return scripted.fault
        return None

    def add_webhook(self, fault: WebhookFault, times: int) -> None:
        with self._lock:
            self._webhook.extend([fault] * times)

    @property
    def webhook_waiting(self) -> int:
        """Faults of deliveries that have met none yet."""
        with self._lock:
            return len(self._webhook)

    def strike_webhook(self) -> WebhookFault | None:
        with self._lock:
            return self._webhook.popleft() if self._webhook else None

    def clear(self) -> None:
        with self._lock:
            self._scripted.clear()
            self._webhook.clear()


def _chat_id(params: Json) -> int | None:
    try:
        return int(params.get("chat_id") or 0)
    except (TypeError, ValueError):
        return None


@dataclass(slots=True)
class _Bucket:
    """Refills at `rate` a second up to `size`."""

    rate: float
    size: float
    level: float
    at: float

    def wait(self, now: float) -> float:
        """Return 0 and take one, or the seconds until there is one."""
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.rate


@dataclass(slots=True)
class _Window:
    """At most `most` in any `span` seconds: the strictest reading of "20 a minute"."""

    most: int
    span: float
    taken: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Return 0 and take one, or the seconds until there is one."""
        while self.taken and self.taken[0] <= now - self.span:
            self.taken.popleft()
        if len(self.taken) < self.most:
            self.taken.append(now)
            return 0.0
        return self.taken[0] + self.span - now


class Now(Protocol):
    """A clock to be read."""

    def now(self) -> float:
        """Seconds."""


@dataclass(slots=True)
class TelegramLimits:
    """One a second per chat with a burst of 3, 20 in any minute per group, 30 a second over all."""

    clock: Now
    enabled: bool = False
    violations: int = 0
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _windows: dict[int, _Window] = field(default_factory=dict)
    _held_until: dict[int, float] = field(default_factory=dict)

    def check(self, chat: Chat) -> None:
        """Raise 429 when the bot is too fast; asking again during the wait is counted."""
        if not self.enabled:
            return
        now = self.clock.now()
        held = self._held_until.get(chat.id, 0.0) - now
        if held > 0:
            self.violations += 1
            raise too_many_requests(int(held) + 1).refusal()
        limits: list[_Bucket | _Window] = [
            self._bucket("all", 30.0, 30.0, now),
            self._bucket(str(chat.id), 1.0, 3.0, now),
        ]
        if chat.id < 0:
            limits.append(self._windows.setdefault(chat.id, _Window(20, 60.0)))
        wait = max(limit.wait(now) for limit in limits)
        if wait > 0:
            seconds = int(wait) + 1
            self._held_until[chat.id] = now + seconds
            raise too_many_requests(seconds).refusal()

    def hold(self, chat_id: int, seconds: float) -> None:
        """A 429 that was asked for holds its chat like one of our own."""
        if self.enabled:
            self._held_until[chat_id] = self.clock.now() + seconds

    def _bucket(self, name: str, rate: float, size: float, now: float) -> _Bucket:
        return self._buckets.setdefault(name, _Bucket(rate, size, size, now))

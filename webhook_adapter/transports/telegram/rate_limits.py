"""What Telegram's limits allow: token buckets for each chat and for the bot, and the waits that Telegram asked for.

Telegram wants no more than one call a second in a chat (short bursts are allowed), 20 a minute in a group and about 30
a second over all (its FAQ for bots, "My bot is hitting limits"); edits count like messages. Each call that names a
chat takes its tokens here before it leaves. The next token of a chat grows from the answer on: however late the call
arrived there, the one after it is not early.

Normally nobody waits here: after each delivery `rest` says when the chat may have its next call, and the router keeps
what is queued until then, in order, the urgent first. Waited for are the further parts of one message, and the limit
of the bot.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from webhook_adapter.clock import Clock, SystemClock

LONGEST_WAIT_S = 30.0
"""Who would have to wait longer is sent away: a lease must not run out here, nor a sender be kept from other chats."""
_GRACE_S = 1.0  # on top of Telegram's retry_after, which is cut to whole seconds
_RETRY_AFTER_S = 5.0  # where a 429 tells no time
_NEARLY = 0.5  # of a token
# Telegram does not say whether a 429 is about the chat or about the bot. Where so many chats get one so soon one after
# the other, each within its own limits, it is about the bot.
_CHATS_AT_ONCE, _AT_ONCE_S = 3, 2.0


class HeldBack(Exception):
    """Not now; `seconds` tells how long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"held back for {seconds:.0f} s to keep Telegram's limits")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """`size` calls at once, then `rate` a second."""

    rate: float
    size: float


PER_CHAT = Limit(1.0, 3.0)
PER_GROUP = Limit(15 / 60, 5.0)  # 5 and 15 are the 20 that any one minute may hold
OVERALL = Limit(25.0, 5.0)  # 25 and 5 are the 30 that any one second may hold


class _Bucket:
    """Tokens of one limit. A new one holds what has grown since the process began, and one token at least: what a
    process before this one has spent is not known.
    """

    def __init__(self, limit: Limit, began: float, now: float) -> None:
        self._limit = limit
        self._level = max(1.0, min(limit.size, (now - began) * limit.rate))
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until there is a token."""
        self._fill(now)
        return max(0.0, (1.0 - self._level) / self._limit.rate)

    def is_full(self, now: float) -> bool:
        """Whether as much is there as ever will be, give or take the time that a call took."""
        self._fill(now)
        return self._level > self._limit.size - _NEARLY

    def take(self, now: float) -> None:
        self._fill(now)
        self._level = max(0.0, self._level - 1.0)

    def stand_still(self, now: float) -> None:
        """The time until now does not count."""
        self._at = now

    def _fill(self, now: float) -> None:
        self._level = min(self._limit.size, self._level + (now - self._at) * self._limit.rate)
        self._at = now


class RateLimits:
    """The limits of one bot. Threads may share it; calls of one chat come one at a time."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._changed = threading.Condition()  # guards all below
        self._began = self._clock.monotonic()
        self._overall = _Bucket(OVERALL, self._began, self._began)
        self._chats: dict[str, tuple[_Bucket, ...]] = {}
        self._held: dict[str, float] = {}  # until when
        self._all_held = 0.0
        self._refused: dict[str, float] = {}  # chats that got a 429, when
        self._longest_wait = LONGEST_WAIT_S

    @contextmanager
    def call(self, chat_id: str, *, spare: bool = False) -> Iterator[None]:
        """One call that names the chat. Waits for its turn. Raises HeldBack where that would take too long.

        `spare`: raises it as well where not all of a burst would be left for messages, but for this one call.
        """
        with self._changed:
            if spare and not self._is_idle(chat_id):
                raise HeldBack(self._wait(chat_id))
            while (wait := self._wait(chat_id)) > 0:
                if wait > self._longest_wait:
                    raise HeldBack(wait)
                self._clock.wait(self._changed, wait)
            now = self._clock.monotonic()
            for bucket in (*self._of(chat_id), self._overall):
                bucket.take(now)
        try:
            yield
        finally:
            with self._changed:
                now = self._clock.monotonic()
                for bucket in self._of(chat_id):
                    bucket.stand_still(now)

    def refused(self, chat_id: str, retry_after: float | None) -> None:
        """Telegram answered 429."""
        with self._changed:
            now = self._clock.monotonic()
            until = now + (_RETRY_AFTER_S if retry_after is None else retry_after) + _GRACE_S
            self._held[chat_id] = max(until, self._held.get(chat_id, 0.0))
            self._refused = {chat: at for chat, at in self._refused.items() if now - at <= _AT_ONCE_S} | {chat_id: now}
            if len(self._refused) >= _CHATS_AT_ONCE:
                self._all_held = max(self._held[chat] for chat in self._refused)

    def rest(self, chat_id: str) -> tuple[float, float]:
        """Seconds until the chat may have another call, and until any chat may."""
        with self._changed:
            now = self._clock.monotonic()
            of_bot = max(0.0, self._all_held - now)
            return max(0.0, self._held.get(chat_id, 0.0) - now, *(b.wait(now) for b in self._of(chat_id))), of_bot

    def end_within(self, seconds: float) -> None:
        """From now on nobody waits longer: the process ends. Parts of a message that is begun can still follow it."""
        with self._changed:
            self._longest_wait = seconds
            self._changed.notify_all()

    def _is_idle(self, chat_id: str) -> bool:
        now = self._clock.monotonic()
        return self._wait(chat_id) <= 0 and all(each.is_full(now) for each in (*self._of(chat_id), self._overall))

    def _wait(self, chat_id: str) -> float:
        now = self._clock.monotonic()
        held = max(self._held.get(chat_id, 0.0), self._all_held) - now
        return max(held, *(bucket.wait(now) for bucket in (*self._of(chat_id), self._overall)))

    def _of(self, chat_id: str) -> tuple[_Bucket, ...]:
        if chat_id not in self._chats:
            limits = (PER_CHAT, PER_GROUP) if chat_id.startswith("-") else (PER_CHAT,)
            self._chats[chat_id] = tuple(_Bucket(limit, self._began, self._clock.monotonic()) for limit in limits)
        return self._chats[chat_id]

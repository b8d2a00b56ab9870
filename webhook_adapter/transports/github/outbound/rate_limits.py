"""What GitHub's limits allow, and a good deal less: what it counts it tells late, and who goes on is banned.

GitHub wants writes one at a time, a second apart, and three where people are notified; content it takes about 500 times
an hour and 80 times a minute (its "Best practices for using the REST API" and "Rate limits for the REST API"). Some of
an hour's is kept for questions, and most of it for what is no progress.

Normally nobody waits here: `pause` says when the next write may come, and the router keeps what is queued until then,
in order, the urgent first.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

from webhook_adapter.clock import Clock

WRITE_APART_S = 1.0
NOTIFY_APART_S = 3.0
HOUR_S = 3600.0
CONTENT_AN_HOUR = 450
KEPT_FOR_URGENT = 50
FOR_PROGRESS = 200  # of an hour's, where others want nothing
LONGEST_WAIT_S = 30.0
"""Who would have to wait longer is sent away: a lease must not run out here."""
UNNAMED_S = 60.0  # the rest after a secondary limit that names no time; twice as long where it comes again
_LONGEST_UNNAMED_S = 3600.0
_GRACE_S = 1.0  # on top of times that are cut to whole seconds
_SECONDARY = ("secondary rate limit", "temporarily blocked", "abuse detection")


class Cost(Enum):
    """What a call is to GitHub's limits."""

    READ = "read"
    WRITE = "write"
    CONTENT = "content"
    NOTICE = "notice"  # content that people are notified of


class Need(Enum):
    """How much people want it."""

    PROGRESS = "progress"
    BESIDE = "beside"  # no more of it than of progress, but it waits for its turn
    NORMAL = "normal"
    URGENT = "urgent"


_ROOM = {
    Need.PROGRESS: FOR_PROGRESS,
    Need.BESIDE: FOR_PROGRESS,
    Need.NORMAL: CONTENT_AN_HOUR - KEPT_FOR_URGENT,
    Need.URGENT: CONTENT_AN_HOUR,
}


class HeldBack(Exception):
    """Not now; `seconds` tells how long. `all`: nothing else may be written either."""

    def __init__(self, seconds: float, *, for_all: bool) -> None:
        super().__init__(f"held back for {seconds:.0f} s to keep GitHub's limits")
        self.seconds = seconds
        self.for_all = for_all


class RateLimits:
    """Of one App. Threads may share it."""

    def __init__(self, clock: Clock, now: Callable[[], float]) -> None:
        """`now` is the time of day, in which GitHub says when an hour's calls begin anew."""
        self._clock, self._now = clock, now
        self._changed = threading.Condition()  # guards all below
        self._is_writing = False
        self._written = self._noticed = -HOUR_S  # when the last one was answered
        self._content: deque[float] = deque()
        self._held = 0.0  # until when everything rests
        self._unnamed_s = UNNAMED_S
        self._longest_wait = LONGEST_WAIT_S

    @contextmanager
    def call(self, cost: Cost, need: Need = Need.NORMAL) -> Iterator[None]:
        """One call. Waits for its turn. Raises HeldBack where that would take too long."""
        if cost is Cost.READ:
            with self._changed:
                self._wait_while_held()
            yield
            return
        with self._changed:
            self._wait_for_turn(cost, need)
            self._is_writing = True
            if cost in (Cost.CONTENT, Cost.NOTICE):
                self._content.append(self._clock.monotonic())
        try:
            yield
        finally:
            with self._changed:
                # From the answer on: however late a call arrived there, the one after it is not early.
                self._written = self._clock.monotonic()
                self._noticed = self._written if cost is Cost.NOTICE else self._noticed
                self._is_writing = False
                self._changed.notify_all()

    def answered(self, status: int, words: str, headers: Mapping[str, str]) -> float | None:
        """GitHub answered a call; for how long all must rest where that was about a limit, else None."""
        after, left = _seconds(headers.get("Retry-After")), headers.get("x-ratelimit-remaining")
        with self._changed:
            is_limit = status in (403, 429) and (
                left == "0" or after is not None or status == 429 or any(each in words.lower() for each in _SECONDARY)
            )
            if is_limit:
                return self._hold(self._rest(after, headers) if left == "0" else self._secondary(after))
            if status < 400:
                self._unnamed_s = UNNAMED_S
                if left == "0":
                    self._hold(self._rest(None, headers))
            return None

    def pause(self) -> float:
        """Seconds until anything may be written again."""
        with self._changed:
            now = self._clock.monotonic()
            return max(0.0, self._held - now, self._written + WRITE_APART_S - now)

    def end_within(self, seconds: float) -> None:
        """From now on nobody waits longer: the process ends."""
        with self._changed:
            self._longest_wait = seconds
            self._changed.notify_all()

    def _wait_for_turn(self, cost: Cost, need: Need) -> None:
        while True:
            if self._is_writing:
                self._changed.wait()
                continue
            wait, for_all = self._wait(cost, need)
            if wait <= 0:
                return
            # Progress waits for nobody: there is newer before its turn comes.
            if wait > self._longest_wait or need is Need.PROGRESS:
                raise HeldBack(wait, for_all=for_all)
            self._clock.wait(self._changed, wait)

    def _wait(self, cost: Cost, need: Need) -> tuple[float, bool]:
        now = self._clock.monotonic()
        waits = [(self._held - now, True), (self._written + WRITE_APART_S - now, True)]
        if cost is Cost.NOTICE:
            waits.append((self._noticed + NOTIFY_APART_S - now, False))
        if cost in (Cost.CONTENT, Cost.NOTICE):
            waits.append((self._wait_for_room(now, _ROOM[need]), False))
        return max(waits)

    def _wait_for_room(self, now: float, room: int) -> float:
        while self._content and self._content[0] <= now - HOUR_S:
            self._content.popleft()
        return self._content[-room] + HOUR_S - now if len(self._content) >= room else 0.0

    def _wait_while_held(self) -> None:
        while (left := self._held - self._clock.monotonic()) > 0:
            if left > self._longest_wait:
                raise HeldBack(left, for_all=True)
            self._clock.wait(self._changed, left)

    def _rest(self, after: float | None, headers: Mapping[str, str]) -> float:
        """Until the next hour's calls."""
        reset = _seconds(headers.get("x-ratelimit-reset"))
        return max(after or 0.0, (reset or self._now() + UNNAMED_S) - self._now())

    def _secondary(self, after: float | None) -> float:
        if after is not None:
            return after
        named, self._unnamed_s = self._unnamed_s, min(self._unnamed_s * 2, _LONGEST_UNNAMED_S)
        return named

    def _hold(self, seconds: float) -> float:
        self._held = max(self._held, self._clock.monotonic() + seconds + _GRACE_S)
        return self._held - self._clock.monotonic()


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isascii() and value.isdigit() and len(value) < 12 else None

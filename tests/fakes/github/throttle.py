"""GitHub's limits: calls an hour, points a minute, content a minute and an hour, and what it does to who goes on."""

import threading
from collections import deque
from dataclasses import dataclass, field

from tests.fakes.github.world import ApiError, World

HOUR_S = 3600.0
WRITE_APART_S = 1.0
NOTIFY_APART_S = 3.0
_BAN_AFTER = 10  # calls that came although they were told to wait
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_CONTENT = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation."
_PRIMARY = "API rate limit exceeded for installation ID 1."
_BANNED = "Sorry. Your account was suspended."
_SLACK_S = 0.02  # two clocks that count the same seconds


@dataclass(frozen=True, slots=True)
class Weight:
    """What a call costs."""

    write: bool = False
    content: bool = False
    notifies: bool = False


@dataclass(slots=True)
class Window:
    """At most `most` in any `span` seconds."""

    most: int
    span: float
    taken: deque[tuple[float, int]] = field(default_factory=deque)

    def used(self, now: float) -> int:
        while self.taken and self.taken[0][0] <= now - self.span:
            self.taken.popleft()
        return sum(cost for _, cost in self.taken)


class Throttle:
    """Of one installation. What is over a limit is refused; going on, and writing two at once, are violations."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()  # guards all below
        self.primary_limit = 5000
        self.spacing = True  # whether writes that come too close are violations
        self.tells_retry_after = True
        self._primary_used, self._reset, self._told = 0, 0.0, False
        self.points, self.content_minute, self.content_hour = Window(900, 60.0), Window(80, 60.0), Window(500, HOUR_S)
        self._held, self._held_words, self._ignored = 0.0, _SECONDARY, 0
        self._writing = 0
        self._last_write, self._last_notice = -HOUR_S, -HOUR_S
        self.banned = False

    def enter(self, weight: Weight) -> None:
        """A call comes. Raises ApiError; else `leave` must follow."""
        with self._lock:
            now = self._world.clock.now()
            self._check_held(now)
            self._primary(now)
            self._windows(now, weight)
            if weight.write:
                self._check_spacing(now, weight)
                self._writing += 1

    def leave(self, weight: Weight, status: int) -> None:
        """It is answered; a 304 cost nothing."""
        with self._lock:
            now = self._world.clock.now()
            if weight.write:
                self._writing -= 1
                self._last_write = now
                self._last_notice = now if weight.notifies else self._last_notice
            if status == 304:
                self._primary_used -= 1

    def hold(self, seconds: float, *, content: bool = False) -> None:
        """A secondary limit from now on."""
        with self._lock:
            self._held, self._held_words = self._world.clock.now() + seconds, _CONTENT if content else _SECONDARY

    def headers(self) -> dict[str, str]:
        with self._lock:
            left = max(0, self.primary_limit - self._primary_used)
            told = {"limit": self.primary_limit, "remaining": left, "used": self._primary_used}
            return {
                **{f"x-ratelimit-{name}": str(value) for name, value in told.items()},
                "x-ratelimit-reset": str(int(self._reset) + 1),
                "x-ratelimit-resource": "core",
            }

    def _check_held(self, now: float) -> None:
        if self.banned:
            self._world.violation("a call after the ban")
            raise ApiError(403, _BANNED)
        if (left := self._held - now) > 0:
            self._world.violation(f"a call during a secondary limit, {left:.0f} s early")
            self._ignored += 1
            self.banned = self._ignored >= _BAN_AFTER
            raise self._secondary(left)
        self._ignored = 0

    def _secondary(self, left: float) -> ApiError:
        after = {"Retry-After": str(int(left) + 1)} if self.tells_retry_after else {}
        return ApiError(403, self._held_words, after)

    def _primary(self, now: float) -> None:
        if now >= self._reset:
            self._primary_used, self._reset = 0, now + HOUR_S
        if self._primary_used >= self.primary_limit:
            if self._told:
                self._world.violation("a call with the primary limit used up")
            self._told = True
            raise ApiError(403, _PRIMARY)
        self._told = False
        self._primary_used += 1

    def _windows(self, now: float, weight: Weight) -> None:
        wanted = [(self.points, 5 if weight.write else 1)]
        if weight.content:
            wanted += [(self.content_minute, 1), (self.content_hour, 1)]
        for window, cost in wanted:
            if window.used(now) + cost > window.most:
                self._world.violation(f"more than {window.most} in {window.span:.0f} s")
                self._held, self._held_words = now + 60.0, _SECONDARY if window is self.points else _CONTENT
                raise self._secondary(60.0)
        for window, cost in wanted:
            window.taken.append((now, cost))

    def _check_spacing(self, now: float, weight: Weight) -> None:
        if not self.spacing:
            return
        if self._writing:
            self._world.violation("two writes at once")
        elif now - self._last_write < WRITE_APART_S - _SLACK_S:
            self._world.violation(f"a write {now - self._last_write:.2f} s after another")
        if weight.notifies and now - self._last_notice < NOTIFY_APART_S - _SLACK_S:
            self._world.violation(f"a call that notifies {now - self._last_notice:.2f} s after another")

"""Time that a test moves, and a loop whose timers follow it."""

import asyncio
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager

from router.clock import SteadyClock


class MovableTime:
    """Real time plus what the test has skipped; a router's clock and its loop's timers share one."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self.wall_step = 0.0  # seconds by which somebody set the wall clock while no router looked at it
        self.wall_moved = 0.0  # the same, while one runs that counts on by itself
        self.boots = 1
        self._booted_at = 0.0
        self._lost: tuple[float, float | None] = 0.0, None  # seconds that never passed, and since when it is slow

    @contextmanager
    def slowly(self) -> Iterator[None]:
        """A tenth as fast: for what has to happen within a second, which on a busy machine takes several."""
        since = time.monotonic()
        self._lost = self._behind(since), since
        try:
            yield
        finally:
            self._lost = self._behind(time.monotonic()), None

    def now(self) -> float:
        return time.time() - self._behind(time.monotonic()) + self.skipped + self.wall_step

    def wall(self) -> float:
        return self.now() + self.wall_moved

    def monotonic(self) -> float:
        real = time.monotonic()
        return real - self._behind(real) + self.skipped

    def _behind(self, real: float) -> float:
        lost, since = self._lost
        return lost if since is None else lost + 0.9 * (real - since)

    def uptime(self) -> float:
        return self.monotonic() - self._booted_at

    def boot_id(self) -> str:
        # Of the first boot what the machine itself says: a router that runs as another process knows its time by that.
        return SteadyClock().boot_id() if self.boots == 1 else f"boot {self.boots}"

    def reboot(self) -> None:
        """The kernel counts from zero again."""
        self.boots += 1
        self._booted_at = self.monotonic()


class MovableLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers follow a movable time."""

    def __init__(self, moving: MovableTime) -> None:
        super().__init__(selectors.DefaultSelector())
        self._moving = moving

    def time(self) -> float:
        return self._moving.monotonic()

"""What sessions are saying, to those who want it as it comes: in memory, the newest alone; who is slow misses some."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from router.clock import Clock
from router.domain.delta import DeltasWanted, SaidDelta
from router.link.hub import Hub, Link

LEASE, AGAIN = 60, 25.0  # seconds for which a machine is asked, and after which it is asked again
LEAST_PAUSE = 0.15  # seconds between two of a session: a machine says five a second
LOOK_EVERY = 5.0  # seconds until a machine that came back is asked


class Follower:
    """Somebody who wants what a session says; or does not, where it has no machine."""

    def __init__(self, session_id: str, machine_id: str, changed: asyncio.Event) -> None:
        self.session_id = session_id
        self.machine_id = machine_id
        self.changed = changed
        self.newest: SaidDelta | None = None

    def taken(self) -> SaidDelta | None:
        """The newest that was not taken yet."""
        newest, self.newest = self.newest, None
        return newest


class Deltas:
    """Lives on the event loop."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._followers: dict[str, set[Follower]] = {}
        self._asked: dict[str, tuple[Link, float]] = {}  # by session: on which link, and when
        self._heard: dict[str, float] = {}

    @contextmanager
    def on(self, session_id: str, machine_id: str, changed: asyncio.Event) -> Iterator[Follower]:
        """Somebody watches: `changed` is set when there is something new."""
        follower = Follower(session_id, machine_id, changed)
        followers = self._followers.setdefault(session_id, set())
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not followers:
                for known in (self._followers, self._asked, self._heard):
                    known.pop(session_id, None)

    def ask(self, follower: Follower) -> None:
        """Ask its machine, where that is due."""
        link, now = self._hub.get(follower.machine_id), self._clock.monotonic()
        if link is None or link.gone or not link.tells_deltas:
            return
        asked, at = self._asked.get(follower.session_id, (None, 0.0))
        if asked is not link or now >= at + AGAIN:
            link.send(DeltasWanted(follower.session_id, LEASE))
            self._asked[follower.session_id] = link, now

    def taken(self, link: Link, delta: SaidDelta) -> None:
        """A frame of a machine; what nobody wants, or comes too often, is none."""
        followers, now = self._followers.get(delta.session_id, ()), self._clock.monotonic()
        if not followers or now < self._heard.get(delta.session_id, 0.0) + LEAST_PAUSE:
            return
        self._heard[delta.session_id] = now
        for follower in followers:
            if follower.machine_id == link.machine_id:
                follower.newest = delta
                follower.changed.set()

"""Connections that wait for the same thing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from webhook_adapter.http.gunicorn.connection import Connection


@dataclass(eq=False, slots=True)
class Pool:
    """Who waits longest stands first, and goes first where they are too many: whoever is quick is let through."""

    events: int  # of the poller, that they wait for
    most: int
    most_of_a_peer: int
    on_ready: Callable[[Connection], None]
    is_late: Callable[[Connection, float], bool]
    on_late: Callable[[Connection], None]
    members: dict[Connection, None] = field(default_factory=dict)
    _peers: Counter[str] = field(default_factory=Counter)

    def join(self, conn: Connection, now: float) -> Connection | None:
        """Let one wait here. Returns who has to go for it."""
        conn.pool, conn.since = self, now
        self.members[conn] = None
        if conn.peer:
            self._peers[conn.peer] += 1
            if self._peers[conn.peer] > self.most_of_a_peer:
                return next(each for each in self.members if each.peer == conn.peer)
        return next(iter(self.members)) if len(self.members) > self.most else None

    def leave(self, conn: Connection) -> None:
        """It waits no more."""
        conn.pool = None
        del self.members[conn]
        if not conn.peer:
            return
        self._peers[conn.peer] -= 1
        if not self._peers[conn.peer]:
            del self._peers[conn.peer]

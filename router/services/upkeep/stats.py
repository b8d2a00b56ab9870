"""Figures for the operator."""

import sqlite3
from dataclasses import dataclass

from router import __version__
from router.clock import Clock
from router.link.hub import Hub
from router.services.delivery.engine import Delivery
from router.services.outbox.leases import Outbox
from router.store.database import Database


@dataclass(frozen=True, slots=True)
class Figures:
    """How the router is doing. Times in seconds."""

    commands: dict[str, int]
    notifications: dict[str, int]
    oldest_command_age: float
    agent_links: int
    chat_links: int
    commits: int
    commit_p99: float
    wal_bytes: int
    resends: int
    writable: bool
    uptime: float
    version: str


class Stats:
    """Reads the figures."""

    def __init__(self, database: Database, hub: Hub, outbox: Outbox, delivery: Delivery, clock: Clock) -> None:
        self._database = database
        self._hub = hub
        self._outbox = outbox
        self._delivery = delivery
        self._clock = clock
        self._started = clock.monotonic()

    async def read(self) -> Figures:
        """The figures now."""
        commands, notes, oldest = await self._database.read(_counts)
        return Figures(
            commands, notes, max(0.0, self._clock.now() - oldest) if oldest else 0.0, len(self._hub.all()),
            self._outbox.links, self._database.times.count, self._database.times.p99(), self._database.wal_bytes(),
            self._delivery.resends, self._database.writable, self._clock.monotonic() - self._started, __version__,
        )  # fmt: skip


def _counts(connection: sqlite3.Connection) -> tuple[dict[str, int], dict[str, int], float | None]:
    live = "SELECT state, COUNT(*) FROM commands WHERE state IN ('queued', 'sent', 'received') GROUP BY state"
    dead = "SELECT COUNT(*) FROM commands WHERE state IN ('dead', 'uncertain') AND NOT dropped"
    commands = _named(connection, live) | {"DEAD": connection.execute(dead).fetchone()[0]}
    notes = "SELECT state, COUNT(*) FROM notifications WHERE state IN ('queued', 'sent') GROUP BY state"
    missing = "SELECT COUNT(*) FROM notifications WHERE state = 'dead' AND edits = ''"
    first = "SELECT MIN(created_at) FROM commands WHERE state IN ('queued', 'sent', 'received')"
    oldest: float | None = connection.execute(first).fetchone()[0]
    notifications = _named(connection, notes) | {"DEAD": connection.execute(missing).fetchone()[0]}
    return commands, notifications, oldest


def _named(connection: sqlite3.Connection, counts: str) -> dict[str, int]:
    return {state.upper(): count for state, count in connection.execute(counts).fetchall()}

"""Figures for the operator."""

import sqlite3
from dataclasses import dataclass

from router import __version__
from router.clock import Clock
from router.link.hub import Hub
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.leases import Outbox
from router.store import commands
from router.store.database import Database
from router.store.registry import STORES


@dataclass(frozen=True, slots=True)
class Figures:
    """How the router is doing. Times in seconds."""

    rows: dict[str, dict[str, int]]  # of each table, by state
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

    def __init__(self, database: Database, hub: Hub, outbox: Outbox, delivery: DeliveryEngine, clock: Clock) -> None:
        self._database = database
        self._hub = hub
        self._outbox = outbox
        self._delivery = delivery
        self._clock = clock
        self._started = clock.monotonic()

    async def read(self) -> Figures:
        """The figures now."""
        rows, oldest = await self._database.read(lambda connection: (counts(connection), commands.oldest(connection)))
        return Figures(
            rows, max(0.0, self._clock.now() - oldest) if oldest else 0.0, len(self._hub.all()),
            self._outbox.links, self._database.times.count, self._database.times.p99(), self._database.wal_bytes(),
            self._delivery.resends, self._database.writable, self._clock.monotonic() - self._started, __version__,
        )  # fmt: skip


def counts(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    return {store.model._meta.table_name: store.stats(connection) for store in STORES if store.stats}

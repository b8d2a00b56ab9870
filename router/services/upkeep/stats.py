"""Figures for the operator."""

import sqlite3
from dataclasses import dataclass

from router import __version__
from router.clock import Clock
from router.domain.identity import machine
from router.domain.quotas import Quota, Quotas, QuotaUse, worth_telling
from router.link.hub import Hub
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.leases import Outbox
from router.store import commands, files, notifications, permissions, sessions
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

    def __init__(
        self, database: Database, hub: Hub, outbox: Outbox, delivery: DeliveryEngine, clock: Clock, quotas: Quotas
    ) -> None:
        self._database = database
        self._quotas = quotas
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

    async def quotas(self) -> list[QuotaUse]:
        """Who has most of what they may have, and who nearly all of it."""
        return worth_telling(self._quotas.uses(await self._database.read(_counted)))


def _counted(connection: sqlite3.Connection) -> dict[Quota, dict[str, int]]:
    """What counts against each quota, by whose it is."""
    held = files.held_of_each(connection)
    return {
        Quota.SESSIONS: _of_machines(sessions.living_of_each(connection)),
        Quota.MESSAGES: notifications.waiting_of_each(connection),
        Quota.QUESTIONS: _of_machines(permissions.asking_of_each(connection)),
        Quota.FILES: held,
        Quota.ALL_FILES: {"": sum(held.values())},
    }


def _of_machines(counts: dict[str, int]) -> dict[str, int]:
    return {machine(machine_id).sender: count for machine_id, count in counts.items()}


def counts(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    return {store.model._meta.table_name: store.stats(connection) for store in STORES if store.stats}

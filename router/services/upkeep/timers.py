"""What time brings: expiry, backoffs and retention. Each waits for its own next moment, not for a sweep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from router.clock import Clock
from router.domain.clock_steps import DAY
from router.domain.errors import Refusal
from router.services.chat.proposals import ChatProposals
from router.services.chat.voices import Voices
from router.services.concerns import LOOK_EVERY as LOST_EVERY
from router.services.concerns import Concerns
from router.services.deferral.occurrences import Occurrences
from router.services.delivery.engine import DeliveryEngine
from router.services.events import EventLog
from router.services.janitor import EVERY as JANITOR_EVERY
from router.services.janitor import Janitor
from router.services.links.presence import WRITE_EVERY, Presence
from router.services.outbox.leases import Outbox
from router.services.people.api_keys import ApiKeys
from router.services.permissions import Permissions
from router.services.refusals import WINDOW, Refusals
from router.services.upkeep import retention
from router.services.upkeep.retention import Clean
from router.services.upkeep.unseen import LOOK_EVERY, Unseen
from router.services.wakeups import DEFERRED, EXPIRY, HELD, Wakeups, set_within
from router.services.work_events import WorkEvents
from router.store import audit, clock_steps
from router.store.database import Database, Transaction

T = TypeVar("T")
logger = logging.getLogger(__name__)
IDLE = 60.0  # seconds to the next look when nothing is due
SOON = 0.05  # seconds; how much later than its moment something may happen
RETENTION_EVERY = 3600.0  # seconds
MARK_EVERY = 600.0  # seconds of waiting that a reboot may forget
PROBE_EVERY = 1.0  # seconds between tries to write while the disk refuses


@dataclass(frozen=True, slots=True)
class Timers:
    """One loop per kind. The first that fails ends them all: the router must not run without one."""

    _database: Database
    _delivery: DeliveryEngine
    _permissions: Permissions
    _outbox: Outbox
    _presence: Presence
    _unseen: Unseen
    _refusals: Refusals
    _keys: ApiKeys
    _clean: Clean
    _work_events: WorkEvents
    _events: EventLog
    _voices: Voices
    _proposals: ChatProposals
    _occurrences: Occurrences
    _janitor: Janitor
    _concerns: Concerns
    _wakeups: Wakeups
    _clock: Clock

    async def run(self, tell_health: Callable[[bool], Awaitable[None]]) -> None:
        """Run until cancelled. `tell_health` hears each change of whether the database takes writes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._expiry(), name="expiry")
            group.create_task(self._held(), name="backoff")
            group.create_task(self._deferred(), name="what was deferred")
            group.create_task(self._retention(), name="retention")
            group.create_task(self._health(tell_health), name="health")
            # A kill needs no mark: within one boot the kernel's clock goes on.
            group.create_task(self._every(MARK_EVERY, self._mark), name="marks")
            group.create_task(self._present(), name="presence")
            group.create_task(self._every(WRITE_EVERY, self._keys.write_uses), name="uses of keys")
            group.create_task(self._every(WINDOW, self._refusals.count), name="refusals")
            group.create_task(self._every(DAY, audit.tell), name="head of the audit")
            group.create_task(self._every(JANITOR_EVERY, self._janitor.look), name="workspaces")
            group.create_task(self._silent(), name="unseen sessions")
            group.create_task(self._every(IDLE, self._voices.late), name="recordings")
            group.create_task(self._every(LOST_EVERY, self._concerns.look), name="machines that are lost")
            group.create_task(self._events.run(), name="events")
            group.create_task(self._work_events.run(), name="turns that are shown")

    async def _expiry(self) -> None:
        with self._wakeups.on(EXPIRY) as changed:
            while True:
                changed.clear()  # before the look: what is set while it runs is not lost
                due = await self._tried(self._database.write(self._expire))
                await set_within(changed, IDLE if due is None else max(SOON, min(due - self._clock.now(), IDLE)))

    async def _held(self) -> None:
        with self._wakeups.on(HELD) as changed:
            while True:
                changed.clear()
                waits = await self._tried(self._database.write(self._release))
                await set_within(changed, IDLE if waits is None else max(SOON, waits))

    async def _deferred(self) -> None:
        watched: tuple[str, ...] = ()
        while True:
            with self._wakeups.on(DEFERRED, *watched) as changed:
                wait = await self._tried(self._database.write(self._occurrences.look))
                if watched == self._occurrences.watched:  # else what it waits for now may have come already
                    await set_within(changed, IDLE if wait is None else max(SOON, min(wait, IDLE)))
            watched = self._occurrences.watched

    def _expire(self, tx: Transaction) -> float | None:
        self._outbox.expire(tx)
        due = (part.expire(tx) for part in (self._delivery, self._permissions, self._keys, self._proposals))
        return min((at for at in due if at is not None), default=None)

    def _release(self, tx: Transaction) -> float | None:
        waits = (self._delivery.release_held(tx), self._outbox.release_held(tx))
        return min((wait for wait in waits if wait is not None), default=None)

    async def _tried(self, writing: "asyncio.Future[T]") -> T | None:
        try:
            return await writing
        except Refusal as refusal:
            logger.warning("not done now: %s", refusal, extra={"event": "storage_unavailable"})
        except Exception:  # a mistake of ours: its next look may do better, and the others must go on
            logger.exception("not done now", extra={"event": "internal_error"})
        return None

    async def _retention(self) -> None:
        while True:
            removed = await self._tried(self._database.write(lambda tx: self._clean(tx, self._clock.now())))
            # A full batch means more: a pause between two lets those through who wait for a commit.
            await asyncio.sleep(SOON if removed and retention.full(removed) else RETENTION_EVERY)

    async def _present(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY)
            for some in self._presence.batches():
                await self._tried(self._database.write(some, lazy=True))

    async def _every(self, seconds: float, operation: Callable[[Transaction], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._tried(self._database.write(operation, lazy=True))

    async def _silent(self) -> None:
        looked = self._clock.now()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            before, looked = looked, self._clock.now()
            slept = looked - before > 2 * LOOK_EVERY  # then machines have not had the time to come back
            while not slept and await self._tried(self._database.write(self._unseen.end)):
                pass

    def _mark(self, tx: Transaction) -> None:
        clock_steps.mark(tx, self._clock)

    async def _health(self, tell: Callable[[bool], Awaitable[None]]) -> None:
        while True:
            await self._database.refuses.wait()
            await tell(False)  # noqa: FBT003 - a callback
            while self._database.refuses.is_set():
                await asyncio.sleep(PROBE_EVERY)
                if self._database.refuses.is_set():  # only a write can tell that the disk takes some again
                    await self._tried(self._database.write(self._mark))
            await tell(True)  # noqa: FBT003 - a callback

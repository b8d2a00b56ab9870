"""What sessions do: taken from machines, kept for a while, told to whoever watches. Far from the way of commands.

It has a database of its own, whose newest commits a power cut may take back: how far it is stands in the same file, and
machines begin there again.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from functools import partial

from router.clock import Clock
from router.domain.delta import SaidDelta
from router.domain.errors import Reason, Refusal
from router.domain.session_event import KEPT, MOST_BYTES, STREAM_KEPT, EventsAck, EventsQuery, Found, Gap, SessionEvents
from router.link.hub import Hub, Link
from router.services import deltas
from router.services.deltas import Deltas, Follower
from router.services.wakeups import Wakeups, set_within
from router.store import clock_steps, events, search, sessions
from router.store.database import Database, Transaction

logger = logging.getLogger(__name__)
MOST_WAITING = 16 * 1024 * 1024  # bytes of frames on their way to the disk, of all machines
MOST_AT_ONCE = 2000  # frames of all machines that are not answered yet
MOST_OWNED = 20_000  # sessions whose machine is remembered
TRUSTED_FOR = 5.0  # seconds: so long a session counts as its machine's without another look
PAGE = 64  # events; each may have 64 KiB
LOOK_EVERY = 30.0  # seconds between looks when nothing wakes a watcher
CLEAN_EVERY = 600.0  # seconds

Told = tuple[int, bytes | Gap | SaidDelta]


class EventLog:
    """Everything but `taken` waits; that is called by the readers of links, which must not."""

    def __init__(self, database: Database, hub: Hub, clock: Clock) -> None:
        self._house = database
        self._hub = hub
        self._clock = clock
        self.deltas = Deltas(hub, clock)
        self._wakeups = Wakeups()  # of its own: who waits for commands is not woken by what sessions say
        self._events: Database | None = None
        self.watchers = 0
        self.on_told: Callable[[str, int], None] = lambda _session_id, _first_seq: None  # after a commit: what is new
        self._size = 0  # bytes kept
        self._waiting = 0  # bytes on their way to the disk
        self._owned: dict[tuple[str, str], tuple[str, float]] = {}  # by machine and name: its id, until when
        self._tasks: set[asyncio.Task[None]] = set()
        self._mending: asyncio.Task[None] | None = None

    async def open(self, database: Database) -> None:
        """Begin to keep events there. Until then, and where the file cannot be made, machines are told to wait."""
        self._events = database
        self._size = await database.read(events.size)

    async def close(self) -> None:
        """End what is under way; its machines tell it again."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def taken(self, link: Link, frame: SessionEvents | EventsQuery) -> None:
        """Take a frame of a link; it is answered there once it is kept."""
        size = frame.size if isinstance(frame, SessionEvents) else 0
        if self._waiting + size > MOST_WAITING or len(self._tasks) >= MOST_AT_ONCE:
            for name in frame.names:
                link.send(EventsAck(name, reason=Reason.BUSY), urgent=True)
            return
        self._begin(self._answer(link, frame, size))

    async def search(self, words: str, session_ids: Sequence[str] | None, before: int, limit: int) -> Found:
        """What was said in these sessions, or in all, with words that `search.expression` has made; newest first.

        Raises Refusal.
        """
        database = self._opened()
        try:
            return await database.read(lambda c: search.find(c, words, session_ids, before, limit))
        except sqlite3.DatabaseError as error:
            if not search.is_damaged(error):
                raise
        self._suspect(is_known=True)
        text = "The index of what was said is damaged, and is made anew. Search again in a minute."
        raise Refusal(Reason.STORAGE_UNAVAILABLE, text, retry_after=60.0)

    async def behind(self, session_id: str, seq: int, limit: int) -> list[tuple[int, bytes]] | None:
        """What is kept behind a number; None where numbers began anew, or nothing is kept now."""
        if self._events is None:
            return None
        page = await self._events.read(partial(events.after, session_id=session_id, seq=seq, limit=limit))
        if page:
            return page
        stream = await self._events.read(partial(events.find, session_id=session_id))
        return [] if stream.last_seq >= seq else None

    async def watch(
        self,
        session_id: str,
        after: int,
        last: int,
        *,
        once: bool,
        may: Callable[[], Awaitable[object]],
        saying: str = "",
    ) -> AsyncGenerator[Told, None]:
        """What is kept behind a number, then what comes; numbers that are gone come as a Gap.

        There is one order and one reader of it, so nothing can be missing between the two. Whoever is slow holds
        nothing here. `may` raises where the caller may see no more. `saying` names the machine that is asked for
        what is being said; that comes with the number before it. Raises Refusal.
        """
        database = self._opened()
        stream = await database.read(lambda c: events.find(c, session_id))
        if after > stream.last_seq:
            text = f"Session {session_id} has no event {after} yet: its numbers began anew. Watch from the beginning."
            raise Refusal(Reason.EVENTS_BEGAN_ANEW, text)
        at = max(after, stream.last_seq - last) if last else after
        self.watchers += 1
        try:
            if at < stream.last_seq < stream.first_seq:  # none is kept: no event that is would tell of these
                yield stream.last_seq, Gap(at + 1, stream.last_seq)
                at = stream.last_seq
            with self._wakeups.on(session_id) as changed, self.deltas.on(session_id, saying, changed) as follower:
                async for told in self._behind(database, follower, at, once=once, may=may):
                    yield told
        finally:
            self.watchers -= 1

    async def _behind(
        self, database: Database, follower: Follower, at: int, *, once: bool, may: Callable[[], Awaitable[object]]
    ) -> AsyncGenerator[Told, None]:
        changed, session_id = follower.changed, follower.session_id
        while True:
            self.deltas.ask(follower)
            changed.clear()  # before the look: what comes meanwhile wakes again
            page = await database.read(partial(events.after, session_id=session_id, seq=at, limit=PAGE))
            await may()
            for seq, payload in page:
                if seq > at + 1:
                    yield seq - 1, Gap(at + 1, seq - 1)
                at = seq
                yield seq, payload
            if delta := follower.taken():
                yield at, delta
            if once and len(page) < PAGE:
                return
            if not page:
                await set_within(changed, deltas.LOOK_EVERY if follower.machine_id else LOOK_EVERY)

    async def run(self) -> None:
        """Remove what is old or too much, until cancelled."""
        is_looked_at = False
        while True:
            await asyncio.sleep(CLEAN_EVERY)
            if self._events is not None and not is_looked_at:  # once, and not while machines come back after a start
                is_looked_at = True
                self._suspect()
            now = self._clock.monotonic()
            self._owned = {key: known for key, known in self._owned.items() if now < known[1]}
            if self._events is not None:
                try:
                    # After the clock was put forward events look older than they are.
                    held = partial(clock_steps.history_is_held, now=self._clock.now())
                    while not await self._house.read(held) and await self._events.write(self._clean) > 0:
                        pass
                except Refusal as refusal:
                    self._suspect()
                    logger.warning("old events are not removed now: %s", refusal)

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _suspect(self, *, is_known: bool = False) -> None:
        """The index may be damaged, or is: one look at a time."""
        if self._mending is None or self._mending.done():
            self._mending = self._begin(self._mend(is_known=is_known))

    async def _mend(self, *, is_known: bool) -> None:
        try:
            if await self._opened().write(partial(search.mend, is_known=is_known)):
                logger.warning("the index of what was said was damaged and is made anew", extra={"event": "index_anew"})
        except Refusal as refusal:
            logger.warning("the index of what was said cannot be looked at: %s", refusal)
        await asyncio.sleep(LOOK_EVERY)  # a look reads all of it

    def _opened(self) -> Database:
        if self._events is None:
            text = "What sessions do is not kept now: events.db cannot be used. The router's log says why."
            raise Refusal(Reason.STORAGE_UNAVAILABLE, text, retry_after=60.0)
        return self._events

    async def _answer(self, link: Link, frame: SessionEvents | EventsQuery, size: int) -> None:
        self._waiting += size
        try:
            for name in frame.names:
                # With what is urgent: of that the reader of a link waits until little enough is unsent.
                link.send(await self._answer_one(link, name, frame), urgent=True)
        finally:
            self._waiting -= size

    async def _answer_one(self, link: Link, name: str, frame: SessionEvents | EventsQuery) -> EventsAck:
        try:
            session_id = await self._own(link, name)
            operation = partial(self._take, link=link, session_id=session_id, frame=frame)
            seq, cursor = await self._opened().write(operation, lazy=isinstance(frame, SessionEvents))
        except Refusal as refusal:
            if refusal.reason is Reason.STORAGE_UNAVAILABLE and self._events is not None:
                self._suspect()  # it is written with the events
            return EventsAck(name, reason=refusal.reason)
        return EventsAck(name, seq, cursor)

    async def _own(self, link: Link, name: str) -> str:
        """The session's id. Raises Refusal where it is not this machine's."""
        key, now = (link.machine_id, name), self._clock.monotonic()
        if (known := self._owned.get(key)) and now < known[1]:
            return known[0]
        look = partial(sessions.owned, session_id=name, machine_id=link.machine_id)
        try:
            session = await self._house.read(look)
        except Refusal as refusal:
            if refusal.reason is not Reason.SESSION_UNKNOWN:
                raise
            # Behind what its machine has just told of it, which may be on its way to the disk.
            session = await self._house.write(look, lazy=True)
        if len(self._owned) >= MOST_OWNED:  # more than there are: somebody tries names
            self._owned.clear()
        self._owned[key] = session.session_id, now + TRUSTED_FOR
        return session.session_id

    def _take(
        self, tx: Transaction, link: Link, session_id: str, frame: SessionEvents | EventsQuery
    ) -> tuple[int, bytes]:
        if isinstance(frame, EventsQuery) or not self._hub.is_current(link):
            known = events.find(tx, session_id)
            return known.last_seq, known.cursor
        told = SessionEvents(session_id, frame.first_seq, frame.payloads, frame.cursor, frame.said)
        stream, grown = events.append(tx, told, self._clock.now())
        tx.set(self, _size=self._size + grown)
        while self._size > MOST_BYTES and (gone := events.remove_oldest(tx, float("inf"))):
            tx.set(self, _size=self._size - gone)
        tx.after_commit(lambda: self._wakeups.wake(session_id))
        tx.after_commit(lambda: self.on_told(session_id, frame.first_seq))
        return stream.last_seq, stream.cursor

    def _clean(self, tx: Transaction) -> int:
        now = self._clock.now()
        gone = events.remove_oldest(tx, now - KEPT)
        tx.set(self, _size=self._size - gone)
        events.forget(tx, now - STREAM_KEPT)
        return gone

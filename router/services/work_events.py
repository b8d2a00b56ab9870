"""Follows what sessions do, for chats that want to see it: events in, turns out. Nobody waits for it.

How far a turn is stands in memory alone; after a restart it is read again from where its message says that it began.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from router.clock import Clock
from router.domain.errors import Refusal
from router.domain.session import SessionState
from router.domain.work import Happened, Work, folded, over
from router.services.events import EventLog
from router.services.outbox.work_messages import WorkMessages
from router.services.wakeups import set_within
from router.store import chats, sessions, work_messages
from router.store.database import Database

logger = logging.getLogger(__name__)
PACE = 1.0  # seconds between looks
LOOK_EVERY = 30.0  # at turns of which nothing is heard
SILENT = 60.0  # seconds without an event, after which the session's own state counts
GRACE = 5.0  # seconds in which a session says itself that its turn is over, and what came of it
PAGE = 64
MOST_HEARD, MOST_WORDS = 2000, 4  # sessions, and words of each
MOST_FOLLOWED = 2000

Decode = Callable[[bytes], Happened | None]


@dataclass(slots=True)
class _Followed:
    """One session: `seq` is the last event that was read."""

    seq: int
    work: Work = field(default_factory=Work)
    touched: float = 0.0
    restored: int = 0  # the beginning of a turn that an earlier process showed
    answered: int = 0  # the beginning of the last turn whose end was told


@dataclass(frozen=True, slots=True)
class _Words:
    """What a session said by itself, and when."""

    at: float
    text: str
    ends_turn: bool


class WorkEvents:
    """Lives on the event loop."""

    def __init__(
        self, log: EventLog, database: Database, work_messages: WorkMessages, clock: Clock, decode: Decode
    ) -> None:
        self._log = log
        self._database = database
        self._messages = work_messages
        self._clock = clock
        self._decode = decode
        self._wake = asyncio.Event()
        self._due: dict[str, None] = {}
        self._followed: dict[str, _Followed] = {}
        self._heard: OrderedDict[str, deque[_Words]] = OrderedDict()
        log.on_told = self.told
        work_messages.listen(self.look_at)

    async def recover(self) -> None:
        """After a start: turns that are shown and may be over by now."""
        for session_id, begun in await self._database.read(work_messages.begun):
            self._followed.setdefault(session_id, _Followed(begun - 1, restored=begun, answered=begun))
            self.look_at(session_id)

    def told(self, session_id: str, first_seq: int) -> None:
        """A session has done something; its events from this number on are new."""
        if session_id not in self._followed:
            if len(self._followed) >= MOST_FOLLOWED:
                return
            self._followed[session_id] = _Followed(first_seq - 1)
        self.look_at(session_id)

    def look_at(self, session_id: str) -> None:
        """Look at it with the next look, if it is followed."""
        self._due[session_id] = None
        self._wake.set()

    def said(self, session_id: str, text: str, ends_turn: bool) -> None:  # noqa: FBT001 -- as it is told
        """A session said something to its people by itself."""
        words = self._heard.setdefault(session_id, deque(maxlen=MOST_WORDS))
        words.append(_Words(self._clock.now(), text, ends_turn))
        self._heard.move_to_end(session_id)
        while len(self._heard) > MOST_HEARD:
            self._heard.popitem(last=False)
        if ends_turn and (followed := self._followed.get(session_id)):
            followed.work = over(followed.work, self._clock.now())
            self.look_at(session_id)

    async def run(self) -> None:
        """Look at what changed, until cancelled."""
        while True:
            if not await set_within(self._wake, LOOK_EVERY):
                self._due |= {name: None for name, followed in self._followed.items() if not followed.work.is_over}
            self._wake.clear()
            due, self._due = self._due, {}
            try:
                if await self._database.read(_any_shows):
                    await self._look(due)
                else:
                    self._followed.clear()
            except Refusal as refusal:
                logger.warning("turns are not shown now: %s", refusal)
            except Exception:  # of the disk, say: it is an extra, and whoever runs us ends all when one fails
                logger.exception("turns are not shown now", extra={"event": "internal_error"})
            await asyncio.sleep(PACE)

    async def _look(self, due: Iterable[str]) -> None:
        for session_id in due:
            followed = self._followed.get(session_id)
            if followed is None:
                continue
            try:
                is_left = await self._one(session_id, followed)
            except Refusal as refusal:
                logger.warning("a turn is not shown now: %s", refusal)
                is_left = True
            except Exception:  # it is an extra: one mistake of ours must not end what others wait for
                logger.exception("a turn is not shown", extra={"event": "internal_error"})
                self._followed.pop(session_id, None)
                continue
            if is_left:
                self.look_at(session_id)
            elif followed.work.is_over and session_id not in self._due:  # what came meanwhile has to be seen first
                self._followed.pop(session_id, None)

    async def _one(self, session_id: str, followed: _Followed) -> bool:
        """Whether something is left to be done in a while."""
        if not await self._read(session_id, followed):
            self._followed.pop(session_id, None)
            return False
        if not followed.work.is_over and self._clock.now() - followed.touched > SILENT:
            session = await self._database.read(partial(sessions.find, session_id=session_id))
            if session is None or session.state in (SessionState.IDLE, SessionState.ENDED):
                followed.work = over(followed.work, self._clock.now())
        work = followed.work
        update = partial(self._messages.update, session_id=session_id, work=work)
        is_left = await self._database.write(update, lazy=True)
        is_left = await self._answered(session_id, followed) or is_left
        return is_left or followed.work is not work  # it may have ended while it was shown

    async def _read(self, session_id: str, followed: _Followed) -> bool:
        """Fold what is new; False where the events that a message stands for are gone."""
        while (page := await self._log.behind(session_id, followed.seq, PAGE)) is not None:
            if not page:
                return True
            now = self._clock.now()
            happened = [event for _, payload in page if (event := self._decode(payload))]
            followed.work = folded(followed.work, happened, now)
            followed.seq, followed.touched = page[-1][0], now
            if followed.work.begun == followed.restored:
                followed.work = replace(followed.work, since=0.0)
        return False

    async def _answered(self, session_id: str, followed: _Followed) -> bool:
        """Tell the answer where its session did not; whether that is still to be seen."""
        work = followed.work
        if not work.begun or not work.is_over or followed.answered == work.begun:
            return False
        if work.last is None or self._said_itself(session_id, work):
            followed.answered = work.begun
            return False
        if self._clock.now() - (work.ended or 0.0) < GRACE:
            return True
        followed.answered = work.begun
        answer = partial(self._messages.answer, session_id=session_id, text=work.last.text)
        await self._database.write(answer, lazy=True)
        return False

    def _said_itself(self, session_id: str, work: Work) -> bool:
        tail = work.last.text.strip()[-100:] if work.last else ""
        return any(
            words.at > work.since - GRACE and (words.ends_turn or tail in words.text)
            for words in self._heard.get(session_id, ())
        )


def _any_shows(on: object) -> bool:
    return chats.any_shows(on) or bool(work_messages.begun(on))  # type: ignore[arg-type]

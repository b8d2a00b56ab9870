"""Tells the router what sessions do, behind everything else: what it has not yet, then what comes.

Nothing of it is remembered here. The router says how far it is, with the cursor that came with that; what follows is
read from the program's own record. One frame of a session is on its way at a time.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from agent.backends.claude.transcript_file import Cursor, Read, TranscriptFile, path_of
from agent.clock import Clock
from agent.domain.frames import EventsAck, EventsQuery, SessionEvents
from agent.domain.masks import Masks
from agent.domain.session import UUID, Session, SessionState, bare_id
from agent.domain.session_event import Became, Described, Event, Used
from agent.services.sessions import Sessions

logger = logging.getLogger(__name__)
LOOK_EVERY = 0.25  # seconds: a look is a stat of each session's record
MOST_ON_THEIR_WAY = 4  # frames of all sessions together, of up to 128 KiB
ASKED_AT_ONCE = 200
MOST_UNTOLD = 1024 * 1024  # bytes of a record that told nothing, after which the router hears where we are
ASK_AGAIN, LONGEST_PAUSE = 0.5, 60.0  # seconds until a router that takes nothing is asked again; doubled each time
Send = Callable[[EventsQuery | SessionEvents], None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What its program said of a session that stands in no record."""

    commands: tuple[str, ...] = ()
    cost: float = 0.0
    context_size: int = 0


NONE = Facts()


@dataclass(slots=True)
class _Told:
    """One session on this link. `cursor` is None until the router has said how far it is."""

    file: TranscriptFile
    cursor: Cursor | None = None
    seq: int = 0
    sent: Cursor | None = None  # with the frame that is on its way
    seen: tuple[object, ...] = field(default_factory=tuple)  # how it looked when there was nothing to tell
    ask_at: float = 0.0
    pause: float = ASK_AGAIN


class EventTeller:
    """One for the process; `tell` runs once for each link."""

    def __init__(self, sessions: Sessions, masks: Masks, clock: Clock, every: float = LOOK_EVERY) -> None:
        self._sessions = sessions
        self._masks = masks
        self._clock = clock
        self._every = every
        self._told: dict[str, _Told] = {}
        self._paths: dict[str, str] = {}  # by conversation, of those whose hooks do not say it
        self._facts: dict[str, Facts] = {}
        self._screens: dict[str, SessionState] = {}  # by session: what its screen tells
        self._changed = asyncio.Event()

    async def tell(self, send: Send) -> None:
        """Tell it on a link that was just welcomed, until cancelled."""
        try:
            while True:
                self._changed.clear()
                sessions = {one.session_id: one for one in (*self._sessions.live(), *self._sessions.lately_ended)}
                self._ask(sessions, send)
                for session in [sessions[name] for name in self._told if name in sessions]:
                    await self._one(session, self._told[session.session_id], send)
                await self._wait()
        finally:
            for told in self._told.values():
                told.file.close()
            self._told.clear()  # the next router may know more or less

    def shown(self, session_id: str, state: SessionState) -> None:
        """BUSY while the screen of its terminal changes, else IDLE: that counts where nothing else tells."""
        if self._screens.get(bare_id(session_id)) is not state:
            self._screens[bare_id(session_id)] = state
            self._changed.set()

    def learned(
        self, session_id: str, *, commands: tuple[str, ...] = (), cost: float = 0.0, context_size: int = 0
    ) -> None:
        """What no record holds, and counts until something else is said; what is empty is as it was."""
        name = bare_id(session_id)
        known = self._facts.get(name, Facts())
        self._facts[name] = Facts(commands or known.commands, cost or known.cost, context_size or known.context_size)
        self._changed.set()

    def heard(self, ack: EventsAck) -> None:
        """How far the router is with a session."""
        told = self._told.get(ack.session_id)
        if told is None:
            return
        if not ack.is_taken:
            # It may have no room now, or not have heard of a new session yet.
            self._later(told)
        else:
            # Where it took what was sent, that is where to go on; else where it stands.
            same = told.sent is not None and told.sent.packed() == ack.cursor
            told.cursor = told.sent if same else Cursor.unpacked(ack.cursor)
            told.seq, told.sent, told.seen, told.pause = ack.acked_seq, None, (), ASK_AGAIN
        self._changed.set()

    def _later(self, told: _Told) -> None:
        """Ask again in a while how far the router is."""
        told.cursor, told.sent, told.ask_at = None, None, self._clock.monotonic() + told.pause
        told.pause = min(2 * told.pause, LONGEST_PAUSE)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._changed.wait()
        except TimeoutError:
            return

    def _ask(self, sessions: dict[str, Session], send: Send) -> None:
        """How far the router is with those that it did not say it of."""
        for name in [name for name in self._told if name not in sessions]:
            self._told.pop(name).file.close()
            self._facts.pop(bare_id(name), None)
            self._screens.pop(bare_id(name), None)
        now, names = self._clock.monotonic(), []
        for name, session in sessions.items():
            if session.conversation is None and name not in self._told and bare_id(name) not in self._screens:
                continue
            told = self._told.setdefault(name, _Told(TranscriptFile(self._masks)))
            if told.cursor is None and now >= told.ask_at:
                told.ask_at = float("inf")  # answered, or over with the link
                names.append(name)
        for at in range(0, len(names), ASKED_AT_ONCE):
            send(EventsQuery(tuple(names[at : at + ASKED_AT_ONCE])))

    async def _one(self, session: Session, told: _Told, send: Send) -> None:
        on_their_way = sum(1 for one in self._told.values() if one.sent is not None)
        if told.cursor is None or told.sent is not None or on_their_way >= MOST_ON_THEIR_WAY:
            return None
        path = _next(session, told.cursor, self._path(session))
        limited = told.cursor.known.limited > self._clock.now()
        facts = self._facts.get(bare_id(session.session_id), NONE)
        became = self._became(session)
        looks = (became, limited, facts, path, *told.file.looks(told.cursor, path))
        if looks == told.seen:
            return None
        try:
            read = await asyncio.to_thread(told.file.read, told.cursor, path)
        except OSError as error:
            logger.warning("cannot read what a session does session_id=%s: %s", session.session_id, error)
            return self._later(told)
        if not read.more:
            read = _with_status(_with_facts(read, facts), became, self._clock.now())
        if read.events or read.cursor.offset - told.cursor.offset > MOST_UNTOLD:
            told.sent = read.cursor
            events, cursor = read.events, read.cursor.packed()
            send(SessionEvents(session.session_id, session.generation, told.seq + 1, events, cursor))
            # Whoever was served stands last.
            self._told[session.session_id] = self._told.pop(session.session_id)
            return None
        told.cursor = read.cursor
        if read.more:
            self._changed.set()
        else:
            told.seen = looks
        return None

    def _became(self, session: Session) -> Became:
        """What it does now, as far as anything tells."""
        waiting_for = session.waiting_for[:100] if session.state is SessionState.WAITING else ""
        alone = session.conversation is None and session.state is SessionState.UNKNOWN
        shown = self._screens.get(bare_id(session.session_id)) if alone else None
        return Became(shown or session.state, waiting_for, by_screen=shown is not None)

    def _path(self, session: Session) -> str:
        talk = session.conversation
        if talk is None or talk.transcript:
            return talk.transcript if talk else ""
        name = talk.conversation_id
        if not self._paths.get(name) and UUID.fullmatch(name):
            self._paths[name] = path_of(talk.folder, name)
        return self._paths.get(name, "")


def _next(session: Session, cursor: Cursor, path: str) -> str:
    """The record to read behind the one that the cursor is in: of several talks each has its turn."""
    earlier = [one for one in (session.conversation.earlier if session.conversation else ()) if Path(one).exists()]
    if not earlier or not path:
        return path
    order = [*earlier, path]
    at = order.index(cursor.path) + 1 if cursor.path in order else 0
    return order[min(at, len(order) - 1)]


def _with_facts(read: Read, facts: Facts) -> Read:
    """With what no record holds, where something else was told last."""
    known = read.cursor.known
    offered = sha256("\n".join(facts.commands).encode()).hexdigest()[:16] if facts.commands else read.cursor.offered
    events = [Event(Described(commands=facts.commands))] if offered != read.cursor.offered else []
    figures = (max(facts.cost, known.cost), facts.context_size or read.cursor.context_size)
    if figures != (known.cost, read.cursor.context_size):
        cost, size = figures
        events.append(Event(Used(known.described.model, context=known.context, context_size=size, cost=cost)))
    cursor = replace(read.cursor, offered=offered, context_size=figures[1], known=replace(known, cost=figures[0]))
    return Read((*read.events, *events), cursor) if events else read


def _with_status(read: Read, became: Became, now: float) -> Read:
    """With what it does now, where something else was told last."""
    limited = read.cursor.known.limited if read.cursor.known.limited > now else 0.0
    more = [f"{limited:.0f}"] if limited else ["by its screen"] if became.by_screen else []
    status = (became.state.value, became.waiting_for, *more)
    if status == read.cursor.status:
        return read
    event = Event(replace(became, limited_until=limited))
    return Read((*read.events, event), replace(read.cursor, status=status))

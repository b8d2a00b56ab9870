"""What was deferred is carried out: each occurrence in the transaction that writes that it was, so once."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from router.clock import Clock
from router.domain.action import Input, StartSession
from router.domain.command import ChatRef, Origin
from router.domain.deferral import TOO_LATE, Cancelled, Deferred, Failed, Fired, Task, after_reset
from router.domain.errors import Reason, Refusal
from router.domain.schedule import Condition, told, zone_of
from router.domain.session import Session, SessionState
from router.domain.session_message import check_hops, of_itself
from router.domain.start import Wanted as WantedStart
from router.domain.wording import answers
from router.domain.wording import deferrals as wording
from router.services.deferral import rights, summary
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.status_messages import StatusMessages
from router.services.people.audience import hearers
from router.services.starts import Starts
from router.store import chats, deferred, idempotency, sessions
from router.store.database import Transaction

BATCH = 20  # in a transaction; others wait for it
REST_FOR = 5.0  # seconds; between two turns a program is idle, too
SAY_LATE = 300.0  # seconds
_LASTING = frozenset({
    Reason.SESSION_ENDED, Reason.SESSION_UNKNOWN, Reason.SESSION_RESTARTED, Reason.MACHINE_REVOKED, Reason.RIGHT_LOST,
})  # fmt: skip
_AT_WORK = frozenset({SessionState.STARTING, SessionState.BUSY, SessionState.WAITING})


class Occurrences:
    """Runs in the writer thread. `watched` are sessions and machines whose change may be what is waited for."""

    def __init__(
        self,
        delivery: DeliveryEngine,
        starts: Starts,
        status_messages: StatusMessages,
        connected: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self._delivery = delivery
        self._starts = starts
        self._status_messages = status_messages
        self._connected = connected
        self._clock = clock
        self.watched: tuple[str, ...] = ()
        self._wall_is_ahead: float | None = None  # of the steady clock, at the last look
        self._was_away = True  # what is late now is so because no router ran, and not because a clock was set

    def look(self, tx: Transaction) -> float | None:
        """Carry out what is due; in how many seconds to look again, None for when something is asked for."""
        tx.set(self, _was_away=self._wall_is_ahead is None)
        self._follow_the_wall(tx)
        due = deferred.due(tx, self._clock.now(), self._clock.wall(), BATCH)
        for each in due:
            self.carry_out(tx, each, each.next_at)
        waits = [0.0] if len(due) == BATCH else []
        conditional = deferred.conditional(tx)
        waits += [wait for each in conditional if (wait := self._try(tx, each)) is not None]
        watched = {name for each in conditional for name in (each.session_id, each.machine_id) if name}
        tx.set(self, watched=tuple(sorted(watched)))
        return min([*waits, *self._until_next(tx)], default=None)

    def now(self, tx: Transaction, deferred_id: str) -> Deferred:
        """A person wants it done now; what repeats keeps its next moment. Raises Refusal, having changed nothing."""
        known = deferred.get(tx, deferred_id)
        if not known.state.live:
            raise Refusal(Reason.ILLEGAL_STATE, f"It is {known.state.value} already.")
        _, started = self._once(tx, known, None)
        following = known.next_at if known.schedule.repeats else None
        return deferred.change(tx, known, Fired(following, None, started), self._clock.now())

    def carry_out(self, tx: Transaction, known: Deferred, moment: float | None) -> Deferred:
        """Do it once, for that moment; None where it waited for something else. What cannot be done is told."""
        now, following = self._clock.now(), self._following(known)
        try:
            detail, started = self._once(tx, known, moment)
        except Refusal as refusal:
            why = answers.refused(refusal)
            self._tell(tx, known, wording.THIS_TIME if following is not None else wording.NOT_DONE, why)
            if refusal.reason in _LASTING or following is None:
                return deferred.change(tx, known, Failed(why), now)
            return deferred.change(tx, known, Fired(following, moment, detail=why), now)
        return deferred.change(tx, known, Fired(following, moment, started, detail), now)

    def _once(self, tx: Transaction, known: Deferred, moment: float | None) -> tuple[str, str]:
        """What is to be said of it, and the session that it began. Raises Refusal, having written nothing."""
        # The id is kept with what it became: a copy of the database that is older than that does it again.
        if idempotency.answered(tx, known.request_id, None) is not None:
            return "", ""
        late = 0.0 if moment is None or known.schedule.condition else self._now(known) - moment
        if late > TOO_LATE and self._was_away and not known.schedule.repeats:
            raise Refusal(Reason.TOO_OLD, wording.TOO_LATE.format(moment=self._told(known, moment or 0.0)))
        if why := rights.lost(tx, known, self._clock.now()):
            raise Refusal(Reason.RIGHT_LOST, why)
        before = tx.caller
        tx.caller = rights.caller(tx, known)
        try:
            started = self._do(tx, known)
        finally:
            tx.caller = before
        idempotency.remember(tx, known.request_id, None, b"", self._clock.now())
        if late > SAY_LATE and known.task is not Task.SUMMARY:  # which tells how things stand now
            self._say(tx, known, wording.LATE.format(moment=self._told(known, moment or 0.0), text=known.text[:200]))
        return "", started

    def _do(self, tx: Transaction, known: Deferred) -> str:
        origin = known.origin
        # Without the message that asked for it: what becomes of the third time would stand under it as a mark.
        chat = replace(chats.current(tx, origin.chat), message_id="") if origin.chat else None
        origin = Origin(origin.source, origin.actor, chat)
        match known.task:
            case Task.TEXT | Task.CONTINUE:
                self._check_session(tx, known)
                self._delivery.accept(tx, _draft(tx, known, origin))
            case Task.REMINDER:
                session = sessions.find(tx, known.session_id) if known.session_id else None
                text = wording.REMINDER_OF if session else wording.REMINDER
                self._say(tx, known, text.format(name=session.name if session else "", text=known.text))
            case Task.SUMMARY if chat is not None:
                self._say(tx, known, summary.text(tx, chat, known.zone, self._connected, self._clock))
            case Task.START:
                last = sessions.find(tx, known.started) if known.started else None
                if last is not None and last.state in _AT_WORK:
                    raise Refusal(Reason.BUSY, wording.STILL_RUNS)
                wanted = WantedStart(known.machine_id, StartSession(known.text, known.folder))
                return self._starts.start(tx, wanted, origin, note=known.request_id).session_id
        return ""

    def _check_session(self, tx: Transaction, known: Deferred) -> None:
        session = sessions.get(tx, known.session_id)
        # What was meant for a program that is gone is not for the one that came in its place.
        if known.generation and session.generation != known.generation:
            raise Refusal(Reason.SESSION_RESTARTED, wording.RESTARTED)

    def _try(self, tx: Transaction, known: Deferred) -> float | None:
        """Carry it out if what it waits for is there; else in how many seconds it may be, where that is known."""
        session, now = sessions.find(tx, known.session_id), self._clock.now()
        is_over = session is None or session.state is SessionState.ENDED
        if session is None or is_over or (known.next_at or now) <= now:
            why = answers.SESSION_IS_OVER if is_over else wording.NEVER_CAME
            self._tell(tx, known, wording.NOT_DONE, why)
            deferred.change(tx, known, Failed(why), now)
            return None
        if (wait := self._wait(session, known)) is None or wait > 0:
            return wait
        if known.task is Task.CONTINUE and (why := self._against(tx, session, known)):
            deferred.change(tx, known, Cancelled(), now)
            if why is not wording.SOMEBODY_WROTE:
                self._tell(tx, known, wording.NOT_DONE, why)
            return None
        self.carry_out(tx, known, None)
        return None

    def _wait(self, session: Session, known: Deferred) -> float | None:
        """Seconds until its condition holds, as far as is known; 0 where it does, None where that will be told."""
        match known.schedule.condition:
            case Condition.RETURN:
                return 0.0 if self._connected(session.machine_id) else None
            case Condition.REST:
                rests = session.state is SessionState.IDLE and self._connected(session.machine_id)
                rested = self._clock.now() - session.updated_at
                # Ahead: from before the clock was put back, while no router ran.
                return (REST_FOR - rested if 0 <= rested < REST_FOR else 0.0) if rests else None
            case _:
                return self._until_reset(session, known)

    def _until_reset(self, session: Session, known: Deferred) -> float | None:
        if known.task is Task.CONTINUE and session.limited_until != known.limit:
            return 0.0  # its program has taken another prompt since
        if (ends := after_reset(session)) is None:
            return 0.0
        # What a machine that is away does now, nobody knows.
        left = max(0.0, ends - self._clock.wall())
        return left if left or self._connected(session.machine_id) else None

    def _against(self, tx: Transaction, session: Session, known: Deferred) -> str:
        """Why a session is not to go on by itself; empty where it is."""
        others = deferred.of_session(tx, known.session_id)
        waits = any(each.task is Task.TEXT and each.schedule.condition is Condition.RESET for each in others)
        wrote = waits or sessions.slot(tx, known.session_id).next_sequence != known.sequence
        if wrote or session.limited_until != known.limit or session.generation != known.generation:
            return wording.SOMEBODY_WROTE
        return "" if session.state is SessionState.IDLE else wording.NOT_READY

    def _following(self, known: Deferred) -> float | None:
        if known.next_at is None:
            return None
        zone = _zone(known)
        return known.schedule.following(known.next_at, self._clock.now(), self._clock.wall(), zone)

    def _follow_the_wall(self, tx: Transaction) -> None:
        """After a start, and where somebody set the wall clock, times of day are at other moments."""
        wall = self._clock.wall()
        ahead = wall - self._clock.now()
        if self._wall_is_ahead is not None and abs(ahead - self._wall_is_ahead) < 1.0:
            return
        for each in deferred.ahead(tx, wall):
            # Never a moment that was carried out: of a clock that was put back the same day comes again.
            moment = each.schedule.first(0.0, max(wall, each.fired_for or 0.0), _zone(each))
            if moment is not None and moment != each.next_at:
                deferred.set_next(tx, each, moment)
        tx.set(self, _wall_is_ahead=ahead)

    def _until_next(self, tx: Transaction) -> list[float]:
        steady, wall = deferred.next_moments(tx)
        pairs = ((steady, self._clock.now()), (wall, self._clock.wall()))
        return [max(0.0, at - now) for at, now in pairs if at is not None]

    def _now(self, known: Deferred) -> float:
        return self._clock.now() if known.schedule.is_steady else self._clock.wall()

    def _told(self, known: Deferred, moment: float) -> str:
        wall = self._clock.wall()
        return told(moment + (wall - self._clock.now() if known.schedule.is_steady else 0.0), _zone(known), wall)

    def _tell(self, tx: Transaction, known: Deferred, words: str, why: str) -> None:
        session = sessions.find(tx, known.session_id) if known.session_id else None
        name, wall = session.name if session else known.session_id, self._clock.wall()
        what = wording.described(known, name, _zone(known), wall, self._clock.now())
        self._say(tx, known, words.format(what=what, why=why))

    def _say(self, tx: Transaction, known: Deferred, text: str) -> None:
        """Where it was asked for; else in all chats that hear of it."""
        session = sessions.find(tx, known.session_id) if known.session_id else None
        chat = known.origin.chat
        there: list[ChatRef] = [replace(chats.current(tx, chat), message_id="")] if chat else hearers(tx, session)
        for each in there:
            self._status_messages.answer(tx, each, text, known.session_id)


def _draft(tx: Transaction, known: Deferred, origin: Origin) -> Draft:
    draft = Draft(known.session_id, Input(known.text), origin, note=known.request_id, names_session=True)
    if not known.owner.is_session:
        return draft
    # What it says to itself is no person's word, and is counted as what others say to it.
    check_hops(hops := sessions.slot(tx, known.session_id).hops + 1)
    return replace(draft, action=Input(of_itself(known.text)), hops=hops, is_headed=True)


def _zone(known: Deferred) -> ZoneInfo:
    try:
        return zone_of(known.zone)
    except Refusal:  # there was such a zone when it was asked for; the others must go on
        return zone_of("UTC")

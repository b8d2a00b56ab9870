"""What is to be done later, as people and programs ask for it and change it. Each call is one step in a transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from router.clock import Clock
from router.domain.action import StartSession
from router.domain.command import ChatRef, Origin
from router.domain.deferral import (
    MAX_TEXT_BYTES,
    MOST_OF_ALL,
    Cancelled,
    Deferred,
    Moved,
    Owner,
    Paused,
    Resumed,
    Task,
    Wanted,
    after_reset,
)
from router.domain.errors import Reason, Refusal
from router.domain.schedule import Condition, Schedule, alone, zone_of
from router.domain.session import Session, SessionState
from router.domain.session_message import check_hops
from router.domain.start import Wanted as WantedStart
from router.domain.wording import deferrals as wording
from router.domain.wording import summary
from router.domain.worker import may_not
from router.services.starts import Starts
from router.services.wakeups import DEFERRED, Wakeups
from router.store import chats, deferred, sessions
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Deferrals:
    """Keeps them. `zone` is the router's own."""

    _starts: Starts
    _connected: Callable[[str], bool]
    _wakeups: Wakeups
    _clock: Clock
    _new_id: Callable[[], str]
    zone: str = "UTC"

    def defer(self, tx: Transaction, wanted: Wanted, limit: float | None = None) -> Deferred:
        """Put one on disk. `limit`: the end of the usage limit that a CONTINUE is for.

        Raises Refusal, having written nothing.
        """
        if not 0 < len(wanted.text.strip().encode()) <= MAX_TEXT_BYTES:
            raise Refusal(Reason.TOO_LARGE, wording.TEXT_SIZE.format(limit=MAX_TEXT_BYTES))
        self._check_quota(tx, wanted)
        if wanted.owner.is_session:
            _check_of_session(tx, wanted)
        wanted = self._checked_start(tx, wanted) if wanted.task is Task.START else wanted
        slot = sessions.slot(tx, wanted.session_id) if wanted.session_id else None
        if condition := wanted.schedule.condition:
            self._check_condition(tx, wanted, condition)
        new = Deferred(
            self._new_id(), wanted.task, slot.session_id if slot else "", slot.generation if slot else 0, wanted.text,
            wanted.schedule, wanted.zone, self._first(wanted.schedule, wanted.zone), wanted.origin, wanted.owner,
            self._clock.now(), slot.machine_id if slot else wanted.machine_id, wanted.folder,
            sequence=slot.next_sequence if slot else 0, limit=limit,
        )  # fmt: skip
        deferred.insert(tx, new)
        self._wake(tx)
        return new

    def each_day(self, tx: Transaction, at: str, who: Origin, owner: Owner) -> str:
        """Let a chat be told each day at a time how its sessions stand, in place of what came before; "off": no more.

        When it comes, empty for never; an empty `at` changes nothing. Raises Refusal, having written nothing.
        """
        chat = who.chat or ChatRef("", "")
        known = [each for each in deferred.page(tx) if each.task is Task.SUMMARY and _is_for(each, chat)]
        if not at:
            return known[0].schedule.words if known else ""
        zone = chats.settings(tx, chat).zone or self.zone
        schedule = None if at == "off" else self.read(summary.EACH_DAY.format(at=at), zone)
        for each in known:
            self.cancel(tx, each.deferred_id, who.actor or who.source)
        if schedule is None:
            return ""
        return self.defer(tx, Wanted(Task.SUMMARY, schedule, zone, summary.TEXT, who, owner)).schedule.words

    def read(self, words: str, zone: str) -> Schedule:
        """When, as somebody says it. Raises Refusal."""
        return alone(words, self._clock.wall(), zone_of(zone or self.zone))

    def cancel(self, tx: Transaction, deferred_id: str, actor: str) -> Deferred:
        """Take it back for good. Raises Refusal."""
        return deferred.change(tx, _living(tx, deferred_id), Cancelled(), self._clock.now(), actor)

    def pause(self, tx: Transaction, deferred_id: str, actor: str) -> Deferred:
        """Let it wait for a person. Raises Refusal."""
        return deferred.change(tx, _living(tx, deferred_id), Paused(), self._clock.now(), actor)

    def resume(self, tx: Transaction, deferred_id: str, actor: str) -> Deferred:
        """Let it go on. What had its only moment meanwhile needs another one. Raises Refusal."""
        paused = _living(tx, deferred_id)
        resumed = deferred.change(tx, paused, Resumed(self._resumed_at(paused)), self._clock.now(), actor)
        self._wake(tx)
        return resumed

    def move(self, tx: Transaction, deferred_id: str, words: str, zone: str, actor: str) -> Deferred:
        """Give it another time. Raises Refusal."""
        known = _living(tx, deferred_id)
        schedule = self.read(words, zone or known.zone)
        zone = zone or known.zone
        if schedule.condition:
            if not known.session_id:
                raise Refusal(Reason.INVALID_ARGUMENT, wording.NEEDS_SESSION)
            self._check(sessions.get(tx, known.session_id), schedule.condition)
        moved = deferred.change(
            tx, known, Moved(schedule, zone, self._first(schedule, zone)), self._clock.now(), actor
        )  # fmt: skip
        self._wake(tx)
        return moved

    def _first(self, schedule: Schedule, zone: str) -> float:
        moment = schedule.first(self._clock.now(), self._clock.wall(), zone_of(zone))
        if moment is None:
            raise Refusal(Reason.WHEN_UNCLEAR, f"There is no such moment: {schedule.words[:100]}")
        return moment

    def _resumed_at(self, paused: Deferred) -> float:
        schedule, zone = paused.schedule, zone_of(paused.zone)
        if schedule.repeats and not schedule.is_steady:
            # A moment that was carried out is over, whatever the wall clock says since.
            after = max(self._clock.wall(), paused.fired_for or 0.0)
            return schedule.first(self._clock.now(), after, zone) or after
        if schedule.repeats or schedule.condition:
            return self._first(schedule, paused.zone)
        now = self._clock.now() if schedule.is_steady else self._clock.wall()
        if paused.next_at is None or paused.next_at <= now:
            raise Refusal(Reason.ILLEGAL_STATE, wording.PASSED)
        return paused.next_at

    def _check_quota(self, tx: Transaction, wanted: Wanted) -> None:
        if (count := deferred.count_of(tx, wanted.owner.name)) >= wanted.owner.most:
            raise Refusal(Reason.QUOTA_DEFERRED, wording.QUOTA_OF_ONE.format(count=count))
        if (count := deferred.count(tx)) >= MOST_OF_ALL:
            raise Refusal(Reason.QUOTA_DEFERRED, wording.QUOTA_OF_ALL.format(count=count))

    def _checked_start(self, tx: Transaction, wanted: Wanted) -> Wanted:
        if wanted.schedule.condition or wanted.session_id:
            raise Refusal(Reason.WHEN_UNCLEAR, wording.NO_START_ON)
        # What it means is settled now: a machine that comes later must not change it.
        action = StartSession(wanted.text, wanted.folder)
        start = self._starts.checked(tx, WantedStart(wanted.machine_id, action))
        return replace(wanted, machine_id=start.machine_id, folder=start.action.folder, text=start.action.prompt)

    def _check_condition(self, tx: Transaction, wanted: Wanted, condition: Condition) -> None:
        if not wanted.session_id:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.NEEDS_SESSION)
        self._check(sessions.get(tx, wanted.session_id), condition)

    def _check(self, session: Session, condition: Condition) -> None:
        if condition is Condition.RETURN and self._connected(session.machine_id):
            raise Refusal(Reason.ILLEGAL_STATE, wording.IS_HERE.format(machine=session.machine_id))
        if condition is Condition.REST and session.state is SessionState.UNKNOWN:
            raise Refusal(Reason.UNSUPPORTED, wording.NEVER_RESTS.format(name=session.name))
        if condition is Condition.RESET and (after_reset(session) or 0.0) <= self._clock.wall():
            raise Refusal(Reason.ILLEGAL_STATE, wording.IS_AT_NO_LIMIT.format(name=session.name))

    def _wake(self, tx: Transaction) -> None:
        tx.after_commit(partial(self._wakeups.wake, DEFERRED))


def _check_of_session(tx: Transaction, wanted: Wanted) -> None:
    """Raise Refusal where a session would wake itself again and again, and no person says a word."""
    if wanted.schedule.repeats:
        raise may_not("have something done again and again")
    if wanted.task is Task.TEXT:
        check_hops(sessions.slot(tx, wanted.session_id).hops + 1)


def _living(tx: Transaction, deferred_id: str) -> Deferred:
    found = deferred.get(tx, deferred_id)
    if not found.state.live:
        raise Refusal(Reason.ILLEGAL_STATE, f"It is {found.state.value} already.")
    return found


def _is_for(each: Deferred, chat: ChatRef) -> bool:
    place = each.origin.chat
    return place is not None and (place.transport, place.chat_id) == (chat.transport, chat.chat_id)

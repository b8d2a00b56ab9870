"""Usage limits: told as soon as a program says so, with the way to go on when they are over."""

from collections.abc import Callable
from dataclasses import dataclass, field

from router.clock import Clock
from router.domain import router_buttons
from router.domain.command import ChatRef, Origin
from router.domain.deferral import GO_ON, Deferred, DeferredState, Owner, Task, Wanted
from router.domain.errors import Refusal
from router.domain.router_buttons import Verb
from router.domain.schedule import Condition, Schedule, told, zone_of
from router.domain.session import Session
from router.domain.wording import deferrals as wording
from router.services.deferral.deferrals import Deferrals
from router.services.outbox.status_messages import StatusMessages
from router.services.people.audience import hearers
from router.store import chats, deferred
from router.store.database import Transaction

ON_RESET = Schedule(f"on {Condition.RESET.value}", "on reset")
LONGEST_BY_ITSELF = 24 * 3600.0  # seconds; of what is over next week a person has other plans by then
MOST_IN_A_ROW, LATELY = 3, 3600.0  # that often within so many seconds: it comes to its limit at once again


@dataclass(frozen=True, slots=True)
class Limits:
    """Hears what machines say of their sessions' limits."""

    _deferrals: Deferrals
    _status_messages: StatusMessages
    _clock: Clock
    on_limited: list[Callable[[Transaction, Session, float], None]] = field(default_factory=list)

    def reported(self, tx: Transaction, before: Session | None, session: Session) -> None:
        """A machine tells of a session, which is on disk. A limit that is new is told where people hear of it."""
        limit = session.limited_until
        known = before.limited_until if before and before.generation == session.generation else None
        if limit is None or limit == known or limit <= self._clock.wall():
            return
        there = hearers(tx, session)
        by_itself = [chat for chat in there if chats.settings(tx, chat).goes_on]
        kept = self._kept(tx, session, by_itself[0]) if by_itself else None
        for chat in there:
            words = wording.LIMITED_GOES_ON if kept else wording.LIMITED
            key = (
                router_buttons.deferred_button(Verb.OFF, kept.deferred_id)
                if kept
                else router_buttons.button(Verb.GO_ON)
            )
            text = words.format(name=session.name, moment=self.moment(tx, chat, limit))
            self._status_messages.answer(tx, chat, text, session.session_id, (key,))
        for tell in self.on_limited:
            tell(tx, session, limit)

    def go_on(self, tx: Transaction, session: Session, origin: Origin, owner: Owner) -> Deferred | None:
        """Let it go on when its limit is over; None where it is at none. Raises Refusal."""
        limit = session.limited_until
        if limit is None or limit <= self._clock.wall():
            return None
        if waits := self._waiting(tx, session):
            return waits
        zone = self._deferrals.zone
        wanted = Wanted(Task.CONTINUE, ON_RESET, zone, GO_ON, origin, owner, session.session_id)
        return self._deferrals.defer(tx, wanted, limit)

    def moment(self, tx: Transaction, chat: ChatRef, limit: float) -> str:
        """When a limit is over, as that chat reads times."""
        zone = zone_of(chats.settings(tx, chat).zone or self._deferrals.zone)
        return told(limit, zone, self._clock.wall())

    def _kept(self, tx: Transaction, session: Session, chat: ChatRef) -> Deferred | None:
        lately = [each for each in deferred.over(tx, 50) if (each.ended_at or 0.0) > self._clock.now() - LATELY]
        done = [each for each in lately if each.task is Task.CONTINUE and each.state is DeferredState.DONE]
        in_a_row = sum(each.session_id == session.session_id for each in done)
        too_far = (session.limited_until or 0.0) - self._clock.wall() > LONGEST_BY_ITSELF
        if too_far or in_a_row >= MOST_IN_A_ROW:
            return None
        try:
            return self.go_on(tx, session, Origin("router", "", chat), Owner(f"session {session.session_id}"))
        except Refusal:  # what its machine says must be taken all the same
            return None

    def _waiting(self, tx: Transaction, session: Session) -> Deferred | None:
        there = deferred.of_session(tx, session.session_id)
        return next(
            (each for each in there if each.task is Task.CONTINUE and each.limit == session.limited_until), None
        )

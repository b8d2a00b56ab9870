"""Bugs in what is done later, planted on purpose: the worlds with schedules must find each."""

from typing import Any

from router.app import Router
from router.services.deferral import occurrences
from router.services.deferral.occurrences import Occurrences
from router.store import deferred
from tests.sim.loop import Life
from tests.sim.plants import Plant


class TwoTransactions(Plant):
    """An occurrence is accepted as a command in one transaction, and noted as carried out in the next."""

    def router(self, router: Router, _life: Life) -> None:
        router.timers._occurrences.__class__ = _InTwoSteps


class _InTwoSteps(Occurrences):
    def carry_out(self, tx: Any, known: Any, moment: float | None) -> Any:
        if known.detail != "half done":
            self._do(tx, known)
            tx.execute("UPDATE deferred SET detail = 'half done' WHERE deferred_id = ?", (known.deferred_id,))
            return known
        now, following = self._clock.now(), self._following(known)
        return deferred.change(tx, known, occurrences.Fired(following, moment), now)


class ClockNotFollowed(Plant):
    """Times of day stay at the moments that they had when they were computed, whatever is done to the clock."""

    def router(self, router: Router, _life: Life) -> None:
        router.timers._occurrences.__class__ = _Stubborn


class _Stubborn(Occurrences):
    def _follow_the_wall(self, tx: Any) -> None:
        """As if nobody could set it."""


class TheDayAgain(Plant):
    """A clock that was put back brings moments again that were carried out."""

    def router(self, router: Router, _life: Life) -> None:
        router.timers._occurrences.__class__ = _Forgetful


class _Forgetful(Occurrences):
    def _follow_the_wall(self, tx: Any) -> None:
        for each in deferred.ahead(tx, self._clock.wall()):
            moment = each.schedule.first(0.0, self._clock.wall(), occurrences._zone(each))
            if moment is not None and moment != each.next_at:
                deferred.set_next(tx, each, moment)


class OneByOne(Plant):
    """What was missed is carried out moment by moment."""

    def router(self, router: Router, _life: Life) -> None:
        router.timers._occurrences.__class__ = _Pedantic


class _Pedantic(Occurrences):
    def _following(self, known: Any) -> Any:
        if known.next_at is None:
            return None
        return known.schedule.following(known.next_at, known.next_at, known.next_at, occurrences._zone(known))


class ConditionForgotten(Plant):
    """Whoever waits for a machine, a session's rest or the end of a limit is not looked for."""

    def router(self, router: Router, _life: Life) -> None:
        router.timers._occurrences.__class__ = _Inattentive


class _Inattentive(Occurrences):
    def _wait(self, session: Any, known: Any) -> None:
        """As if nothing ever came."""


SCHEDULE_PLANTS: dict[str, type[Plant]] = {
    "two-transactions": TwoTransactions,
    "clock-not-followed": ClockNotFollowed,
    "the-day-again": TheDayAgain,
    "one-by-one": OneByOne,
    "condition-forgotten": ConditionForgotten,
}

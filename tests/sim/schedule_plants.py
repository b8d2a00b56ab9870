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


SCHEDULE_PLANTS: dict[str, type[Plant]] = {
    "two-transactions": TwoTransactions,
    "clock-not-followed": ClockNotFollowed,
    "the-day-again": TheDayAgain,
}

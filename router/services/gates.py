"""The gates as the services ask them: with what the settings want, and the time it is."""

from dataclasses import dataclass

from router.clock import Clock, time_of_day
from router.domain import gates
from router.domain.gates import Attempt, Closed, Requirements, Way
from router.domain.machine import CLAUDE, Machine


@dataclass(frozen=True, slots=True)
class Gates:
    """Judges machines; changes nothing."""

    _requirements: Requirements
    _clock: Clock

    def before_link(self, machine: Machine) -> Closed | None:
        """The first gate that is closed to a link."""
        return next(gates.closed(self._attempt(machine), Way.LINK), None)

    def before_start(self, machine: Machine, folder: str, program: str) -> Closed | None:
        """The first gate that is closed to a start there. Whoever may have no link starts nothing."""
        return next(gates.closed(self._attempt(machine, folder, program), Way.LINK, Way.START), None)

    def all(self, machine: Machine) -> list[Closed]:
        """All gates that are closed to a machine now, whatever the folder."""
        return list(gates.closed(self._attempt(machine), Way.LINK, Way.START))

    def key_due(self, machine: Machine) -> bool:
        """Whether a machine is to be asked for another key."""
        return gates.key_due(self._attempt(machine))

    def _attempt(self, machine: Machine, folder: str | None = None, program: str = CLAUDE) -> Attempt:
        now = self._clock.now()
        return Attempt(machine, self._requirements, now, time_of_day(now), folder, program)

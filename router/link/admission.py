"""Who of the machines is looked at now: a few at a time, in the order in which they came.

A place is free again when the work that it was taken for is done, which is when the signature was verified, or the
hello is on disk. So a crowd comes in as fast as this machine really works, and what others want never waits behind
more hellos than there are places: no rate is guessed, and none is to be set. A clock is looked at for one thing alone,
to tell those for whom the line is too long when their turn will be.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

PLACES = 8
PATIENCE = 8.0  # seconds that one waits without a word; an agent gives up after 15
EARLY = 4.0  # seconds before its turn that one is to come again: a crowd that has proofs behind it gets faster
MOST_WAITING = 5_000
FIRST_PACE = 0.0025  # seconds between two, as long as nothing was measured
OUTLIER = 5  # times the pace; what is more was no work: something else had its turn, or the machine slept
INSIDE = -inf  # since when those have waited who were let in, and go on: before all others
_WEIGHT = 0.1  # of the newest measurement


@dataclass(order=True, slots=True)
class Ticket:
    """One in line: who came first is first."""

    since: float
    number: int
    is_gone: bool = field(default=False, compare=False)


class Admission:
    """The places and the line. `now` is monotonic, in seconds."""

    def __init__(self, places: int = PLACES) -> None:
        self._free = places
        self._line: list[Ticket] = []
        self._gone = 0  # of those in the line
        self._number = 0
        self._pace = FIRST_PACE
        self._called_at: float | None = None  # the newest of the line, while there is one
        self._told_until = 0.0

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line) - self._gone

    def enter(self) -> bool:
        """Take a place, where one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def too_long(self, now: float) -> float:
        """0 for one that may get in line; else the seconds until it, and nobody else, is to come again.

        That is before its turn, and then it waits in line, so that nobody is late where others went faster.
        """
        line = self.waiting * self._pace
        if line < PATIENCE and self.waiting < MOST_WAITING:
            return 0.0
        self._told_until = max(self._told_until, now + max(line - EARLY, line / 2)) + self._pace
        return self._told_until - now

    def get_in_line(self, since: float) -> Ticket:
        """Wait for a place, behind all that came before that moment."""
        self._number += 1
        ticket = Ticket(since, self._number)
        heappush(self._line, ticket)
        return ticket

    def leave_line(self, ticket: Ticket) -> None:
        """One that waits goes away."""
        ticket.is_gone = True
        self._gone += 1

    def done(self, now: float) -> Ticket | None:
        """A place is free: it is the one's whose turn it is, if there is one."""
        while self._line:
            ticket = heappop(self._line)
            if ticket.is_gone:
                self._gone -= 1
                continue
            if ticket.since > INSIDE:
                self._measure(now)
            return ticket
        self._called_at = None
        self._free += 1
        return None

    def _measure(self, now: float) -> None:
        if self._called_at is not None:
            most = OUTLIER * max(FIRST_PACE, self._pace)  # of a pace of nothing too: else it would be one for ever
            took = min(most, max(0.0, now - self._called_at))
            self._pace += _WEIGHT * (took - self._pace)
        self._called_at = now

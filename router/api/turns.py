"""Machines wait for their turn at the door: with their call open, as long as the line is short."""

import asyncio
from collections.abc import Hashable

from router.clock import Clock
from router.domain.errors import Reason, Refusal
from router.link.admission import INSIDE, Admission, Ticket

REMEMBERED = 10_000  # machines that were told when to come
_TOLD = "Many machines connect at once. Come again in your turn."


class Turns:
    """On the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._admission = Admission()
        self._called: dict[int, asyncio.Future[None]] = {}  # by the number of the ticket
        self._came: dict[Hashable, float] = {}  # who was told when to come, and since when they are here

    def outside(self, name: Hashable) -> "Turn":
        """A turn for one who comes to the door. Raises Refusal(BUSY) where the line is too long."""
        now = self._clock.monotonic()
        since = self._came.get(name)
        # Who was told once is not told again, and goes before whoever came meanwhile.
        if since is None and (wait := self._admission.too_long(now)):
            raise Refusal(Reason.BUSY, _TOLD, retry_after=wait)
        return Turn(self, now if since is None else since)

    def inside(self) -> "Turn":
        """A turn for one who was let in: before all that are outside."""
        return Turn(self, INSIDE)

    def remember(self, name: Hashable) -> None:
        """Keep the turn of a machine that was told when to come."""
        if len(self._came) >= REMEMBERED and name not in self._came:
            del self._came[next(iter(self._came))]
        self._came.setdefault(name, self._clock.monotonic())

    def forget(self, name: Hashable) -> None:
        """It is in."""
        self._came.pop(name, None)

    async def take(self, since: float) -> None:
        """Come back with a place, which is to be given back."""
        if not self._admission.enter():
            await self._called_up(self._admission.get_in_line(since))

    async def _called_up(self, ticket: Ticket) -> None:
        turn = self._called[ticket.number] = asyncio.get_running_loop().create_future()
        try:
            await turn
        except asyncio.CancelledError:
            if self._called.pop(ticket.number, None):
                self._admission.leave_line(ticket)
            elif not turn.cancelled():  # it was its turn already
                self.give_back()
            raise

    def give_back(self) -> None:
        """The place is the next one's."""
        while ticket := self._admission.done(self._clock.monotonic()):
            turn = self._called.pop(ticket.number)
            if not turn.done():  # else it has hung up a moment ago
                turn.set_result(None)
                return


class Turn:
    """A place for a block. A class: a generator for each takes five times as long."""

    __slots__ = ("_since", "_turns")

    def __init__(self, turns: Turns, since: float) -> None:
        self._turns = turns
        self._since = since

    async def __aenter__(self) -> None:
        await self._turns.take(self._since)

    async def __aexit__(self, *_: object) -> None:
        self._turns.give_back()

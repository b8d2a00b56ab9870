"""Back-pressure on a link: its reader stops, and with it the machine's stream, until there is room again.

No frame is refused or lost by it: what is not read yet waits at the machine. So one machine has only so much in the
queue to the disk, where everybody waits, and only so much to be told.
"""

import asyncio
from collections.abc import Sized

SLICE = 64  # of what a machine says, so much goes in one transaction: between two of them others get their turn
MOST_UNWRITTEN = 256  # durable frames of a link on their way to the disk; as many as an agent sends ahead
MOST_UNSENT = 256  # frames to a machine, but commands, which have a window of their own
RATE, BURST = 1_000.0, 5_000.0  # frames a second: the burst is for who was away, and catches up
ANSWERS = 4  # that a command brings: its receipt, its end, whether the agent program took it, and that its work is done


class Flow:
    """How much of one link is under way. `now` is monotonic, in seconds."""

    def __init__(self, now: float) -> None:
        self.unwritten = 0
        self._tokens, self._filled = BURST, now
        self._answers = 0  # that may come to what was sent
        self._moved: asyncio.Future[None] | None = None  # while the reader waits

    def writing(self, count: int) -> None:
        """So many go to the disk."""
        self.unwritten += count

    def written(self, count: int) -> None:
        """So many are there, or never will be."""
        self.unwritten -= count
        self.sent()

    def sent(self) -> None:
        """Something went out."""
        if self._moved and not self._moved.done():
            self._moved.set_result(None)

    def asked(self, commands: int) -> None:
        """So many commands go out: what is said to them counts against no rate, as it is we who asked."""
        self._answers += ANSWERS * commands

    async def room(self, unsent: Sized) -> None:
        """Wait until little enough is under way in both directions."""
        while self.unwritten >= MOST_UNWRITTEN or len(unsent) >= MOST_UNSENT:
            self._moved = asyncio.get_running_loop().create_future()
            await self._moved

    def pause(self, count: int, now: float) -> float:
        """So many came: seconds until the next may be read."""
        answers = min(count, self._answers)
        self._answers -= answers
        self._tokens = min(BURST, self._tokens + (now - self._filled) * RATE) - (count - answers)
        self._filled = now
        return max(0.0, -self._tokens / RATE)

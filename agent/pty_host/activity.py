"""Whether a terminal's program writes: said when it begins, and once it has written nothing for a while."""

import asyncio
from collections.abc import Awaitable, Callable

from agent.domain.session import SessionState

REST = 3.0  # seconds without output

Say = Callable[[SessionState], Awaitable[None]]


class Activity:
    """Says it, a word for each change, until cancelled."""

    def __init__(self, say: Say, rest: float = REST) -> None:
        self._say = say
        self._rest = rest
        self._wrote = asyncio.Event()

    def wrote(self) -> None:
        """There was output."""
        self._wrote.set()

    async def run(self) -> None:
        """Say it."""
        while True:
            await self._wrote.wait()
            await self._say(SessionState.BUSY)
            while self._wrote.is_set():
                self._wrote.clear()
                await asyncio.sleep(self._rest)
            await self._say(SessionState.IDLE)

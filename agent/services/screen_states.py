"""Whether something goes on in terminals of which nothing else is known: their screens change, or have come to rest.

That is all that a screen tells for certain. A clock in its corner is a change, and so is the echo of what is typed.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from agent.backends.terminals.keyboard import TerminalError
from agent.clock import Clock
from agent.domain.session import Session, SessionState, bare_id
from agent.services.sessions import Sessions

LOOK_EVERY = 1.0  # seconds
REST = 3.0  # seconds without a change
LIMIT = 2.0  # seconds for a look
SHARE = 50  # looks take so much less time than there is between them

Told = Callable[[str, SessionState], None]


class ScreenStates:
    """One for the process."""

    def __init__(self, sessions: Sessions, told: Told, clock: Clock, every: float = LOOK_EVERY) -> None:
        """`told` hears of a session BUSY while its screen changes, IDLE once it has come to rest."""
        self._sessions = sessions
        self._told = told
        self._clock = clock
        self._every = every
        self._seen: dict[str, tuple[int, float]] = {}  # by session: what its screen showed, and since when

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            began = self._clock.monotonic()
            await self.look()
            await asyncio.sleep(max(self._every, SHARE * (self._clock.monotonic() - began)))

    async def look(self) -> None:
        """One look at each screen that can be seen, of sessions in which no coding agent tells more."""
        there = [one for one in self._sessions.live() if one.conversation is None]
        names = {bare_id(one.session_id) for one in there}
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}
        for session in there:
            with suppress(TerminalError, TimeoutError, ValueError):  # a terminal that hangs or is gone says nothing
                await self._one(session)

    async def _one(self, session: Session) -> None:
        opens = self._sessions.traits(session).screen
        if opens is None:
            return
        async with asyncio.timeout(LIMIT):
            terminal = opens(session)
            await terminal.check()
            shown = hash(await terminal.screen())
        now = self._clock.monotonic()
        before, since = self._seen.get(bare_id(session.session_id), (None, now))
        if shown != before:
            self._seen[bare_id(session.session_id)] = shown, now
            if before is not None:
                self._told(session.session_id, SessionState.BUSY)
        elif now - since >= REST:
            self._told(session.session_id, SessionState.IDLE)

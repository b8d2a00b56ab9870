"""At which terminals somebody types: asked of tmux and nvim, each once for all of its sessions, again and again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from agent.backends.terminals.desk import Desk, Keys, where
from agent.backends.terminals.keyboard import TerminalError
from agent.services.sessions import Sessions

LOOK_EVERY = 10.0
"""Seconds; heartbeats, which tell it, have twice as much between them."""


class DeskWatch:
    """One for the process."""

    def __init__(self, sessions: Sessions, typed: Callable[[str], None], every: float = LOOK_EVERY) -> None:
        """`typed` hears of each session at whose terminal a key was pressed since the look before."""
        self._sessions = sessions
        self._typed = typed
        self._every = every
        self._seen: dict[Desk, Keys] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Compare what each tells with what it told before; at first it is only remembered."""
        there: dict[Desk, dict[str, list[str]]] = {}  # sessions by where they are
        for session in self._sessions.live():
            if known := where(session):
                there.setdefault(known[0], {}).setdefault(known[1], []).append(session.session_id)
        answers = await asyncio.gather(*map(_keys, there))
        before, self._seen = self._seen, {}
        for (desk, sessions), keys in zip(there.items(), answers, strict=True):
            if keys is None:
                continue
            self._seen[desk] = keys
            for who, key in keys.items() if desk in before else ():
                if before[desk].get(who) is None or before[desk][who].mark != key.mark:
                    for session_id in sessions.get(key.place, ()):
                        self._typed(session_id)


async def _keys(desk: Desk) -> Keys | None:
    """None from what hangs, or is gone."""
    with suppress(TerminalError, TypeError, ValueError):
        return await desk.keys()
    return None

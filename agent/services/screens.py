"""Shows the router what a terminal shows, when it asks: one after the other, without what looks like a secret."""

import asyncio
from collections.abc import Callable

from agent.backends.terminals import screens
from agent.backends.terminals.keyboard import TerminalError
from agent.domain.command import Reason
from agent.domain.frames import Screen, ScreenQuery
from agent.domain.masks import Masks
from agent.services.sessions import Sessions

MOST_WAITING = 8  # the router asks less
PATIENCE = 4.0  # seconds: a terminal that hangs is told of before the router gives up
_KINDS = "Sessions in tmux and in Neovim's terminal show theirs."


class ScreenTeller:
    """One for the process; `tell` runs once for each link."""

    def __init__(self, sessions: Sessions, masks: Masks) -> None:
        self._sessions = sessions
        self._masks = masks
        self._asked: asyncio.Queue[ScreenQuery] = asyncio.Queue(MOST_WAITING)

    def asked(self, query: ScreenQuery) -> None:
        """The router wants to see one; beyond what is reasonable it hears nothing."""
        if not self._asked.full():
            self._asked.put_nowait(query)

    async def tell(self, send: Callable[[Screen], None]) -> None:
        """Answer on a link, until cancelled."""
        try:
            while True:
                send(await self._answer(await self._asked.get()))
        finally:
            while not self._asked.empty():  # no later link is asked for them
                self._asked.get_nowait()

    async def _answer(self, query: ScreenQuery) -> Screen:
        session = self._sessions.find(query.session_id)
        if session is None:
            return Screen(
                query.query_id, reason=Reason.SESSION_UNKNOWN, detail="The machine does not know the session."
            )
        opens = self._sessions.traits(session).screen
        if opens is None:
            detail = f"A session of the kind {session.backend} has no screen that the agent can see. {_KINDS}"
            return Screen(query.query_id, reason=Reason.UNSUPPORTED, detail=detail)
        try:
            async with asyncio.timeout(PATIENCE):
                terminal = opens(session)
                await terminal.check()
                return Screen(query.query_id, screens.whole(await terminal.screen() or "", self._masks))
        except TerminalError as error:
            return Screen(query.query_id, reason=error.reason, detail=str(error))
        except TimeoutError:
            detail = f"The terminal did not answer within {PATIENCE:.0f} s."
            return Screen(query.query_id, reason=Reason.BACKEND_ERROR, detail=detail)

"""Looks at terminals: asked of a machine over its link, answered within seconds or not at all. Nothing is kept."""

import asyncio
from itertools import count

from router.domain.errors import Reason, Refusal
from router.domain.screen import Screen, ScreenQuery
from router.domain.session import Session, SessionState
from router.link.hub import Hub, Link

PATIENCE = 5.0  # seconds
MOST_AT_ONCE = 4  # looks of one machine that are not answered
_NO_PICTURE = "Update its agent: the one there cannot show terminals."


class Screens:
    """Lives on the event loop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._numbers = count(1)
        self._waiting: dict[int, tuple[Link, asyncio.Future[Screen]]] = {}

    async def look(self, session: Session) -> str:
        """What the terminal of a session shows now. Raises Refusal."""
        link = self._link(session)
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = link, answer
        # Behind the commands: a look may wait for them, and they for none.
        link.send(ScreenQuery(number, session.session_id))
        try:
            async with asyncio.timeout(PATIENCE):
                screen: Screen = await answer
        except TimeoutError:
            text = f"Machine {session.machine_id} did not show the screen within {PATIENCE:.0f} s. Try again."
            raise Refusal(Reason.SCREEN_SILENT, text, retry_after=PATIENCE) from None
        finally:
            del self._waiting[number]
        if screen.reason is not Reason.UNSPECIFIED:
            raise Refusal(screen.reason, screen.detail or "The machine cannot show it.")
        return screen.text

    def taken(self, link: Link, screen: Screen) -> None:
        """An answer of a machine; what nobody waits for, or was asked of another link, is none."""
        asked, answer = self._waiting.get(screen.query_id, (None, None))
        if asked is link and answer is not None and not answer.done():
            answer.set_result(screen)

    def _link(self, session: Session) -> Link:
        if session.state is SessionState.ENDED:
            raise Refusal(Reason.SESSION_ENDED, f"Session {session.session_id} has ended: there is nothing to see.")
        link = self._hub.get(session.machine_id)
        if link is None or link.gone:
            text = f"Machine {session.machine_id} is away: its screen can be seen once its agent is back."
            raise Refusal(Reason.MACHINE_AWAY, text)
        if not link.shows_screens:
            raise Refusal(Reason.UNSUPPORTED, f"Machine {session.machine_id} shows no screens. {_NO_PICTURE}")
        if sum(1 for asked, _ in self._waiting.values() if asked is link) >= MOST_AT_ONCE:
            text = f"{MOST_AT_ONCE} looks at screens of machine {session.machine_id} are under way. Try again."
            raise Refusal(Reason.BUSY, text, retry_after=1.0)
        return link

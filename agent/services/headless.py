"""What sessions without a terminal do, as the router and people get to know it."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

from agent.backends.terminals import typing_rules
from agent.domain.aside import Aside, Begun, Chunk, Figures, Offered, Whole
from agent.domain.command import MAX_TEXT_BYTES
from agent.domain.errors import Refusal, StoreUnavailable
from agent.domain.frames import Notify
from agent.domain.proposal import Proposal
from agent.domain.session import Conversation, SessionState
from agent.services.deltas import DeltaTeller
from agent.services.events import EventTeller
from agent.services.prompt_tracking import PromptTracking
from agent.services.sessions import Sessions
from agent.store.outbox import Outbox

logger = logging.getLogger(__name__)

RETRY = 1.0  # seconds between tries to write when the disk is full

_CUT_OFF = "The agent here was stopped in the middle of this; so was {title}. Write to go on where it was."


class HeadlessListener:
    """Hears the headless backend. What it is told is on disk when it returns, however long the disk is full."""

    def __init__(
        self,
        sessions: Sessions,
        outbox: Outbox,
        prompts: PromptTracking,
        events: EventTeller,
        deltas: DeltaTeller,
        retry: float = RETRY,
    ) -> None:
        self._events = events
        self._deltas = deltas
        self._sessions = sessions
        self._prompts = prompts
        self._outbox = outbox
        self._retry = retry

    async def said(self, session_id: str, text: str, output_tokens: int = 0, proposal: Proposal | None = None) -> None:
        notification = Notify(
            str(uuid.uuid4()), session_id, _fitting(text), is_markdown=True, ends_turn=True,
            output_tokens=output_tokens, proposal=proposal,
        )  # fmt: skip
        await self._insist(lambda: self._outbox.append(notification))

    async def became(self, session_id: str, state: SessionState) -> None:
        await self._insist(lambda: self._sessions.update(session_id, state=state))
        if state is SessionState.IDLE:  # not between two turns: only when nothing is left
            await self._insist(lambda: self._prompts.finished(session_id))

    async def limited(self, session_id: str, until: float) -> None:
        await self._insist(lambda: self._sessions.limit(session_id, until))

    async def took(self, session_id: str) -> None:
        # Somebody wrote to it: whether its account is at a limit still, it says at once.
        await self._insist(lambda: self._sessions.limit(session_id, 0.0))
        await self._insist(lambda: self._prompts.took(session_id))

    async def talks(self, session_id: str, talk: Conversation | None) -> None:
        await self._insist(lambda: self._sessions.converse(session_id, talk))

    def aside(self, session_id: str, aside: Aside) -> None:
        """For those who read along."""
        match aside:
            case Begun(answer_id):
                self._deltas.begun(session_id, answer_id)
            case Chunk(text):
                self._deltas.more(session_id, text)
            case Whole():
                self._deltas.whole(session_id)
            case Offered(commands):
                self._events.learned(session_id, commands=commands)
            case Figures(cost, context_size):
                self._events.learned(session_id, cost=cost, context_size=context_size)

    def is_followed(self, session_id: str) -> bool:
        """Whether anybody wants what is said while it is said."""
        return self._deltas.is_wanted(session_id)

    async def works(self, session_id: str, mode: str, model: str = "") -> None:
        await self._insist(lambda: self._sessions.works(session_id, mode, model))

    async def recover(self, waits: Callable[[str], bool] = lambda _session_id: False) -> None:
        """At start-up: what an earlier process had under way ended with it, and people are told.

        A session that `waits` without a program had nothing under way but what it was given since.
        """
        for session in self._sessions.live():
            traits, is_parked = self._sessions.traits(session), waits(session.session_id)
            under_way = session.state is SessionState.BUSY or (session.state is SessionState.WAITING and not is_parked)
            if under_way and traits.hosted:
                await self.said(session.session_id, _CUT_OFF.format(title=traits.title(session)))
                await self.became(session.session_id, SessionState.IDLE)

    async def _insist(self, write: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await write()
            except StoreUnavailable:
                await asyncio.sleep(self._retry)  # for ever: nobody would say it again
            except Refusal as refusal:
                logger.info("session is over reason=%s", refusal.reason)  # its last words come too late
                return
            else:
                return


def _fitting(text: str) -> str:
    """The text as a notification may carry it: of a longer one the end, where the answer is."""
    data = typing_rules.clean(text).encode()
    return data.decode() if len(data) <= MAX_TEXT_BYTES else f"…{data[3 - MAX_TEXT_BYTES :].decode(errors='ignore')}"

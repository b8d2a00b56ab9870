"""Permission questions: from whoever asks to the router, and the answer back.

An asker waits in a block (`asking`). When the block ends well, the asker has its answers. When it ends by an error or
is cancelled, nobody over here can answer any more: the terminal has the question, and the router is told. Only when the
agent stops, questions stay open: their askers come again with the same ids and find what was decided meanwhile.

What a person wrote beside a no may reach the program later. It stays on disk until then, or until people are told.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from agent.backends.open_questions import NOTHING, Beside
from agent.domain.command import Command, Outcome, PermissionDecision
from agent.domain.errors import StoreUnavailable
from agent.domain.permission import Decision, Over, Question
from agent.store.questions import Questions

logger = logging.getLogger(__name__)

RETURN = 30.0  # seconds in which an asker finds a restarted agent: it looks every second
_NOT_BACK = "the agent was restarted, and nobody asks again"


class Asking:
    """The questions of one asker."""

    def __init__(self, permissions: "Permissions") -> None:
        self._permissions = permissions
        self.asked: list[str] = []

    async def ask(self, question: Question) -> Decision | None:
        """The answer to a question; None when nobody gave one in time, or could be asked. Raises StoreUnavailable."""
        self.asked.append(question.permission_id)
        return await self._permissions.answer(question)

    def beside(self, permission_id: str, text: str) -> Beside:
        """What a person wrote with a decision: kept beyond the block. Without words there is nothing to keep."""
        if not text:
            return NOTHING
        self.asked.remove(permission_id)
        return Beside(text, partial(self._permissions.arrived, permission_id))

    async def give_up(self, over: Over, detail: str = "") -> None:
        """What was asked is over without an answer. Raises StoreUnavailable."""
        asked, self.asked = self.asked, []
        await self._permissions.close(asked, over, detail)


class Permissions:
    """The one door to people for everybody who asks: hooks, stream-json, programs on the local socket."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._waiting: dict[str, asyncio.Future[Decision | None]] = {}
        self._left: frozenset[str] = frozenset()
        self._stopping = False
        self.late: Callable[[str, Decision], None] = _nobody
        """Hears of decisions for which nobody waits any more."""
        self.is_parked: Callable[[str], bool] = lambda _permission_id: False
        """Whether a question stays open though nobody waits for its answer."""

    async def recover(self) -> None:
        """At start-up: see what an earlier process left open."""
        self._left = frozenset(await self._questions.left())

    async def close_left(self, patience: float = RETURN) -> None:
        """Close what an earlier process left open and nobody asks again within so many seconds."""
        if self._left:
            await asyncio.sleep(patience)
            gone = [each for each in self._left if not self.is_parked(each)]
            await self.close(gone, Over.WITHDRAWN, _NOT_BACK)

    def stop(self) -> None:
        """From now on askers that go away are those that come again."""
        self._stopping = True

    @asynccontextmanager
    async def asking(self, over: Over = Over.ANSWERED_ELSEWHERE, detail: str = "") -> AsyncIterator[Asking]:
        """A block in which one asker asks and gets its answers; what is `over` where the asker goes away."""
        asking = Asking(self)
        try:
            yield asking
        except BaseException:
            if not self._stopping:
                with suppress(StoreUnavailable):  # the router learns it at the next start, from what is left
                    await asyncio.shield(asking.give_up(over, detail))
            raise
        if asking.asked:
            await asyncio.shield(self._questions.forget(asking.asked))

    async def answer(self, question: Question) -> Decision | None:
        """Ask, and wait for the decision; None when the time is over, or nobody can be asked."""
        decided: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._waiting[question.permission_id] = decided  # before it is stored: the answer may be quick
        self._left -= {question.permission_id}
        try:
            known = await self._questions.ask(question)
            async with asyncio.timeout(question.wait):
                return known or await decided
        except TimeoutError:
            await self.close([question.permission_id], Over.EXPIRED, "")
            return None
        finally:
            if self._waiting.get(question.permission_id) is decided:
                del self._waiting[question.permission_id]

    async def decide(self, command: Command, decision: PermissionDecision) -> Outcome:
        """Carry a decision out: it is on disk, and counts, when this returns. Raises IllegalMove, StoreUnavailable."""
        outcome = await self._questions.decide(command.command_id, decision)
        waiting = self._waiting.get(decision.permission_id)
        if outcome == Outcome.done():
            if waiting is None:
                self.late(decision.permission_id, decision.chosen)
            elif not waiting.done():
                waiting.set_result(decision.chosen)
        logger.info("decision carried out permission_id=%s ending=%s", decision.permission_id, outcome.ending)
        return outcome

    def unasked(self, permission_id: str) -> None:
        """The router has no room for a question, so nobody is asked: whoever waits for the answer waits no more."""
        waiting = self._waiting.get(permission_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def arrived(self, permission_id: str) -> None:
        """The program has what came with a decision, or people were told what became of it."""
        with suppress(StoreUnavailable):  # then they are told at the next start that nobody knows
            await self._questions.forget([permission_id])

    async def close(self, permission_ids: list[str], over: Over, detail: str) -> None:
        """Questions are over without an answer. Raises StoreUnavailable."""
        if permission_ids:
            await self._questions.close(permission_ids, over, detail)


def _nobody(_permission_id: str, _decision: Decision) -> None:
    """Hears of it."""

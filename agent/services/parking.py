"""Ends the programs of sessions that wait for a person for long, and takes their conversations up by the answer.

A program that asks holds its memory and one of few places, for days. So when nobody has answered for half an hour it is
told that nobody has yet, and ended; the question stays open. The answer is a text for the session: what was allowed is
to be done now, and that very call is let through once, without another question.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from agent.clock import Clock
from agent.domain import claude_tool
from agent.domain.claude_question import DENY, ToolUse
from agent.domain.command import Ending, Outcome
from agent.domain.errors import StoreUnavailable
from agent.domain.permission import LONGEST_PARKED, Decision, Kind, Over, Parked, Question
from agent.domain.session import Session, SessionState
from agent.loops import Tasks
from agent.services.permissions import Permissions
from agent.services.sessions import Sessions
from agent.store.questions import Questions

logger = logging.getLogger(__name__)

LET_THROUGH = 600.0  # seconds for which what was allowed may be done
LOOK_EVERY = 60.0  # seconds between looks for those that are over
RETRY, TRIES = 30.0, 40  # seconds between tries to tell the answer, and how many: there may be no place
MAX_WORDS = 4000
REST: Mapping[str, object] = {
    "behavior": "deny",
    "message": "Nobody has answered yet whether this is allowed. Stop here, and make the same call when told to.",
    "interrupt": True,
}
"""What a program hears that is to be ended. Claude Code tells its model words of its own: that it was rejected."""
_ALLOWED = (
    "You were stopped because nobody had answered yet. Now a person has allowed this: {words}\n"
    "Make exactly that call now, once, and go on."
)
_DENIED = (
    "You were stopped because nobody had answered yet. Now a person has denied this: {words}\n{why}Go on without it."
)
_EXPIRED = "Nobody has answered in time whether this is allowed, so it is not: {words}\nGo on without it, or ask again."
_NOT_TOLD = "Your answer could not be told: {why} Write to go on; what you allowed is to be asked for again."
_UNSURE = "Nobody can know whether the session has your answer: {why} Look at it before you write it again."
_ENDED, _ANEW = "its session ended", "it is asked anew"

Say = Callable[[Session, str], Awaitable[Outcome]]


class Parking:
    """Of one agent."""

    def __init__(
        self,
        questions: Questions,
        permissions: Permissions,
        sessions: Sessions,
        clock: Clock,
        tasks: Tasks,
        after: float,
    ) -> None:
        """`after` so many seconds without an answer a program is ended."""
        self._after = after
        self.long_enough: Callable[[], Awaitable[object]] = partial(asyncio.sleep, after)
        """Returns when a program has waited for so long that it is ended."""
        self._questions, self._permissions, self._sessions = questions, permissions, sessions
        self._clock, self._tasks = clock, tasks
        self._parked: dict[str, Parked] = {}
        self._let: dict[tuple[str, str], tuple[float, Decision]] = {}  # by session and digest: until when, and how
        self._say: Say | None = None
        self._tell: Callable[[str, str], Awaitable[None]] | None = None
        self._became: Callable[[str, SessionState], Awaitable[None]] | None = None
        permissions.late, permissions.is_parked = self._decided, self._parked.__contains__

    def connect(
        self,
        say: Say,
        tell: Callable[[str, str], Awaitable[None]],
        became: Callable[[str, SessionState], Awaitable[None]],
    ) -> None:
        """Say who gives a session a text, who tells its people something, and who hears how it stands."""
        self._say, self._tell, self._became = say, tell, became

    async def recover(self) -> None:
        """At start-up: what an earlier process parked is open still."""
        self._parked.update({each.permission_id: each for each, _ in await self._questions.parked()})

    def is_waiting(self, session_id: str) -> bool:
        """Whether a session without a program waits for an answer."""
        return any(each.session_id == session_id for each in self._parked.values())

    def let_through(self, session_id: str, use: ToolUse) -> Decision | None:
        """How this very call was allowed, once; None where it was not, or is not any more."""
        until, decision = self._let.pop((session_id, use.digest), (0.0, None))
        return decision if self._clock.monotonic() < until else None

    async def asked_anew(self, session_id: str, use: ToolUse) -> None:
        """The program asks by itself what it was to ask when told: people are asked once."""
        for each in [
            each for each in self._parked.values() if (each.session_id, each.input_digest) == _key(session_id, use)
        ]:
            await self._over(each, Over.WITHDRAWN, _ANEW)

    async def park(self, question: Question, use: ToolUse) -> None:
        """Its program is about to be ended, and nobody waits for the answer any more."""
        asked_at = self._clock.now() - self._after
        parked = Parked(question.permission_id, question.session_id, use.digest, _words(use), asked_at)
        self._parked[question.permission_id] = parked
        try:
            decision = await self._questions.park(parked)
        except BaseException:
            self._parked.pop(question.permission_id, None)  # its session may have ended meanwhile
            raise
        logger.info("question parked permission_id=%s session_id=%s", parked.permission_id, parked.session_id)
        if decision is not None:
            self._decided(parked.permission_id, decision)

    async def run(self) -> None:
        """See to those that were answered before a restart, and that are over, until cancelled."""
        with suppress(StoreUnavailable):
            for each, decision in await self._questions.parked():
                if decision is not None:
                    self._decided(each.permission_id, decision)
        while True:
            with suppress(StoreUnavailable):
                await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """End those whose session is over, or whose time is."""
        for each in list(self._parked.values()):
            session = self._sessions.find(each.session_id)
            if session is None or session.state is SessionState.ENDED:
                await self._over(each, Over.WITHDRAWN, _ENDED)
            elif self._clock.now() - each.asked_at >= LONGEST_PARKED:
                await self._over(each, Over.EXPIRED, "")
                self._resume(each, _EXPIRED.format(words=each.words), None)

    async def _over(self, parked: Parked, over: Over, detail: str) -> None:
        await self._permissions.close([parked.permission_id], over, detail)
        self._parked.pop(parked.permission_id, None)

    def _decided(self, permission_id: str, decision: Decision) -> None:
        if (parked := self._parked.get(permission_id)) is not None:
            self._tasks.start(f"resume {parked.session_id}", partial(self._answered, parked, decision))

    async def _answered(self, parked: Parked, decision: Decision) -> None:
        # First it is parked no more: told twice, it would be done twice. What was decided is on the disk until it is
        # told: where this process dies between, people are told that nobody knows.
        if not await self._questions.unpark(parked.permission_id):
            return
        self._parked.pop(parked.permission_id, None)
        if decision.option_id == DENY:
            why = f"{decision.text}\n" if decision.text else ""
            words = _DENIED.format(words=parked.words, why=why)
            await self._told(parked, words, None)
        else:
            await self._told(parked, _ALLOWED.format(words=parked.words), decision)
        await self._permissions.arrived(parked.permission_id)

    def _resume(self, parked: Parked, words: str, decision: Decision | None) -> None:
        self._tasks.start(f"resume {parked.session_id}", partial(self._told, parked, words, decision))

    async def _told(self, parked: Parked, words: str, decision: Decision | None) -> None:
        """Give the session the text that takes its conversation up."""
        assert self._say is not None  # noqa: S101 -- the agent connects it before anything can be parked
        assert self._tell is not None and self._became is not None  # noqa: S101, PT018 -- the same
        key, why = (parked.session_id, parked.input_digest), ""
        for _ in range(TRIES):
            session = self._sessions.find(parked.session_id)
            if session is None or session.state is SessionState.ENDED:
                return
            if decision is not None:
                self._let[key] = (self._clock.monotonic() + LET_THROUGH, decision)
            outcome = await self._say(session, words)
            if outcome.ending is Ending.UNCERTAIN:
                await self._tell(parked.session_id, _UNSURE.format(why=outcome.detail))
            if outcome.ending is not Ending.FAILED:
                return
            why = outcome.detail
            logger.info("answer not told session_id=%s: %s", parked.session_id, why)
            await asyncio.sleep(RETRY)
        self._let.pop(key, None)
        await self._tell(parked.session_id, _NOT_TOLD.format(why=why))
        await self._became(parked.session_id, SessionState.IDLE)


def is_parkable(question: Question) -> bool:
    """Forms and plans are answered where they were asked: no text could say all of what they hold."""
    return question.kind is Kind.TOOL


def _words(use: ToolUse) -> str:
    """The whole input where it is short enough: only the very same call is let through."""
    given = json.dumps(use.given, ensure_ascii=False)
    words = given if len(given) <= MAX_WORDS else claude_tool.title(use.tool, use.given)[:MAX_WORDS]
    # A lone surrogate is legal JSON, and no database takes it.
    return f"{use.tool} {words}".encode(errors="replace").decode()


def _key(session_id: str, use: ToolUse) -> tuple[str, str]:
    return session_id, use.digest

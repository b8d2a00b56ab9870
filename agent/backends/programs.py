"""What all programs have in common that the agent runs itself, without a terminal: one for each session.

One runs from a session's first text on. When it ends, or the agent does, the conversation stays, and the next text
takes it up again.
"""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from agent.backends.child import Ended, end_left
from agent.backends.open_questions import OpenQuestions
from agent.backends.terminals import typing_rules
from agent.domain.aside import Aside
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.control import BYPASS, ControlSignal
from agent.domain.errors import Refusal
from agent.domain.proposal import Proposal
from agent.domain.session import MAX_HEADLESS, Conversation, Session, SessionState
from agent.loops import Tasks

logger = logging.getLogger(__name__)


class Running(Protocol):
    """A program that runs, or did."""

    @property
    def pid(self) -> int: ...

    @property
    def how(self) -> str:
        """It ended, for people; empty while it runs."""

    @property
    def stopped(self) -> bool:
        """By us."""

    @property
    def ended(self) -> "asyncio.Task[None]": ...

    async def stop(self) -> None: ...


P = TypeVar("P", bound=Running)
K = TypeVar("K")  # who decides what its programs ask
A = TypeVar("A")  # what they hear then

PATIENCE = 60.0
"""Seconds until it has a text; mostly it is under one, but it may have to start on a busy machine."""

FROM_NOW_ON = "from its next text on"
_NO_LINE = "This session has no input line: write a text for it, or send esc to stop what it does."


class Listener(Protocol):
    """Who wants to know what sessions without a terminal do."""

    async def said(self, session_id: str, text: str, output_tokens: int = 0, proposal: Proposal | None = None) -> None:
        """Last words of a turn, for people. A model that is asked without a program also says what these took, and
        which work it would hand over.
        """

    async def took(self, session_id: str) -> None:
        """It has the text that it is being given; heard before the delivery is done."""

    async def became(self, session_id: str, state: SessionState) -> None:
        """IDLE means that it has done with all that it has."""

    async def limited(self, session_id: str, until: float) -> None:
        """Its account is at a usage limit until then, in seconds since the epoch; 0 for none."""

    async def talks(self, session_id: str, talk: Conversation | None) -> None:
        """It is in this conversation now; None when there is none to take up."""

    def aside(self, session_id: str, aside: Aside) -> None:
        """What is for those alone who read along."""

    def is_followed(self, session_id: str) -> bool:
        """Whether anybody wants what it says while it says it."""

    async def works(self, session_id: str, mode: str, model: str = "") -> None:
        """It is in this permission mode, with this model; empty where it does not say."""


def not_a_mode(mode: str, modes: Sequence[str]) -> Outcome:
    """Why a session is not put into a mode that is none of these."""
    if mode == BYPASS:
        text = f"{BYPASS} asks nothing any more; no session that is started from afar is started with it allowed."
        return Outcome.failed(Reason.MODE_NOT_ALLOWED, text)
    there = f"one of: {', '.join(modes)}" if modes else "it cannot be changed from afar"
    return Outcome.failed(Reason.UNSUPPORTED, f"There is no mode {mode} here; {there}")


class Places:
    """How many programs may run here at once, of whatever kind."""

    def __init__(self, most: int = MAX_HEADLESS) -> None:
        self._most = most
        self._taken = 0

    def take(self) -> None:
        """Raises Refusal where there is none left."""
        if self._taken >= self._most:
            why = f"{self._most} run here without a terminal, the limit (POINTSMAN_MAX_SESSIONS). End one of them."
            raise Refusal(Reason.TOO_MANY_SESSIONS, why)
        self._taken += 1

    def give_back(self) -> None:
        """One is free again."""
        self._taken -= 1


class ProgramBackend(Generic[P, K, A]):
    """Runs at most one program for each session."""

    def __init__(self, nobody: K, patience: float, places: Places | None) -> None:
        self._patience = patience
        self._places = places or Places()
        self._listener: Listener | None = None
        self._asker = nobody
        self._tasks = Tasks()
        self._questions: OpenQuestions[A] = OpenQuestions(self._tasks)
        self._running: dict[str, P] = {}
        self._starting = asyncio.Lock()  # one at a time: starting is work for a whole core
        self._saying: set[str] = set()  # sessions whose program is being given a text
        self._engaged: set[str] = set()  # sessions whose program has one that it has not done with
        self._watching: set[asyncio.Task[None]] = set()

    def connect(self, listener: Listener, asker: K | None = None, tasks: Tasks | None = None) -> None:
        """Say who listens, who decides, and who is told of what breaks, before the first text."""
        self._listener, self._tasks, self._asker = listener, tasks or self._tasks, asker or self._asker
        self._questions = OpenQuestions(self._tasks)

    async def deliver(self, session: Session, action: Action) -> Outcome:
        match action:
            case Input(text=text, submit=True) if content := typing_rules.clean(text):
                return await self._say(session, content)
            case Input() | KeyPress(name="enter"):
                return Outcome.failed(Reason.UNSUPPORTED, _NO_LINE)
            case KeyPress(name="esc" | "ctrl-c"):
                return await self._interrupt(session)
            case KeyPress(name=name):
                return Outcome.failed(Reason.UNSUPPORTED, f"{name!r} has no meaning here. {_NO_LINE}")
            case ControlSignal():
                return await self._control(session, action)

    async def clear_line(self, session: Session) -> None:
        """There is no line."""

    async def alive(self, session: Session) -> bool:  # noqa: ARG002
        """The next text can always start it."""
        return True

    async def release(self, session: Session) -> None:
        running = self._running.get(session.session_id)
        if running is not None:
            await running.stop()
        else:
            await _end_left_of(session)

    async def refresh(self, session: Session) -> bool:
        """End the program, so that the next text takes the conversation up in a fresh one; False when it has to do."""
        return await self._ended_at_rest(session.session_id)

    async def _ended_at_rest(self, name: str) -> bool:
        async with self._starting:  # no text begins meanwhile
            if name in self._saying or name in self._engaged:  # an end now would lose a text or a turn
                return False
            if running := self._running.get(name):
                await running.stop()
        return True

    @property
    def pids(self) -> tuple[int, ...]:
        """The programs that run now."""
        return tuple(running.pid for running in self._running.values())

    async def close(self) -> None:
        """End all programs: with this process nobody would hear them."""
        await asyncio.gather(*(running.stop() for running in self._running.values()))
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self._questions.closed()

    @abstractmethod
    async def _say(self, session: Session, content: str) -> Outcome:
        """Give it a text."""

    @abstractmethod
    async def _interrupt(self, session: Session) -> Outcome:
        """Stop what it does."""

    @abstractmethod
    async def _control(self, session: Session, signal: ControlSignal) -> Outcome:
        """Change how it works."""

    @abstractmethod
    async def _launched(self, session: Session) -> P:
        """A program that was just started for a session. Raises Refusal when it cannot be."""

    async def _changed(
        self,
        session: Session,
        change: Callable[[P], Coroutine[None, None, str]],
        title: str,
        if_none: str = FROM_NOW_ON,
    ) -> Outcome:
        """What a program that runs makes of a change; it says why not. Where none runs it is done, with these words."""
        running = self._running.get(session.session_id)
        if running is None or running.how:
            return Outcome.done(if_none)
        try:
            error = await asyncio.wait_for(change(running), self._patience)
        except Ended:
            return Outcome.done(if_none)
        except TimeoutError:
            return Outcome.uncertain(Reason.BACKEND_ERROR, f"{title} does not answer.")
        return Outcome.failed(Reason.BACKEND_ERROR, error) if error else Outcome.done()

    @abstractmethod
    def _farewell(self, session_id: str, running: P) -> str:
        """What people are told where it ended by itself; empty where somebody else tells."""

    async def _mourned(self, session_id: str, running: P) -> None:
        """People were told that."""

    async def _reach(self, session: Session) -> P:
        """Its program, started where none runs; it is being given a text from now on. Raises Refusal."""
        async with self._starting:
            running = self._running.get(session.session_id)
            if running is None or running.how:  # it has ended, and is not buried yet
                running = await self._start(session)
            self._saying.add(session.session_id)
        return running

    async def _start(self, session: Session) -> P:
        name = session.session_id
        self._places.take()
        try:
            await _end_left_of(session)
            running = self._running[name] = await self._launched(session)
        except BaseException:
            self._places.give_back()
            raise
        watching = self._tasks.start(f"watch {name}", partial(self._watch, name, running))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        logger.info("program started session_id=%s pid=%s", name, running.pid)
        return running

    async def _watch(self, name: str, running: P) -> None:
        """See to its end: what it still asks is void, and nobody takes it for busy any more."""
        await asyncio.wait([running.ended])
        self._places.give_back()
        if not running.ended.cancelled():
            running.ended.result()  # nobody listens any more where that was an error
        if self._running.get(name) is running:
            del self._running[name]
            self._engaged.discard(name)
        logger.info("program ended session_id=%s pid=%s", name, running.pid)
        words = "" if running.stopped else self._farewell(name, running)
        if words:
            await self._heeded.said(name, words)
            await self._mourned(name, running)
            await self._heeded.became(name, SessionState.IDLE)

    @property
    def _heeded(self) -> Listener:
        assert self._listener is not None  # noqa: S101 -- the agent connects it before it takes commands
        return self._listener


async def _end_left_of(session: Session) -> None:
    if session.conversation is not None:
        await end_left(session.conversation.process, session.session_id)

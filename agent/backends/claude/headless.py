"""Claude Code without a terminal: we run it ourselves and talk with it in stream-json.

It runs from a session's first text on. When it ends, or the agent does, the conversation stays, and the next text takes
it up again.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from agent.backends.claude.launch import Launcher
from agent.backends.claude.process import ClaudeProcess, Ended, end_group
from agent.backends.claude.questions import Asker, Nobody, OpenQuestions
from agent.backends.claude.stream_asides import Aside
from agent.backends.claude.stream_json import Asked, Became, Finished, Limited, Said, Taken, Talk, Withdrawn, Works
from agent.backends.terminals import typing_rules
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.control import BYPASS, MODES, ControlKind, ControlSignal
from agent.domain.errors import Refusal
from agent.domain.session import MAX_HEADLESS, Conversation, Session, SessionState
from agent.loops import Tasks
from agent.processes import identify, is_running

logger = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds until it has a text; mostly it is under one, but it may have to start on a busy machine."""

_NO_LINE = "This session has no input line: write a text for it, or send esc to stop what it does."
_FROM_NOW_ON = "from its next text on"
_GONE = "No conversation found"  # the program's words


def _not_a_mode(mode: str) -> Outcome:
    if mode == BYPASS:
        text = f"{BYPASS} asks nothing any more; no session that is started from afar is started with it allowed."
        return Outcome.failed(Reason.MODE_NOT_ALLOWED, text)
    return Outcome.failed(Reason.UNSUPPORTED, f"There is no mode {mode} here; one of: {', '.join(MODES)}")


class Listener(Protocol):
    """Who wants to know what sessions without a terminal do."""

    async def said(self, session_id: str, text: str) -> None:
        """Last words of a turn, for people."""

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


class HeadlessBackend:
    """Runs at most one program for each session."""

    def __init__(
        self,
        environ: Mapping[str, str] = MappingProxyType({}),
        patience: float = PATIENCE,
        most: int = MAX_HEADLESS,
        trusted: Sequence[Path] = (),
        workers: Path | None = None,
    ) -> None:
        self._launcher = Launcher(environ, trusted, workers)
        self._patience = patience
        self._most = most
        self._listener: Listener | None = None
        self._tasks = Tasks()
        self._questions = OpenQuestions(Nobody(), self._tasks)
        self._running: dict[str, ClaudeProcess] = {}
        self._starting = asyncio.Lock()  # one at a time: starting is work for a whole core
        self._saying: set[str] = set()  # sessions whose program is being given a text
        self._engaged: set[str] = set()  # sessions whose program has one that it has not done with
        self._watching: set[asyncio.Task[None]] = set()

    def connect(self, listener: Listener, asker: Asker | None = None, tasks: Tasks | None = None) -> None:
        """Say who listens, who decides, and who is told of what breaks, before the first text."""
        self._listener, self._tasks = listener, tasks or self._tasks
        self._questions = OpenQuestions(asker or Nobody(), self._tasks)

    def is_installed(self) -> bool:
        """Whether the program is there."""
        return self._launcher.is_installed()

    async def version(self) -> str:
        """Which version of it; empty where it does not say."""
        return await self._launcher.version()

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

    async def obstacle(self, session: Session, action: Action) -> str:  # noqa: ARG002
        """A text that comes while it asks something confirms nothing: it is queued."""
        return ""

    async def clear_line(self, session: Session) -> None:
        """There is no line."""

    async def alive(self, session: Session) -> bool:  # noqa: ARG002
        """The next text can always start it."""
        return True

    async def release(self, session: Session) -> None:
        running, talk = self._running.get(session.session_id), session.conversation
        if running is not None:
            await running.stop()
        elif talk is not None and is_running(talk.process):
            await end_group(talk.process)  # an agent that died has left it

    async def refresh(self, session: Session) -> bool:
        """End the program, so that the next text takes the conversation up in a fresh one; False when it has to do."""
        async with self._starting:  # no text begins meanwhile
            name = session.session_id
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

    async def _say(self, session: Session, content: str) -> Outcome:
        try:
            async with self._starting:
                running = self._running.get(session.session_id)
                if running is None or running.how:  # it has ended, and is not buried yet
                    running = await self._start(session)
                self._saying.add(session.session_id)
        except Refusal as refusal:
            return Outcome.failed(refusal.reason, refusal.text)
        try:
            await asyncio.wait_for(running.say(content), self._patience)
        except Ended as ended:
            return await self._refused(session, str(ended), spoke=running.spoke)
        except TimeoutError:
            why = f"Claude Code did not say within {self._patience:.0f} s that it has the text."
            return Outcome.uncertain(Reason.BACKEND_ERROR, why)
        finally:
            self._saying.discard(session.session_id)
        return Outcome.done()

    async def _refused(self, session: Session, how: str, *, spoke: bool) -> Outcome:
        """It ended, and never said that it has the text."""
        if spoke:
            return Outcome.uncertain(Reason.TARGET_GONE, f"Claude Code ended before it had the text: {how}")
        if _GONE in how and session.conversation:
            await self._heeded.talks(session.session_id, None)
            how = f"{how} The next text begins a new one."
        return Outcome.failed(Reason.BACKEND_ERROR, f"Claude Code does not start: {how}")

    async def _interrupt(self, session: Session) -> Outcome:
        return await self._asked(session, ClaudeProcess.interrupt, "nothing was running")

    async def _control(self, session: Session, signal: ControlSignal) -> Outcome:
        match signal.kind:
            case ControlKind.INTERRUPT:
                return await self._interrupt(session)
            case ControlKind.MODE if signal.value not in MODES:
                return _not_a_mode(signal.value)
            case ControlKind.MODE:
                request = {"subtype": "set_permission_mode", "mode": signal.value}
            case ControlKind.MODEL:
                request = {"subtype": "set_model", "model": signal.value}
            case ControlKind.COMPACT | ControlKind.CLEAR:
                return await self._say(session, signal.typed)
        # Where none runs now the next one is started so.
        return await self._asked(session, lambda running: running.control(**request), _FROM_NOW_ON)

    async def _asked(
        self, session: Session, ask: Callable[[ClaudeProcess], Coroutine[None, None, str]], if_none: str
    ) -> Outcome:
        """What a program that runs makes of a request; done with these words where none does."""
        running = self._running.get(session.session_id)
        if running is None or running.how:
            return Outcome.done(if_none)
        try:
            error = await asyncio.wait_for(ask(running), self._patience)
        except Ended:
            return Outcome.done(if_none)
        except TimeoutError:
            return Outcome.uncertain(Reason.BACKEND_ERROR, "Claude Code does not answer.")
        return Outcome.failed(Reason.BACKEND_ERROR, error) if error else Outcome.done()

    async def _start(self, session: Session) -> ClaudeProcess:
        """Raises Refusal when it cannot be started."""
        if len(self._running) >= self._most:
            why = f"{self._most} run here without a terminal, the limit (POINTSMAN_MAX_SESSIONS). End one of them."
            raise Refusal(Reason.TOO_MANY_SESSIONS, why)
        name = session.session_id
        running = self._running[name] = await self._launcher.start(session, partial(self._heard, name))
        running.read_along(partial(self._heeded.aside, name), partial(self._heeded.is_followed, name))
        watching = self._tasks.start(f"watch {name}", partial(self._watch, name, running))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        logger.info("claude started session_id=%s pid=%s", name, running.pid)
        return running

    async def _watch(self, name: str, running: ClaudeProcess) -> None:
        """See to its end: what it still asks is void, and nobody takes it for busy any more."""
        await asyncio.wait([running.ended])
        if not running.ended.cancelled():
            running.ended.result()  # nobody listens any more where that was an error
        if self._running.get(name) is running:
            del self._running[name]
            self._engaged.discard(name)
        logger.info("claude ended session_id=%s pid=%s", name, running.pid)
        if running.stopped or not running.spoke:  # we ended it, or its delivery tells
            return
        await self._heeded.said(
            name, f"Claude Code ended ({running.how}). The next text takes up the conversation again."
        )
        await self._heeded.became(name, SessionState.IDLE)

    async def _heard(self, name: str, said: Said) -> None:
        match said:
            case Works(mode=mode):
                await self._heeded.works(name, mode)
            case Talk(conversation_id=conversation_id, mode=mode, model=model):
                await self._heeded.works(name, mode, model)
                process = identify(self._running[name].pid)
                if process is not None:
                    await self._heeded.talks(name, Conversation(conversation_id, process, str(self._launcher.config)))
            case Taken():
                self._engaged.add(name)  # before anybody is told, who may ask for a fresh program
                await self._heeded.took(name)
            case Became(state=state):
                await self._became(name, state)
            case Finished(text=text) if text and self._running[name].spoke:
                await self._heeded.said(name, text)
            case Limited(until=until):
                await self._heeded.limited(name, until)
            case Asked():
                self._questions.begin(name, self._running[name], said)
            case Withdrawn(request_id=request_id):
                self._questions.withdraw(request_id)

    async def _became(self, name: str, state: SessionState) -> None:
        await self._heeded.became(name, state)
        if state is SessionState.IDLE:
            self._engaged.discard(name)

    @property
    def _heeded(self) -> Listener:
        assert self._listener is not None  # noqa: S101 -- the agent connects it before it takes commands
        return self._listener

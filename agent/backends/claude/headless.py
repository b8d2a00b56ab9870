"""Claude Code without a terminal: we run it ourselves and talk with it in stream-json."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from agent.backends.child import Ended
from agent.backends.claude.container import Containers
from agent.backends.claude.launch import PROGRAM, Launcher
from agent.backends.claude.process import ClaudeProcess
from agent.backends.claude.questions import UNASKED, Asker, Nobody
from agent.backends.claude.stream_json import Asked, Became, Finished, Limited, Said, Taken, Talk, Withdrawn, Works
from agent.backends.open_questions import NOTHING, Beside, arrived, joined
from agent.backends.programs import PATIENCE, Places, ProgramBackend, not_a_mode
from agent.domain.command import Action, Outcome, Reason
from agent.domain.control import MODES, ControlKind, ControlSignal
from agent.domain.errors import Refusal
from agent.domain.program import Program
from agent.domain.session import Conversation, Session, SessionState
from agent.processes import identify

_TITLE = "Claude Code"
_GONE = "No conversation found"  # the program's words


Decided = tuple[Mapping[str, object], Beside]


class HeadlessBackend(ProgramBackend[ClaudeProcess, Asker, Decided]):
    """Runs at most one program for each session."""

    def __init__(
        self,
        environ: Mapping[str, str] = MappingProxyType({}),
        patience: float = PATIENCE,
        places: Places | None = None,
        trusted: Sequence[Path] = (),
        workers: Path | None = None,
        containers: Containers | None = None,
        told: Callable[[Session], str] = lambda _: "",
    ) -> None:
        super().__init__(Nobody(), patience, places)
        self._launcher = Launcher(environ, trusted, workers, containers, told)
        self._resting: set[str] = set()  # sessions whose program ends when it is at rest: nobody answers it
        self._configs: dict[str, str] = {}  # where the program of a session keeps its files

    def is_installed(self) -> bool:
        """Whether the program is there."""
        return self._launcher.is_installed()

    async def standing(self) -> Program:
        """What is known of the program. Where its login is kept depends on the system: nobody knows."""
        return Program(PROGRAM, await self._launcher.version(), "asks people before it does something")

    async def release(self, session: Session) -> None:
        running = self._running.get(session.session_id)
        await super().release(session)
        if running is not None:  # whoever ends a session wants nothing more said in it
            await arrived(*running.beside)
        await self._launcher.end_left(session)

    async def obstacle(self, session: Session, action: Action) -> str:  # noqa: ARG002
        """A text that comes while it asks something confirms nothing: it is queued."""
        return ""

    async def tell(self, session: Session, content: str) -> Outcome:
        """Give it a text of ours."""
        return await self._say(session, content)

    async def _say(self, session: Session, content: str) -> Outcome:
        try:
            running = await self._reach(session)
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
        return await self._changed(session, ClaudeProcess.interrupt, _TITLE, "nothing was running")

    async def _control(self, session: Session, signal: ControlSignal) -> Outcome:
        match signal.kind:
            case ControlKind.INTERRUPT:
                return await self._interrupt(session)
            case ControlKind.MODE if signal.value not in MODES:
                return not_a_mode(signal.value, MODES)
            case ControlKind.MODE:
                request = {"subtype": "set_permission_mode", "mode": signal.value}
            case ControlKind.MODEL:
                request = {"subtype": "set_model", "model": signal.value}
            case ControlKind.COMPACT | ControlKind.CLEAR:
                return await self._say(session, signal.typed)
        # Where none runs now the next one is started so.
        return await self._changed(session, lambda running: running.control(**request), _TITLE)

    async def _launched(self, session: Session) -> ClaudeProcess:
        name = session.session_id
        self._resting.discard(name)  # that was another program
        self._configs[name] = str(self._launcher.config_of(session))
        running = await self._launcher.start(session, partial(self._heard, name))
        running.read_along(partial(self._heeded.aside, name), partial(self._heeded.is_followed, name))
        return running

    def _farewell(self, session_id: str, running: ClaudeProcess) -> str:  # noqa: ARG002
        if not running.spoke:  # its delivery tells
            return ""
        lost = ""
        if running.beside:
            lost = f" Whether it has what you wrote with your no cannot be known: {joined(running.beside)}"
        return f"Claude Code ended ({running.how}). The next text takes up the conversation again.{lost}"

    async def _mourned(self, session_id: str, running: ClaudeProcess) -> None:  # noqa: ARG002
        await arrived(*running.beside)

    async def _answer(self, name: str, running: ClaudeProcess, asked: Asked, decided: Decided) -> None:
        verdict, words = decided
        if verdict.get("interrupt"):
            self._resting.add(name)
        if words.text:
            running.beside = (*running.beside, words)
        await running.answer(asked, verdict)

    async def _goes_on(self, running: ClaudeProcess) -> None:
        """It waits for no answer any more: it has read those that it was given."""
        written, running.beside = running.beside, ()
        await arrived(*written)

    async def _heard(self, name: str, said: Said) -> None:
        match said:
            case Works(mode=mode):
                await self._heeded.works(name, mode)
            case Talk(conversation_id=conversation_id, mode=mode, model=model):
                await self._heeded.works(name, mode, model)
                process = identify(self._running[name].pid)
                if process is not None:
                    await self._heeded.talks(name, Conversation(conversation_id, process, self._configs[name]))
            case Taken():
                self._engaged.add(name)  # before anybody is told, who may ask for a fresh program
                await self._heeded.took(name)
            case Became(state=state):
                await self._became(name, state)
            case Finished(text=text):
                await self._finished(name, text)
            case Limited(until=until):
                await self._heeded.limited(name, until)
            case Asked():
                running = self._running[name]
                ask = partial(self._asker.ask, name, said.request_id, said.use)
                answer = partial(self._answer, name, running, said)
                self._questions.begin(said.request_id, ask, answer, running.ended, broken=(UNASKED, NOTHING))
            case Withdrawn(request_id=request_id):
                self._questions.withdraw(request_id)

    async def _finished(self, name: str, text: str) -> None:
        running = self._running[name]
        await self._goes_on(running)  # a version that tells no states tells this
        if text and running.spoke:
            await self._heeded.said(name, text)

    async def _became(self, name: str, state: SessionState) -> None:
        if state is not SessionState.WAITING:
            await self._goes_on(self._running[name])
        rests = state is SessionState.IDLE and name in self._resting
        # Its person is waited for as before, though no program does.
        await self._heeded.became(name, SessionState.WAITING if rests else state)
        if state is SessionState.IDLE:
            self._engaged.discard(name)
            self._resting.discard(name)
        if rests:  # by somebody else: who hears its last words cannot wait for its end
            self._tasks.start(f"rest {name}", partial(self._rest, name))

    async def _rest(self, name: str) -> None:
        await self._ended_at_rest(name)

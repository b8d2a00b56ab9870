"""Sessions of coding agents in people's terminals, joined by the program's own interface: nothing is typed.

So no text can answer a dialog, and each has a receipt. Keys alone go to the terminal, where it takes some.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from agent.backends.acp.process import Refused
from agent.backends.backend import Backend
from agent.backends.child import Ended
from agent.backends.joined.talk import Dialog, Ears, Kind, Place, Talk
from agent.backends.open_questions import Beside, OpenQuestions
from agent.backends.programs import PATIENCE, Listener
from agent.backends.record import Records
from agent.backends.terminals import typing_rules
from agent.domain.acp_question import Form, Json, Permission
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import Session, SessionState, bare_id
from agent.domain.session_event import What
from agent.loops import Tasks
from agent.processes import is_running

logger = logging.getLogger(__name__)

_UNSENT = "Here a text goes in whole, with its Enter: there is no line to type a part of it into."
_DIALOG = "a dialog is open in the terminal; answer it with its buttons, or press esc to turn it down"


class Asker(Protocol):
    """Who decides what may be done."""

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside] | None:
        """What was chosen, and what a person said beside a no; None where nobody did: the terminal has the question.

        Cancelled when the dialog is gone.
        """


class JoinedBackend:
    """All sessions of one kind of program. `terminal` gets the keys, of those in one that can be typed into."""

    def __init__(
        self, kind: Kind, records: Records, terminal: Callable[[Session], Backend | None], patience: float = PATIENCE
    ) -> None:
        self.kind = kind
        self.records = records
        self._terminal = terminal
        self._patience = patience
        self._talks: dict[str, Talk] = {}
        self._listener: Listener | None = None
        self._asker: Asker | None = None
        self._tasks = Tasks()
        self._questions: OpenQuestions[tuple[Json, Beside] | None] = OpenQuestions(self._tasks)
        self._never: asyncio.Future[None] | None = None
        self._denying: set[str] = set()  # dialogs whose no is on its way with a person's words

    def connect(self, listener: Listener, asker: Asker, tasks: Tasks) -> None:
        """Say who listens, who decides, and who is told of what breaks, before the first session."""
        self._listener, self._asker, self._tasks = listener, asker, tasks
        self._questions = OpenQuestions(tasks)

    async def join(self, session_id: str, place: Place) -> None:
        """Take part in what a session's program talks about. Raises Refused, Ended, TimeoutError, OSError."""
        name = bare_id(session_id)
        self._talks[name] = await self.kind.join(place, self._ears(session_id))

    def talks_of(self, session_id: str) -> str:
        """The conversation that is joined of a session; empty where none is, or can be any more."""
        talk = self._talks.get(bare_id(session_id))
        return talk.conversation_id if talk is not None and not talk.how else ""

    async def leave(self, session_id: str) -> None:
        """Take no more part; what it asked is asked no more from here."""
        if talk := self._talks.pop(bare_id(session_id), None):
            self._withdraw(session_id)
            await talk.leave()

    async def lost(self, session_id: str) -> str:
        """Leave one that can be reached no more; what people are told, empty where that cut nothing."""
        talk = self._talks.get(bare_id(session_id))
        if talk is None or not talk.how:
            return ""
        await self.leave(session_id)
        return f"{talk.how} in the middle of a turn, which was cut." if talk.is_busy else ""

    async def close(self) -> None:
        """Leave all. They go on."""
        self._withdraw("")
        await self.kind.close()
        self._talks.clear()
        await self._questions.closed()

    async def deliver(self, session: Session, action: Action) -> Outcome:
        talk = self._talks.get(bare_id(session.session_id))
        match action:
            case Input(text=text, submit=True) if content := typing_rules.clean(text):
                return await self._say(talk, content) if talk else self._not_joined()
            case Input():
                return Outcome.failed(Reason.UNSUPPORTED, _UNSENT)
            case KeyPress(name="esc" | "ctrl-c") | ControlSignal(kind=ControlKind.INTERRUPT) if talk and talk.is_busy:
                return await self._interrupt(talk)
            case KeyPress(name="enter") if talk is None:
                return self._not_joined()
            case KeyPress(name="enter") if talk is not None and (talk.is_busy or talk.is_asking):
                return Outcome.failed(Reason.DIALOG_OPEN, _DIALOG if talk.is_asking else self._busy())
            case KeyPress():
                return await self._press(session, action)
            case ControlSignal(kind=ControlKind.INTERRUPT):
                return Outcome.done("nothing was running")
            case ControlSignal(kind=kind):
                text = f"The {kind.value} of {self.kind.title} is changed at its terminal."
                return Outcome.failed(Reason.UNSUPPORTED, text)

    async def obstacle(self, session: Session, action: Action) -> str:
        """Texts wait here until the turn is over, where they can still be taken back."""
        if not (isinstance(action, Input) and action.submit):
            return ""
        talk = self._talks.get(bare_id(session.session_id))
        if talk is None or talk.how:
            return f"{self.kind.title} cannot be reached now"
        if talk.is_asking:
            return "a dialog is open in the terminal (it waits for an answer)"
        return self._busy() if talk.is_busy else ""

    async def clear_line(self, session: Session) -> None:
        """There is no line."""

    async def release(self, session: Session) -> None:
        await self.leave(session.session_id)

    async def alive(self, session: Session) -> bool:
        return session.process is not None and is_running(session.process)

    async def _say(self, talk: Talk, content: str) -> Outcome:
        title = self.kind.title
        try:
            await asyncio.wait_for(talk.say(content), self._patience)
        except Refused as refused:
            return Outcome.failed(Reason.BACKEND_ERROR, f"{title} does not take the text: {refused}")
        except Ended as ended:
            return Outcome.uncertain(Reason.TARGET_GONE, f"{ended} before {title} said that it has the text.")
        except TimeoutError:
            why = f"{title} did not say within {self._patience:.0f} s that it has the text. It may still."
            return Outcome.uncertain(Reason.BACKEND_ERROR, why)
        return Outcome.done()

    async def _interrupt(self, talk: Talk) -> Outcome:
        try:
            stopped = await talk.interrupt()
        except TimeoutError:
            return Outcome.uncertain(Reason.BACKEND_ERROR, f"{self.kind.title} was told to stop, and did not.")
        return Outcome.done("" if stopped else "nothing was running")

    async def _press(self, session: Session, action: KeyPress) -> Outcome:
        terminal = self._terminal(session)
        if terminal is None:
            return Outcome.failed(Reason.UNSUPPORTED, "The terminal of this session cannot be typed into.")
        return await terminal.deliver(session, action)

    def _busy(self) -> str:
        return f"{self.kind.title} is at work, and a text would disturb it: it goes in when this turn is over."

    def _not_joined(self) -> Outcome:
        return Outcome.failed(Reason.TARGET_GONE, f"{self.kind.title} cannot be reached now; nothing was sent.")

    def _ears(self, name: str) -> Ears:
        async def took() -> None:
            await self._heeded.took(name)

        async def works() -> None:
            await self._heeded.became(name, SessionState.BUSY)

        def happened(whats: Sequence[What]) -> None:
            self.records.append(name, whats, time.time())

        async def asked_there(words: str) -> None:
            await self._heeded.said(name, f"❗ {words}")
            await self._heeded.became(name, SessionState.WAITING)

        async def answered(dialog: str) -> None:
            self._questions.withdraw(f"{name} {dialog}")
            talk = self._talks.get(bare_id(name))
            if talk is not None and talk.is_busy and not talk.is_asking:
                await self._heeded.became(name, SessionState.BUSY)

        async def rests() -> None:
            await self._heeded.became(name, SessionState.IDLE)

        asked = partial(self._asked, name)
        return Ears(took, happened, asked, asked_there, answered, works, partial(self._heeded.said, name), rests)

    async def _asked(self, name: str, dialog: Dialog) -> None:
        asker = self._asker
        assert asker is not None  # noqa: S101 -- the agent connects it before it joins anything
        if self._never is None:
            self._never = asyncio.get_running_loop().create_future()  # its end is told as the end of its dialogs

        async def answer(decision: tuple[Json, Beside] | None) -> None:
            if decision is None:
                return
            chosen, words = decision
            if words.text:
                # By itself: the dialog is gone with its answer, and all that waits for it is ended then.
                self._tasks.start(f"words with {dialog.name}", partial(self._deny, name, dialog, chosen, words))
            else:
                await dialog.answer(chosen, "")

        ask = partial(asker.ask, name, dialog.name, dialog.about)
        self._questions.begin(f"{name} {dialog.name}", ask, answer, self._never, broken=None)
        await self._heeded.became(name, SessionState.WAITING)

    async def _deny(self, name: str, dialog: Dialog, chosen: Json, words: Beside) -> None:
        """A no with words; where it takes none along they join its turn: what it does now is to be something else."""
        this = f"{name} {dialog.name}"
        if this in self._denying:  # it is heard of again, before it had the answer: the words go in once
            await dialog.answer(chosen, "")
            return
        self._denying.add(this)
        try:
            if not await dialog.answer(chosen, words.text):
                talk = self._talks.get(bare_id(name))
                outcome = await self._say(talk, words.text) if talk else self._not_joined()
                if outcome != Outcome.done():
                    await self._heeded.said(name, f"What you wrote with your no: {outcome.detail}\n\n{words.text}")
            await words.arrived()
        finally:
            self._denying.discard(this)

    def _withdraw(self, session_id: str) -> None:
        self._questions.withdraw_all(f"{session_id} " if session_id else "")

    @property
    def _heeded(self) -> Listener:
        assert self._listener is not None  # noqa: S101 -- as above
        return self._listener

"""Coding agents that speak ACP, without a terminal: we run them ourselves, one for each session."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from agent.backends.acp.conversation import AcpTalk, Ears, Question
from agent.backends.acp.json_rpc import NOT_LOGGED_IN, Json
from agent.backends.acp.launch import Launcher, conversation_of
from agent.backends.acp.locks import Lock, Locks, until_next_minute
from agent.backends.acp.process import Refused
from agent.backends.acp.table import KNOWN, Kind, Load
from agent.backends.child import Ended
from agent.backends.open_questions import NOTHING, Beside, arrived, joined
from agent.backends.programs import PATIENCE, Listener, Places, ProgramBackend, not_a_mode
from agent.backends.record import Records
from agent.domain.acp_question import Form, Permission
from agent.domain.command import Action, Input, Outcome, Reason
from agent.domain.control import MODES, ControlKind, ControlSignal
from agent.domain.errors import Refusal
from agent.domain.program import Program
from agent.domain.session import Conversation, Session, SessionState
from agent.domain.session_event import What
from agent.loops import Tasks
from agent.processes import identify

logger = logging.getLogger(__name__)

MARGIN = 1.0  # seconds beyond the turn of a minute, for a clock that is set meanwhile
_OPEN = "This conversation is open in another agent of this machine. Go on there, or end it first."
_HELD = "{title} is at work, and a text would {busy}: it goes in when this turn is over"


class Asker(Protocol):
    """Who decides what may be done."""

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside]:
        """What the program is to hear, and what a person said beside a no. Cancelled when it asks no more."""


class Nobody:
    """Answers nothing."""

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside]:  # noqa: ARG002
        is_permission = isinstance(about, Permission)
        return ({"outcome": {"outcome": "cancelled"}} if is_permission else {"action": "cancel"}), NOTHING


class AcpBackend(ProgramBackend[AcpTalk, Asker, tuple[Json, Beside]]):
    """Runs at most one program for each session."""

    def __init__(
        self,
        environ: Mapping[str, str] = MappingProxyType({}),
        patience: float = PATIENCE,
        places: Places | None = None,
        trusted: Sequence[Path] = (),
        workers: Path | None = None,
        records: Path | None = None,
        kinds: Mapping[str, Kind] = KNOWN,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(Nobody(), patience, places)
        self._launcher = Launcher(environ, trusted, workers, kinds)
        self._locks = Locks(self._launcher.environ)
        self._records = Records(records)
        self._now = now

    def connect(self, listener: Listener, asker: Asker | None = None, tasks: Tasks | None = None) -> None:
        super().connect(listener, asker, tasks)
        self._records.prune(self._now())

    @property
    def installed(self) -> tuple[Kind, ...]:
        """The programs that are here."""
        return tuple(kind for kind in self._launcher.kinds.values() if self._launcher.path(kind))

    async def standing(self) -> tuple[Program, ...]:
        """Those that are here, and what is known of each."""
        return tuple(await asyncio.gather(*map(self._launcher.standing, self.installed)))

    def title(self, session: Session) -> str:
        """What people call the program of a session."""
        kind = self._launcher.kinds.get(session.target.get("agent", ""))
        return kind.title if kind else "its program"

    def modes(self, session: Session) -> tuple[str, ...]:
        """The modes, by our names, that can be chosen for its program."""
        kind = self._launcher.kinds.get(session.target.get("agent", ""))
        known = tuple(name for name in MODES if kind is not None and name in kind.modes)
        return known if len(known) > 1 else ()

    async def release(self, session: Session) -> None:
        talk = self._running.get(session.session_id)
        await super().release(session)
        if talk is not None:  # whoever ends a session wants nothing more said in it
            await arrived(*talk.unsaid, *talk.doubtful)

    async def obstacle(self, session: Session, action: Action) -> str:
        """Texts wait here until the turn is over, where they can still be taken back."""
        if not isinstance(action, Input):
            return ""
        talk = self._running.get(session.session_id)
        kind = self._launcher.kinds.get(session.target.get("agent", ""))
        if talk is not None and not talk.how:
            return _HELD.format(title=talk.kind.title, busy=_BUSY[talk.kind.busy.name]) if talk.is_busy else ""
        if kind is not None and (left := self._too_soon(kind, conversation_of(session))):
            then = datetime.fromtimestamp(self._now() + left, UTC).astimezone().strftime("%H:%M:%S")
            return f"{kind.title} can take its conversation up again at {then}; before, it would lose it"
        return ""

    async def _say(self, session: Session, content: str) -> Outcome:
        name = session.session_id
        try:
            talk = await self._reach(session)
        except Refusal as refusal:
            return Outcome.failed(refusal.reason, refusal.text)
        try:
            if refused := await self._opened(session, talk):
                return refused
            await talk.free()
            await asyncio.wait_for(talk.say(content), self._patience)
        except Ended as ended:
            return Outcome.uncertain(Reason.TARGET_GONE, f"{talk.kind.title} ended before it said anything: {ended}")
        except Refused as refused:
            return Outcome.failed(
                Reason.BACKEND_ERROR, _no(talk.kind, f"does not take the text: {refused}", refused.code)
            )
        except TimeoutError:
            why = f"{talk.kind.title} did not say anything to this within {self._patience:.0f} s. It may still."
            return Outcome.uncertain(Reason.BACKEND_ERROR, why)
        finally:
            self._saying.discard(name)
        return Outcome.done()

    async def _opened(self, session: Session, talk: AcpTalk) -> Outcome | None:
        """None once it has its conversation; else why it cannot have it, and then it has ended."""
        if talk.conversation_id and talk.is_ready:
            return None
        earlier = conversation_of(session)
        lock = self._locks.of(talk.kind.name, earlier) if earlier else None
        try:
            if lock is not None and not await self._locked(talk.kind, lock, earlier):
                await talk.stop()
                return Outcome.failed(Reason.CONVERSATION_OPEN, _OPEN)
            await talk.open(earlier, self._patience)
            await asyncio.to_thread(self._launcher.tidy, talk.kind, earlier)
            lock = lock or self._locks.of(talk.kind.name, talk.conversation_id)
            if not earlier:
                lock.take()
            lock.mark(self._now())
        except (Refused, Ended, TimeoutError, OSError) as error:
            if lock is not None:
                lock.release()
            await talk.stop()
            return self._not_open(talk, earlier, error)
        talk.ended.add_done_callback(lambda _: lock.release())
        talk.is_ready = True
        process = identify(talk.pid)
        if process is not None:
            record = self._records.path(session.session_id)
            await self._heeded.talks(session.session_id, Conversation(talk.conversation_id, process, "", record))
        return None

    async def _locked(self, kind: Kind, lock: Lock, earlier: str) -> bool:
        if not lock.take():
            return False
        if left := self._too_soon(kind, earlier):  # a start has no obstacle: it waits here
            await asyncio.sleep(left)
        return True

    def _too_soon(self, kind: Kind, earlier: str) -> float:
        """Seconds in which taking it up again would destroy it."""
        if not earlier or kind.load is not Load.NEXT_MINUTE:
            return 0.0
        now = self._now()
        opened = self._locks.opened(kind.name, earlier)
        left = until_next_minute(now if opened is None else opened, now)  # whoever else began it may have done so now
        return left + MARGIN if left else 0.0

    def _not_open(self, talk: AcpTalk, earlier: str, error: Exception) -> Outcome:
        what = "does not take its conversation up again" if earlier else "does not start"
        code = error.code if isinstance(error, Refused) else 0
        how = str(error)
        if isinstance(error, TimeoutError):
            how = f"it did not answer within {self._patience:.0f} s"
        if earlier:
            how = f"{how.rstrip('.')}. If that stays so, end this session and start another"
        return Outcome.failed(Reason.BACKEND_ERROR, _no(talk.kind, f"{what}: {how}", code))

    async def _interrupt(self, session: Session) -> Outcome:
        talk = self._running.get(session.session_id)
        if talk is None:
            return Outcome.done("nothing was running")
        name, title, unsaid = session.session_id, talk.kind.title, talk.unsaid
        try:
            if not await talk.cancel():
                return Outcome.done("nothing was running")
            outcome = Outcome.done()
        except TimeoutError:
            await talk.stop()
            await self._heeded.became(name, SessionState.IDLE)
            outcome = Outcome.done(f"{title} did not stop, and was ended. The next text takes it up again.")
        if unsaid:
            await self._heeded.said(
                name, f"{title} was stopped before it had what you wrote with your no: {joined(unsaid)}"
            )
            await arrived(*unsaid)
        return outcome

    async def _control(self, session: Session, signal: ControlSignal) -> Outcome:
        title, value, patience = self.title(session), signal.value, self._patience
        match signal.kind:
            case ControlKind.INTERRUPT:
                return await self._interrupt(session)
            case ControlKind.MODE if value not in (modes := self.modes(session)):
                return not_a_mode(value, modes)
            case ControlKind.MODE:
                return await self._changed(session, lambda talk: talk.settings.change_mode(value, patience), title)
            case ControlKind.MODEL:
                return await self._changed(session, lambda talk: talk.settings.change_model(value, patience), title)
        text = f"{title} has no {signal.kind.value} here. Where it knows a command for it, write that."
        return Outcome.failed(Reason.UNSUPPORTED, text)

    async def _launched(self, session: Session) -> AcpTalk:
        plan = await self._launcher.plan(session)
        talk = AcpTalk(self._launcher.kind(session), plan, self._ears(session.session_id))
        await asyncio.to_thread(self._launcher.tidy, talk.kind, conversation_of(session))
        try:
            await talk.start(session.session_id)
        except OSError as error:
            why = f"{talk.kind.title} does not start: {plan.argv[0]} cannot be started: {error.strerror}"
            raise Refusal(Reason.BACKEND_ERROR, why) from None
        return talk

    def _farewell(self, session_id: str, running: AcpTalk) -> str:  # noqa: ARG002
        if running.is_saying or not running.is_ready:  # its delivery tells
            return ""
        cut = " in the middle of a turn" if running.is_busy else ""
        lost = f" What you wrote with your no has not reached it: {joined(running.unsaid)}" if running.unsaid else ""
        if running.doubtful:
            lost = f" Whether it has what you wrote with your no cannot be known: {joined(running.doubtful)}"
        return f"{running.kind.title} ended{cut} ({running.how}). The next text takes up the conversation again.{lost}"

    async def _mourned(self, session_id: str, running: AcpTalk) -> None:  # noqa: ARG002
        await arrived(*running.unsaid, *running.doubtful)

    def _ears(self, name: str) -> Ears:
        async def took() -> None:
            self._engaged.add(name)  # before anybody is told, who may ask for a fresh program
            # First that it is at work: if we are killed in between, its turn is told as cut, and the text as in doubt.
            await self._heeded.became(name, SessionState.BUSY)
            await self._heeded.took(name)

        def happened(whats: Sequence[What]) -> None:
            self._records.append(name, whats, self._now())

        async def asked(question: Question) -> None:
            await self._asked(name, question)

        async def resumes() -> None:
            await self._heeded.became(name, SessionState.BUSY)

        async def rests() -> None:
            self._engaged.discard(name)
            await self._heeded.became(name, SessionState.IDLE)

        return Ears(
            took, happened, asked, lambda each: self._questions.withdraw(f"{name} {each}"),
            resumes, partial(self._heeded.said, name), rests, partial(self._heeded.works, name),
            partial(self._heeded.aside, name), partial(self._heeded.is_followed, name),
        )  # fmt: skip

    async def _asked(self, name: str, question: Question) -> None:
        talk = self._running[name]

        async def answer(decision: tuple[Json, Beside]) -> None:
            result, words = decision
            if words.text:
                talk.unsaid = (*talk.unsaid, words)
            if not talk.is_asking_beside(question.name):
                await self._heeded.became(name, SessionState.BUSY)
            await question.answer(result)

        unasked = (question.void, NOTHING)
        ask = partial(self._asker.ask, name, f"{talk.pid} {question.name}", question.about)
        self._questions.begin(f"{name} {question.name}", ask, answer, talk.ended, broken=unasked)
        await self._heeded.became(name, SessionState.WAITING)


_BUSY = {
    "STOPS": "stop it",
    "QUEUES": "wait in there, where nobody can take it back",
    "JOINS": "be mixed with it",
    "REFUSED": "be refused",
    "UNKNOWN": "disturb it",
}


def _no(kind: Kind, words: str, code: int) -> str:
    """Why it did not do as it was told, for people."""
    if code == NOT_LOGGED_IN or "authentication required" in words.casefold():
        return f"{kind.title} is not logged in here. Log in with it in a terminal of this machine, then write again."
    return f"{kind.title} {words}"

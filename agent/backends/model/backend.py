"""Sessions with a model alone: no program, no folder, and no tools but one that proposes.

A text counts as taken once the endpoint has begun to answer; from then on it stands in the history, a file of ours,
also where the answer breaks off. What comes meanwhile waits. Nothing is ever asked twice by itself.
"""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agent.backends.acp.deltas import Aloud
from agent.backends.model.dialect import NOTHING, Counted, Over, Turn, Wants, Words
from agent.backends.model.endpoint import Refused, Source, Taken
from agent.backends.model.history import Histories, History, as_text
from agent.backends.model.http_stream import Broken, Unreachable
from agent.backends.model.proposal import TOOL, proposal
from agent.backends.programs import Listener
from agent.backends.record import Records
from agent.backends.terminals import typing_rules
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import Conversation, Session, SessionState
from agent.domain.session_event import Said, Speaker, Used, What
from agent.loops import Tasks
from agent.processes import identify

logger = logging.getLogger(__name__)

NAME = "model"  # as people name it where they say which agent
MOST_GIVEN = 6000  # characters of a proposal that it is shown later
MOST_SAID = 32 * 1024  # characters of one answer that are kept and shown
_NONE = "No model is set on this machine: POINTSMAN_MODEL_URL and POINTSMAN_MODEL, then restart its agent."
_NO_LINE = "This session has no input line: write a text for it, or send esc to stop what it does."
_BUSY = "{title} is answering: the text goes in when that is over"
_CUT = "The answer ended before it was whole: {why}. Write to go on; it knows what it had said."
_LIMIT = "(It stopped here, at the most that one answer may have. Write to go on.)"
_PROPOSES = "This is work for a coding agent."
_NO_PROPOSAL = "(It would hand over work, and did not say what in a way that can be shown. Ask in other words.)"
_SUM = (
    "You make a summary of the talk that follows, for yourself: you will go on with it and see no more than what you"
    " write now. Keep facts, names, numbers, wishes, what was decided, what is open. Write no more than 300 words."
)
_AT_LIMIT = {"max_tokens", "length"}


@dataclass(slots=True)
class Asking:
    """One answer that is under way."""

    session: Session
    text: str
    aloud: Aloud
    taken: "asyncio.Future[None]"
    answer_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    words: str = ""
    counted: Counted = NOTHING
    wanted: list[str] = field(default_factory=list)  # what it would hand over, as it wrote it; the first counts
    why: str = ""  # it stopped, in the endpoint's word
    is_stopped: bool = False
    task: "asyncio.Task[None] | None" = None
    stream: "asyncio.Task[None] | None" = None


class ModelBackend:
    """Asks for one answer of a session at a time."""

    def __init__(
        self,
        source: Source | None,
        histories: Histories,
        records: Path | None = None,
        instructions: Callable[[Session], str] = lambda _: "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """`instructions` are what the model is told first; they are read for each text, and may look at the disk."""
        self._source = source
        self._histories = histories
        self._records = Records(records)
        self._instructions = instructions
        self._now = now
        self._tasks = Tasks()
        self._listener: Listener | None = None
        self._asking: dict[str, Asking] = {}

    def connect(self, listener: Listener, tasks: Tasks | None = None) -> None:
        """Say who listens, and who is told of what breaks, before the first text."""
        self._listener, self._tasks = listener, tasks or self._tasks

    @property
    def is_set(self) -> bool:
        """Whether the owner has named a model."""
        return self._source is not None

    @property
    def under_way(self) -> int:
        """How many answers are."""
        return len(self._asking)

    @property
    def title(self) -> str:
        """What people call it."""
        return self._source.title if self._source else "the model"

    async def deliver(self, session: Session, action: Action) -> Outcome:
        match action:
            case Input(text=text, submit=True) if content := typing_rules.clean(text):
                return await self._say(session, content)
            case Input() | KeyPress(name="enter"):
                return Outcome.failed(Reason.UNSUPPORTED, _NO_LINE)
            case KeyPress(name="esc" | "ctrl-c") | ControlSignal(kind=ControlKind.INTERRUPT):
                return await self._stop(session)
            case ControlSignal(kind=ControlKind.CLEAR):
                return await self._clear(session)
            case KeyPress(name=name):
                return Outcome.failed(Reason.UNSUPPORTED, f"{name!r} has no meaning here. {_NO_LINE}")
            case ControlSignal():
                return Outcome.failed(Reason.UNSUPPORTED, f"A session with a model has no {action.kind.value}.")

    async def obstacle(self, session: Session, action: Action) -> str:
        is_busy = isinstance(action, Input) and session.session_id in self._asking
        return _BUSY.format(title=self.title) if is_busy else ""

    async def clear_line(self, session: Session) -> None:
        """There is no line."""

    async def alive(self, session: Session) -> bool:  # noqa: ARG002
        """The next text can always be asked."""
        return True

    async def refresh(self, session: Session) -> bool:
        """Nothing runs between two texts."""
        return session.session_id not in self._asking

    async def release(self, session: Session) -> None:
        """What was said is said to nobody any more."""
        await self._end(session.session_id)
        await asyncio.to_thread(self._histories.forget, session.session_id)

    async def close(self) -> None:
        """End all answers: with this process nobody would hear them."""
        await asyncio.gather(*(self._end(name) for name in list(self._asking)))

    async def _say(self, session: Session, content: str) -> Outcome:
        if self._source is None:
            return Outcome.failed(Reason.UNSUPPORTED, _NONE)
        name = session.session_id
        if name in self._asking:
            return Outcome.failed(Reason.ILLEGAL_STATE, _BUSY.format(title=self.title))
        aloud = Aloud(partial(self._heeded.aside, name), partial(self._heeded.is_followed, name))
        asking = Asking(session, content, aloud, asyncio.get_running_loop().create_future())
        self._asking[name] = asking
        asking.task = self._tasks.start(f"answer in {name}", partial(self._answer, asking, self._source))
        try:
            await asyncio.shield(asking.taken)
        except (Refused, Unreachable) as refused:
            return Outcome.failed(Reason.BACKEND_ERROR, f"Not asked: {_sentence(refused)}")
        except Broken as broken:
            why = f"{self.title} may have been asked, and nothing came of it: {_sentence(broken)}"
            return Outcome.uncertain(Reason.BACKEND_ERROR, why)
        return Outcome.done()

    async def _answer(self, asking: Asking, source: Source) -> None:
        """Ask, hear, remember, tell."""
        name = asking.session.session_id
        try:
            history, system = await asyncio.to_thread(self._known, asking.session)
            history = history.and_then(Turn(is_persons=True, text=asking.text))
            asking.stream = asyncio.create_task(self._hear(asking, source, history, system))
            if asking.is_stopped:
                asking.stream.cancel()
            await asyncio.wait([asking.stream])
            error = None if asking.stream.cancelled() else asking.stream.exception()
            if asking.taken.done():
                await self._finish(asking, source, history, error)
            else:
                asking.taken.set_exception(error or Broken("it was stopped before it answered"))
        finally:
            if asking.stream is not None:
                asking.stream.cancel()
            if not asking.taken.done():
                asking.taken.set_exception(Broken("the agent stopped"))
                asking.taken.exception()  # then nobody waits for it any more
            del self._asking[name]

    def _known(self, session: Session) -> tuple[History, str]:
        return self._histories.read(session.session_id), self._instructions(session)

    async def _hear(self, asking: Asking, source: Source, history: History, system: str) -> None:
        """Raises as `ask` of a source does."""
        async with aclosing(source.ask(history.under(system), history.shown, (TOOL,))) as pieces:
            async for piece in pieces:
                match piece:
                    case Taken():
                        await self._took(asking, history)
                    case Words(text=text) if len(asking.words) < MOST_SAID:
                        asking.words += text
                        asking.aloud.says(asking.answer_id, asking.words)
                    case Counted():
                        asking.counted = _newer(asking.counted, piece)
                    case Wants(tool=TOOL.name, given=given):
                        asking.wanted.append(given)
                    case Over(why=why):
                        asking.why = why

    async def _took(self, asking: Asking, history: History) -> None:
        """It has the text, and nobody gives it to it again."""
        session = asking.session
        await self._keep(session, history)
        if session.conversation is None and (process := identify(os.getpid())):
            record = self._records.path(session.session_id)
            await self._heeded.talks(session.session_id, Conversation(str(uuid.uuid4()), process, "", record))
        self._happened(session, [Said(Speaker.USER, asking.text)])
        await self._heeded.took(session.session_id)
        await self._heeded.works(session.session_id, "", self.title)
        await self._heeded.became(session.session_id, SessionState.BUSY)
        if not asking.taken.done():
            asking.taken.set_result(None)

    async def _finish(self, asking: Asking, source: Source, history: History, error: BaseException | None) -> None:
        """The answer is over, and told."""
        session, said = asking.session, asking.words.strip()
        asking.aloud.says("", "")
        # Also where it said nothing: else the next text would be one with this, and be answered with it.
        history = history.and_then(Turn(is_persons=False, text=_remembered(asking, said)))
        await self._keep(session, history)
        if said:
            self._happened(session, [Said(Speaker.ASSISTANT, said)])
        if asking.counted != NOTHING:
            counted = asking.counted
            figures = (counted.input, counted.output, counted.cache_read, counted.cache_written)
            self._happened(session, [Used(self.title, *figures)])
        if not asking.is_stopped:  # whoever stopped it knows
            proposed = [proposal(given) for given in asking.wanted[:1]] if error is None else []
            told = _told(asking, said, error, is_lost=None in proposed)
            offered = next(iter(proposed), None)
            await self._heeded.said(session.session_id, told, asking.counted.output, offered)
        if history.is_long:
            await self._sum_up(session, source, history)
        await self._heeded.became(session.session_id, SessionState.IDLE)
        if error is not None and not isinstance(error, Broken):
            raise error

    async def _sum_up(self, session: Session, source: Source, history: History) -> None:
        """Let it make a summary of what is old. Where it does not, that is shown to it no more, and tried again."""
        summary, is_whole = "", False
        try:
            async with aclosing(source.ask(_SUM, [Turn(is_persons=True, text=as_text(history))])) as pieces:
                async for piece in pieces:
                    summary += piece.text if isinstance(piece, Words) else ""
                    is_whole = is_whole or isinstance(piece, Over)
        except (Refused, Unreachable, Broken) as error:
            logger.info("no summary session_id=%s: %s", session.session_id, error)
        if is_whole and summary.strip():
            await self._keep(session, history.summed_up(summary.strip()))

    async def _stop(self, session: Session) -> Outcome:
        asking = self._asking.get(session.session_id)
        if asking is None or asking.task is None:
            return Outcome.done("nothing was running")
        asking.is_stopped = True
        if asking.stream is not None:
            asking.stream.cancel()
        await asyncio.wait([asking.task])
        return Outcome.done()

    async def _clear(self, session: Session) -> Outcome:
        """Begin anew: nothing that was said counts any more."""
        if session.session_id in self._asking:
            return Outcome.failed(Reason.ILLEGAL_STATE, _BUSY.format(title=self.title))
        await asyncio.to_thread(self._histories.forget, session.session_id)
        return Outcome.done("it has forgotten what was said")

    async def _end(self, name: str) -> None:
        asking = self._asking.get(name)
        if asking is not None and asking.task is not None:
            asking.task.cancel()
            await asyncio.wait([asking.task])

    async def _keep(self, session: Session, history: History) -> None:
        try:
            await asyncio.to_thread(self._histories.write, session.session_id, history)
        except OSError as error:  # the answer is told all the same; it is missing in what the model knows later
            logger.warning("cannot remember what was said session_id=%s: %s", session.session_id, error)

    def _happened(self, session: Session, whats: Sequence[What]) -> None:
        self._records.append(session.session_id, whats, self._now())

    @property
    def _heeded(self) -> Listener:
        assert self._listener is not None  # noqa: S101 -- the agent connects it before it takes commands
        return self._listener


def _told(asking: Asking, said: str, error: BaseException | None, *, is_lost: bool) -> str:
    """What people are told of an answer."""
    if error is not None:
        why = str(error) if isinstance(error, Broken) else type(error).__name__
        return f"{said}\n\n{_CUT.format(why=why)}".strip()
    if asking.why in _AT_LIMIT or len(asking.words) >= MOST_SAID:
        return f"{said}\n\n{_LIMIT}".strip()
    if is_lost:
        return f"{said}\n\n{_NO_PROPOSAL}".strip()
    return said or (_PROPOSES if asking.wanted else "It said nothing. Ask in other words.")


def _remembered(asking: Asking, said: str) -> str:
    """What it knows later of its answer."""
    proposed = [f"[proposed to the person: {given[:MOST_GIVEN]}]" for given in asking.wanted[:1]]
    words = "\n\n".join(filter(None, (said, *proposed)))
    return words if words and asking.why else f"{words} […]".strip()


def _newer(known: Counted, told: Counted) -> Counted:
    """Each figure is of the whole answer so far, and may come alone."""
    pairs = zip((known.input, known.output, known.cache_read, known.cache_written),
                (told.input, told.output, told.cache_read, told.cache_written), strict=True)  # fmt: skip
    return Counted(*(max(pair) for pair in pairs))


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."

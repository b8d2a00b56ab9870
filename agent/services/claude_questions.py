"""Claude Code's questions, asked from afar: those of its hook, beside its own dialog, and those of its stream-json.

Its hook and its dialog race, and the first answer wins. A no at the terminal ends the hook, and with it the asker's
connection. A yes does not: then its registry says that no dialog is open any more, and PostToolUse that the tool ran.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.backends.claude.registry_file import ClaudeCode, Doing
from agent.backends.folders import text_within
from agent.backends.open_questions import NOTHING, Beside
from agent.clock import Clock
from agent.domain import claude_tool
from agent.domain.claude_question import ALLOW, ASKS, DENY, ToolUse, denial, questions, verdict, whole
from agent.domain.hook import HookEvent
from agent.domain.permission import LONGEST_PARKED, LONGEST_WAIT, Decision, Over, Question
from agent.domain.session import Conversation, Session
from agent.processes import is_running
from agent.services.parking import REST, Parking, is_parkable
from agent.services.permissions import Asking, Permissions

LOOK = 0.25  # seconds between looks at the registry while a question is open
NEVER_OPEN = 5.0  # seconds without a dialog after which there will be none: it was answered before we looked
_ENDED = "its program ended"
_STOPPED = "its turn was stopped"
_NO_ANSWER = "Nobody answered in time whether this is allowed, so it is not. Go on without it, or ask again."
LONGEST_FILE = 256 * 1024  # bytes of a file whose change is shown against what it holds
_YES = (Decision(ALLOW),)
_DIALOG = "permission_prompt"  # the kind of Notification that comes some seconds after a dialog was opened


@dataclass(eq=False, slots=True)
class _Open:
    """One dialog that is asked about from afar."""

    session_id: str
    agent_id: str
    use: ToolUse
    ran: asyncio.Event = field(default_factory=asyncio.Event)

    def is_for(self, session: Session, event: HookEvent) -> bool:
        """Whether that event says that this very tool ran. An answered question has its answers beside its input."""
        same = (session.session_id, event.text("agent_id"), event.text("tool_name"))
        if same != (self.session_id, self.agent_id, self.use.tool):
            return False
        return self.use.tool == ASKS or event.payload.get("tool_input") == self.use.given


class ClaudeQuestions:
    """What PermissionRequest and PostToolUse have to do with each other."""

    def __init__(self, clock: Clock, look: Callable[[Conversation], Doing] | None = None) -> None:
        self._clock = clock
        self._look = look or _doing
        self._open: list[_Open] = []

    async def ask(self, session: Session, event: HookEvent, asking: Asking) -> Mapping[str, object] | None:
        """What to tell the program; None when its dialog was answered, or is left to the terminal."""
        if (asked := tool_use(event)).tool in claude_tool.OURS:
            return _hook_verdict(event, asked, _YES)
        use = await _against(asked, session.cwd or event.text("cwd"))
        dialog = _Open(session.session_id, event.text("agent_id"), use)
        answering = asyncio.create_task(_hook_answer(session.session_id, event, use, asking))
        closing = asyncio.create_task(self._closed(session, dialog))
        self._open.append(dialog)  # before the first await: PostToolUse may be quick
        try:
            await asyncio.wait((answering, closing), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            over, detail = closing.result()
            await asking.give_up(over, detail)  # its buttons are void from now on
            return None
        finally:
            self._open.remove(dialog)
            for task in (answering, closing):
                task.cancel()
            await asyncio.gather(answering, closing, return_exceptions=True)

    def tool_ran(self, session: Session, event: HookEvent) -> None:
        """A tool ran: whoever asked about it has been answered at the terminal."""
        dialog = next((each for each in self._open if each.is_for(session, event)), None)
        if dialog is not None:
            dialog.ran.set()

    def covers(self, session: Session, event: HookEvent) -> bool:
        """Whether an event only says that there is a dialog, about which people are asked already."""
        is_notice = event.name == "Notification" and event.text("notification_type") == _DIALOG
        return is_notice and any(each.session_id == session.session_id for each in self._open)

    async def _closed(self, session: Session, dialog: _Open) -> tuple[Over, str]:
        """Wait until there is no dialog at the terminal any more."""
        began, was_open = self._clock.monotonic(), False
        talk = session.conversation
        while not dialog.ran.is_set():
            if talk is not None:
                if not is_running(talk.process):
                    return Over.WITHDRAWN, _ENDED
                doing = self._look(talk)
                was_open = was_open or doing is Doing.WAITING
                waited = self._clock.monotonic() - began >= NEVER_OPEN
                if doing in (Doing.IDLE, Doing.BUSY) and (was_open or waited):
                    return Over.ANSWERED_ELSEWHERE, ""
            try:
                await asyncio.wait_for(dialog.ran.wait(), LOOK)
            except TimeoutError:
                continue
        return Over.ANSWERED_ELSEWHERE, ""


class StreamQuestions:
    """What the programs without a terminal ask. There is no dialog: only people can answer."""

    def __init__(
        self,
        permissions: Permissions,
        find: Callable[[str], Session | None] = lambda _: None,
        parking: Parking | None = None,
    ) -> None:
        self._permissions, self._find, self._parking = permissions, find, parking

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> tuple[Mapping[str, object], Beside]:
        """What the program is to hear, and what of that a person wrote. When this is cancelled, it asks no more.

        Raises StoreUnavailable.
        """
        if use.tool in claude_tool.OURS:
            return verdict(use, _YES), NOTHING
        if self._parking is not None:
            if (allowed := self._parking.let_through(session_id, use)) is not None:
                return verdict(use, (allowed,)), NOTHING
            await self._parking.asked_anew(session_id, use)
        session = self._find(session_id)
        if session is not None:
            use = await _against(replace(use, mode=session.mode), session.cwd)
        async with self._permissions.asking() as asking:
            waiting = asyncio.ensure_future(_decisions(self._questions(session_id, asker, use), use, asking))
            try:
                if await self._is_parked(session_id, asker, use, waiting):
                    asking.asked = []  # it stays open
                    return REST, NOTHING
                decided = await waiting
            except asyncio.CancelledError:
                waiting.cancel()
                await asyncio.shield(asking.give_up(Over.WITHDRAWN, _STOPPED))
                raise
            if not decided:
                return denial(_NO_ANSWER), NOTHING
            is_no = decided[-1].option_id == DENY
            return verdict(use, decided), asking.beside(asking.asked[-1], decided[-1].text) if is_no else NOTHING

    def _questions(self, session_id: str, asker: str, use: ToolUse) -> tuple[Question, ...]:
        """What people are asked. Where no program has to wait for it, an answer may come much later."""
        first, *_ = asked = questions(use, session_id, asker)
        if self._parking is None or not is_parkable(first):
            return asked
        return questions(use, session_id, asker, LONGEST_PARKED)

    async def _is_parked(
        self, session_id: str, asker: str, use: ToolUse, waiting: "asyncio.Future[list[Decision] | None]"
    ) -> bool:
        """Wait for the answer for a while; whether the program is to be ended while others wait for it."""
        first = self._questions(session_id, asker, use)[0]
        if self._parking is None or not is_parkable(first):
            return False
        late: asyncio.Future[Any] = asyncio.ensure_future(self._parking.long_enough())
        try:
            await asyncio.wait((waiting, late), return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
        if waiting.done():
            return False
        waiting.cancel()
        await asyncio.wait((waiting,))
        if not waiting.cancelled():  # it came just now
            return False
        await self._parking.park(first, use)
        return True


async def _hook_answer(session_id: str, event: HookEvent, use: ToolUse, asking: Asking) -> Mapping[str, object] | None:
    decided = await _decisions(questions(use, session_id, event.asker, LONGEST_WAIT), use, asking)
    return None if decided is None else _hook_verdict(event, use, decided)


def _hook_verdict(event: HookEvent, use: ToolUse, decided: Sequence[Decision]) -> Mapping[str, object]:
    return {"hookSpecificOutput": {"hookEventName": event.name, "decision": verdict(use, decided)}}


async def _decisions(asked: tuple[Question, ...], use: ToolUse, asking: Asking) -> list[Decision] | None:
    """One decision for each question, up to the first no; None when one was not answered in time."""
    decided: list[Decision] = []
    for number, question in enumerate(asked):
        decision = await asking.ask(question)
        if decision is None:
            return None
        if decision.answers:  # the rest of the form is answered with it, and not asked
            return decided + whole(use, number, decision)
        decided.append(decision)
        if decision.option_id == DENY:
            break
    return decided


async def _against(use: ToolUse, folder: str) -> ToolUse:
    """With what the file holds that it would change; of one elsewhere nothing is told, as nobody allowed to read it."""
    path = claude_tool.path_of(use.tool, use.given)
    if not path or not folder:
        return use
    held = await asyncio.to_thread(text_within, Path(path), Path(folder), LONGEST_FILE)
    return replace(use, before=held)


def tool_use(event: HookEvent) -> ToolUse:
    """What a PermissionRequest asks."""
    given, suggested = event.payload.get("tool_input"), event.payload.get("permission_suggestions")
    suggestions = [each for each in suggested if isinstance(each, dict)] if isinstance(suggested, list) else []
    mode = event.text("permission_mode")
    return ToolUse(event.text("tool_name"), given if isinstance(given, dict) else {}, tuple(suggestions), mode)


def _doing(talk: Conversation) -> Doing:
    return ClaudeCode(talk.process.pid, Path(talk.folder), Path()).look().doing

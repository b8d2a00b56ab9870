"""Claude Code's questions at a terminal: asked from afar while its own dialog is open, and over when that closes.

Its hook and its dialog race, and the first answer wins. A no at the terminal ends the hook, and with it the asker's
connection. A yes does not: then its registry says that no dialog is open any more, and PostToolUse that the tool ran.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.backends.claude_code import ClaudeCode, Doing
from agent.backends.process import is_running
from agent.clock import Clock
from agent.domain.claude_question import ASKS, ToolUse, questions, verdict
from agent.domain.hook import HookEvent
from agent.domain.permission import Decision, Over
from agent.domain.session import Conversation, Session
from agent.services.permissions import Asking

LOOK = 0.25  # seconds between looks at the registry while a question is open
NEVER_OPEN = 5.0  # seconds without a dialog after which there will be none: it was answered before we looked
_ENDED = "its program ended"


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
        use = tool_use(event)
        dialog = _Open(session.session_id, event.text("agent_id"), use)
        answering = asyncio.create_task(self._answers(session, event, use, asking))
        closing = asyncio.create_task(self._closed(session, dialog))
        self._open.append(dialog)
        try:
            await asyncio.wait((answering, closing), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            over, detail = closing.result()
            await asking.give_up(over, detail)
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

    async def _answers(
        self, session: Session, event: HookEvent, use: ToolUse, asking: Asking
    ) -> Mapping[str, object] | None:
        decisions: list[Decision] = []
        for question in questions(use, session.session_id, event.asker):
            decision = await asking.ask(question)
            if decision is None:
                return None
            decisions.append(decision)
            if decision.option_id == "deny":
                break
        decided = verdict(use, decisions)
        return {"hookSpecificOutput": {"hookEventName": event.name, "decision": decided}}

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


def tool_use(event: HookEvent) -> ToolUse:
    """What a PermissionRequest asks."""
    given, suggested = event.payload.get("tool_input"), event.payload.get("permission_suggestions")
    suggestions = [each for each in suggested if isinstance(each, dict)] if isinstance(suggested, list) else []
    return ToolUse(event.text("tool_name"), given if isinstance(given, dict) else {}, tuple(suggestions))


def _doing(talk: Conversation) -> Doing:
    return ClaudeCode(talk.process.pid, Path(talk.folder), Path()).look().doing

"""What becomes of each event that a coding agent's hooks report."""

import logging
from collections.abc import Mapping

from agent.domain.hook import HookEvent, Repeats
from agent.domain.session import Session
from agent.services.alerts import Alerts
from agent.services.claude_questions import ClaudeQuestions
from agent.services.permissions import Asking
from agent.services.prompt_tracking import PromptTracking
from agent.services.session_lookup import SessionLookup
from agent.services.states import States

logger = logging.getLogger(__name__)


class Hooks:
    """Hears events, in the order in which they come. What an event changes is on disk when it is answered."""

    def __init__(
        self,
        session_lookup: SessionLookup,
        prompts: PromptTracking,
        states: States,
        alerts: Alerts,
        questions: ClaudeQuestions,
    ) -> None:
        self._session_lookup = session_lookup
        self._prompts = prompts
        self._states = states
        self._alerts = alerts
        self._questions = questions
        self._repeats = Repeats()

    async def heard(self, event: HookEvent) -> Session | None:
        """Take one event in; the session that it is of, where that was not heard before. Raises StoreUnavailable."""
        if not self._repeats.is_new(event):
            return None
        session = await self._session_lookup.attend(event)
        if session is None:
            logger.debug("event of a strange program event=%s", event.name)
            return None
        if event.name == "PostToolUse":
            self._questions.tool_ran(session, event)
        await self._states.hint(session, event)
        await self._prompts.heard(session, event)
        if not self._questions.covers(session, event):
            await self._alerts.tell(session, event)
        if event.name == "SessionEnd":
            await self._session_lookup.leave(session, event)
        return session

    async def asked(self, event: HookEvent, asking: Asking) -> Mapping[str, object] | None:
        """A PermissionRequest: what to tell the coding agent once a person has answered; None to leave it alone.

        Without a terminal behind it nobody waits: a script is not to hang on a question that it never had to ask, and
        what we started ourselves asks over its own stream.
        """
        if not event.interactive or not self._repeats.is_new(event):
            return None
        session = await self._session_lookup.attend(event)
        if session is not None:
            await self._states.hint(session, event)
        return await self._questions.ask(session, event, asking) if session else None

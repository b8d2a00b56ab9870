"""Tells people what a coding agent's hooks report, each thing once."""

import uuid

from agent.domain import alert
from agent.domain.frames import Notify
from agent.domain.hook import HookEvent
from agent.domain.session import Session, bare_id
from agent.store.outbox import Outbox


class Alerts:
    """Writes notifications into the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiting: set[str] = set()  # sessions of which people know that they wait for the next prompt

    async def tell(self, session: Session, event: HookEvent) -> None:
        """Tell of an event what people do not know yet; it is on disk on return. Raises StoreUnavailable."""
        name = bare_id(session.session_id)
        text = alert.text_of(event)
        if text and not (alert.repeats_end(event) and name in self._waiting):
            is_end, words = event.name in alert.ENDS, event.name in alert.WITH_WORDS
            told = Notify(str(uuid.uuid4()), session.session_id, text, is_markdown=words, ends_turn=is_end)
            await self._outbox.append(told)
        if event.name in alert.ENDS or alert.repeats_end(event):
            self._waiting.add(name)
        elif event.name in ("UserPromptSubmit", "SessionEnd"):  # the next end is news again
            self._waiting.discard(name)

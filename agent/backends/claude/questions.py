"""What Claude Code asks without a terminal, and who decides."""

from collections.abc import Mapping
from typing import Protocol

from agent.backends.open_questions import NOTHING, Beside
from agent.domain.claude_question import ToolUse, denial

_UNASKED = "Nobody could be asked whether this is allowed, so it is not. Go on without it, or say what you need it for."
UNASKED = denial(_UNASKED)


class Asker(Protocol):
    """Who decides what may be done."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> tuple[Mapping[str, object], Beside]:
        """What the program is to hear, and what of that a person wrote.

        Cancelled when it asks no more; `asker` names this one asking.
        """


class Nobody:
    """Denies everything."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> tuple[Mapping[str, object], Beside]:  # noqa: ARG002
        return UNASKED, NOTHING

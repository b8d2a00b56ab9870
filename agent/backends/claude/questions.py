"""What Claude Code asks without a terminal, and who decides."""

from collections.abc import Mapping
from typing import Protocol

from agent.domain.claude_question import ToolUse, denial

_UNASKED = "Nobody could be asked whether this is allowed, so it is not. Go on without it, or say what you need it for."
UNASKED = denial(_UNASKED)


class Asker(Protocol):
    """Who decides what may be done."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> Mapping[str, object]:
        """What the program is to hear. Cancelled when it asks no more; `asker` names this one asking."""


class Nobody:
    """Denies everything."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> Mapping[str, object]:  # noqa: ARG002
        return UNASKED

"""What is known of Gemini CLI's hooks: which events we ask for. Its settings have the shape of Claude Code's."""

from agent.domain.gemini_hook import SCOPE
from agent.hooks.claude_code import Event

_WAIT = 10_000  # milliseconds
EVENTS = tuple(
    Event(name, (), _WAIT)
    for name in ("SessionStart", "BeforeAgent", "AfterAgent", "AfterTool", "Notification", "SessionEnd")
)

__all__ = ["EVENTS", "SCOPE"]

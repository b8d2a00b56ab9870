"""What is known of Codex's hooks: which events we ask for. Its file has the shape of Claude Code's settings.

It runs none that its person has not trusted, on a page of its own at its next start, and asks again behind each change.
"""

from agent.domain.codex_hook import ASKS, SCOPE
from agent.hooks.claude_code import Event

_WAIT = 10  # seconds
EVENTS = (
    *(Event(name, (), _WAIT) for name in ("SessionStart", "UserPromptSubmit", "Stop", "Interrupt", "SessionEnd")),
    Event("PermissionRequest", (), _WAIT, says=ASKS),
)

__all__ = ["EVENTS", "SCOPE"]

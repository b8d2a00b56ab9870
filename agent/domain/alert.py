"""What people are told of a coding agent's events: the words, and whether they know already."""

from agent.domain.command import MAX_TEXT_BYTES
from agent.domain.hook import HookEvent

ENDS = frozenset({"Stop", "StopFailure"})
"""Events that end a turn: the agent waits for its person."""

WITH_WORDS = ENDS | {"SubagentStop"}
"""Events that tell what the agent said, in Markdown as it wrote it."""

_ROOM = MAX_TEXT_BYTES - 1024  # bytes for the last words beside the first line
_WAITS = "idle_prompt"  # the kind of Notification that comes a minute after the end of a turn


def text_of(event: HookEvent) -> str:
    """What to tell of an event: what happened, and the agent's last words. Empty when it is no news for people."""
    match event.name:
        case "Stop":
            return _told(f"✅ Finished{_background(event)}.", event)
        case "StopFailure":
            return _told(f"❌ Stopped by an error ({event.text('error') or 'unknown'}).", event)
        # Helpers without a type are the program's own: they write titles and suggestions.
        case "SubagentStop" if event.text("agent_type") and event.text("last_assistant_message").strip():
            return _told(f"☑️ Subagent {event.text('agent_type')} finished.", event)
        case "Notification":
            return f"❗ {event.text('message')}" if event.text("message").strip() else ""
    return ""


def repeats_end(event: HookEvent) -> bool:
    """Whether it only says again that a turn is over: news for those alone who have not heard of the end."""
    return event.name == "Notification" and event.text("notification_type") == _WAITS


def _background(event: HookEvent) -> str:
    tasks = event.payload.get("background_tasks")
    count = len(tasks) if isinstance(tasks, list) else 0
    return f"; {count} background task{'s' if count > 1 else ''} go{'' if count > 1 else 'es'} on" if count else ""


def _told(first: str, event: HookEvent) -> str:
    words = event.text("last_assistant_message").strip().encode()
    if len(words) > _ROOM:
        words = "…".encode() + words[-_ROOM:]
    return f"{first}\n\n{words.decode(errors='ignore')}" if words else first

"""Codex's hooks, in the words that are used here: those of Claude Code's. Pure. As seen in 0.171.

They count only of a window that runs without Codex's background server: everything else is heard through that, and
there the hooks are children of the server, which belongs to no window.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.domain.hook import HookEvent

SCOPE = "codex"  # its hooks stand in settings of this name
ASKS = "Asks"  # what our hook of PermissionRequest says: under its own name it would wait for a person's answer
_KEPT = ("HOME", "POINTSMAN_SESSION_ID")
_LONGEST = 2000  # characters of what it asks


def is_by_itself(argv: Sequence[str]) -> bool:
    """Whether a program with these words is a window that has no server."""
    return "--no-daemon" in argv[1:] and "app-server" not in argv[1:2]


def translated(event: HookEvent, pid: int) -> HookEvent:
    """The same event, of the window with that process.

    Where its terminal is, is left out: nothing is typed there, as nobody could tell an Enter from an answer to its
    dialog. Its record is none of those that are read here.
    """
    environ = {name: value for name, value in event.environ.items() if name in _KEPT}
    payload = {**event.payload, "transcript_path": "", "permission_mode": ""}
    if event.name == ASKS:
        told = {"notification_type": "codex_asks", "message": _asked(event)}
        return replace(event, name="Notification", pid=pid, environ=environ, payload={**payload, **told})
    return replace(event, pid=pid, environ=environ, payload=payload)


def _asked(event: HookEvent) -> str:
    given = event.payload.get("tool_input")
    fields: Mapping[str, object] = given if isinstance(given, dict) else {}
    command = fields.get("command")
    words = command if isinstance(command, str) else json.dumps(fields, ensure_ascii=False) if fields else ""
    words = words.encode(errors="replace").decode()[:_LONGEST]
    return f"Codex asks at its terminal: {event.text('tool_name') or 'something'} {words}".rstrip()

"""What is known of Claude Code's hooks: which events we ask for, since when they exist, how one is written."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from agent.domain.errors import AgentError
from agent.domain.permission import LONGEST_WAIT

Version = tuple[int, ...]

FORWARD = Path(__file__).with_name("forward.py")

_MARK = "# pointsman"
_MARKED = re.compile(r"# pointsman(?:, made (event|hooks|file))?\Z")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of Claude Code: the version that introduced it, and how many seconds its hook may take.

    `says` is what its hook calls it to the agent, where that is not its name.
    """

    name: str
    since: Version
    timeout: int
    says: str = ""


# An event that the installed version does not know makes it greet the person with "Settings error". The versions are
# those of its changelog.
EVENTS = (
    Event("SessionStart", (1, 0, 62), 10),
    Event("UserPromptSubmit", (1, 0, 54), 10),
    Event("Stop", (1, 0, 41), 10),
    Event("PermissionRequest", (2, 0, 45), int(LONGEST_WAIT)),
    Event("PostToolUse", (1, 0, 41), 10),
    Event("StopFailure", (2, 1, 78), 10),
    Event("SubagentStop", (1, 0, 41), 10),
    Event("Notification", (1, 0, 41), 10),
    Event("SessionEnd", (1, 0, 85), 10),
)


class UnknownVersion(AgentError):
    """What calls itself claude does not say which version it is."""


def version_of(text: str) -> Version:
    """The version in the answer to `claude --version`, "2.1.329 (Claude Code)". Raises UnknownVersion."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)\b", text.strip())
    if match is None:
        raise UnknownVersion(f"claude --version answered {text.strip()[:60]!r}, which is no version.")
    return tuple(map(int, match.groups()))


def events_for(version: Version) -> tuple[Event, ...]:
    """The events to ask that version for."""
    return tuple(event for event in EVENTS if event.since <= version)


def command(python: str, socket: str, event: Event, scope: str, made: str = "") -> str:
    """The shell line of one hook in the settings of that scope.

    `made` names the outermost container that was made for it, for the way back.

    Where Python or our file is gone (the project was moved or removed) the line does nothing: Python's own exit code
    for a missing file, 2, would block the person's prompt.
    """
    runs = [python, "-I", "-S", str(FORWARD), socket, event.says or event.name, scope]
    there = f"test -x {shlex.quote(python)} && test -r {shlex.quote(str(FORWARD))}"
    return f"{there} && exec {shlex.join(runs)}; exit 0 {_MARK}{f', made {made}' if made else ''}"


def group(python: str, socket: str, event: Event, scope: str, made: str = "") -> dict[str, object]:
    """The entry for one event in the settings."""
    line = command(python, socket, event, scope, made)
    return {"hooks": [{"type": "command", "command": line, "timeout": event.timeout}]}


def line_of(entry: object) -> str:
    """The shell line of an entry of ours, of any version and place; empty when the entry is somebody else's."""
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    if not isinstance(hooks, list) or len(hooks) != 1 or not isinstance(hooks[0], dict):
        return ""  # a person who put a second hook beside ours has made the entry their own
    line = hooks[0].get("command")
    return line if isinstance(line, str) and _MARKED.search(line) else ""


def made_for(line: str) -> str:
    """The outermost container that was made for an entry of ours; empty when it found one."""
    mark = _MARKED.search(line)
    return (mark[1] or "") if mark else ""

"""Our own entries for programs that keep none of what they do, as Claude Code keeps its own: by their hooks.

An entry is on disk before the hook is answered, and a dialog opens behind that: so whoever asks it, the terminal too,
is never late.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from agent.backends.claude.registry_file import ClaudeCode
from agent.domain.session import Conversation
from agent.processes import start_ticks

IDLE, BUSY, WAITING = "idle", "busy", "waiting"
MOST_TOLD = 4096  # characters of the end of a prompt
_PROGRAM = "gemini"


def write(
    folder: Path,
    pid: int,
    conversation_id: str,
    status: str,
    dialog: str = "",
    asked: Mapping[str, object] = MappingProxyType({}),
    prompt: str | None = None,
) -> None:
    """What the program does now. `dialog` names the one that is open, and `asked` is what that asks.

    `prompt` is what it has just begun a turn with; the last one stays in the entry.
    """
    entry = {"program": _PROGRAM, "pid": pid, "procStart": start_ticks(pid), "sessionId": conversation_id}
    more = {
        "status": status,
        "waitingFor": "permission prompt" if status == WAITING else "",
        "dialog": dialog,
        "asked": dict(asked),
        "told": _told(folder, pid) if prompt is None else {"at": time.time_ns(), "prompt": prompt[-MOST_TOLD:]},
    }
    file = folder / "sessions" / f"{pid}.json"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps({**entry, **more}))
    beside.replace(file)


def _told(folder: Path, pid: int) -> object:
    return (record(folder, pid) or {}).get("told")


def forget(folder: Path, pid: int) -> None:
    """It has ended."""
    with suppress(OSError):
        (folder / "sessions" / f"{pid}.json").unlink()


def entry_of(talk: Conversation | None) -> ClaudeCode | None:
    """The entry of the program in a session; None where that is no Gemini CLI."""
    if talk is None or not talk.folder:
        return None
    entry = ClaudeCode(talk.process.pid, Path(talk.folder), Path())
    record = entry.record()
    return entry if record is not None and record.get("program") == _PROGRAM else None


def record(folder: Path, pid: int) -> dict[str, object] | None:
    """What the entry says; None where there is none."""
    return ClaudeCode(pid, folder, Path()).record()

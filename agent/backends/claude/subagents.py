"""Subagents of Claude Code: which are at work, as rows of the conversation tell, and where their own records lie.

Each keeps a record beside the conversation's, `<conversation>/subagents/agent-<id>.jsonl`. Which use of the tool it
belongs to says a small file beside that (2.1.329), or else the result of the use. One may work on behind that result;
then a prompt that nobody typed says when it is over.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

TOOLS = ("Task", "Agent")
MOST = 12  # that are followed at the same time: all of them are in the cursor
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_USE = re.compile(r"[\x21-\x7e]{1,80}")
_SMALL = 64 * 1024  # bytes of a file that describes one


@dataclass(frozen=True, slots=True)
class Subagent:
    """One that is followed, by the use that began it: its bytes that were told, and events of the line behind them."""

    tool_id: str
    agent_id: str = ""  # empty as long as nothing has said it
    offset: int = 0
    done: int = 0
    is_over: bool = False


Subagents = tuple[Subagent, ...]


def begun(known: Subagents, tool_id: str) -> Subagents:
    """With one more; the oldest goes where there are too many."""
    if not _USE.fullmatch(tool_id) or any(one.tool_id == tool_id for one in known):
        return known
    return (*known, Subagent(tool_id))[-MOST:]


def ended(known: Subagents, tool_id: str, result: Mapping[str, object]) -> Subagents:
    """Behind the result of a use: over, unless it says that it works on."""
    agent_id = result.get("agentId")
    named = {"agent_id": agent_id} if isinstance(agent_id, str) and _NAME.fullmatch(agent_id) else {}
    return _changed(known, tool_id, is_over=not works_on(result), **named)


def works_on(result: Mapping[str, object]) -> bool:
    """Whether the result of a use says that its subagent goes on behind it."""
    return result.get("isAsync") is True


def finished(known: Subagents, tool_id: str) -> Subagents:
    """One that worked on is over."""
    return _changed(known, tool_id, is_over=True)


def unpacked(given: Iterable[Mapping[str, object]]) -> Subagents:
    """From a cursor. Raises TypeError or ValueError for what is none."""
    made = tuple(Subagent(**one) for one in given)  # type: ignore[arg-type]  # looked at below
    for one in made:
        texts, numbers = (one.tool_id, one.agent_id), (one.offset, one.done)
        if not (all(type(each) is str for each in texts) and all(type(each) is int and each >= 0 for each in numbers)):
            raise ValueError("no subagent")
        if one.agent_id and not _NAME.fullmatch(one.agent_id):
            raise ValueError("no name of a subagent")
    return made


class Whereabouts:
    """Which record belongs to which use, as far as the files beside them say; each of those is read once."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._read: set[Path] = set()
        self._scanned: dict[Path, int] = {}  # folders, and how they were when all in them was read

    def file(self, record: str, one: Subagent) -> Path | None:
        """The record of a subagent, of the conversation with that record; None where nothing says it yet."""
        folder = folder_of(record)
        agent_id = one.agent_id or self._ids.get(one.tool_id) or self._looked(folder, one.tool_id)
        return folder / f"agent-{agent_id}.jsonl" if agent_id else None

    def _looked(self, folder: Path, tool_id: str) -> str:
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            return ""
        # There may be hundreds, and one that never comes is looked for at each look.
        if self._scanned.get(folder) != changed and self._scan(folder):
            self._scanned[folder] = changed
        return self._ids.get(tool_id, "")

    def _scan(self, folder: Path) -> bool:
        """Read what was not read yet; whether all could be."""
        is_whole = True
        for path in folder.glob("agent-*.meta.json"):
            agent_id = path.name.removeprefix("agent-").removesuffix(".meta.json")
            if path in self._read or not _NAME.fullmatch(agent_id):
                continue
            try:
                with path.open("rb") as file:
                    use = json.loads(file.read(_SMALL)).get("toolUseId")
            except (OSError, ValueError, AttributeError, RecursionError):
                is_whole = False  # just being written
                continue
            self._read.add(path)
            if isinstance(use, str):
                self._ids[use] = agent_id
        return is_whole


def folder_of(record: str) -> Path:
    """Where the records of a conversation's subagents are."""
    return Path(record).with_suffix("") / "subagents"


def _changed(known: Subagents, tool_id: str, **changes: object) -> Subagents:
    return tuple(replace(one, **changes) if one.tool_id == tool_id else one for one in known)  # type: ignore[arg-type]

"""What a hook of a coding agent says, as a value."""

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

REMEMBERED = 256
"""Events that are remembered to tell a second report from a second event: copies come within a second."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One event. `pid` is the program that ran the hook, `environ` the few variables that tell where it is.

    `scope` names the settings that the hook stands in. `asker` names the one run of the hook: the same one that comes
    again asks the same again.
    """

    name: str
    pid: int
    environ: Mapping[str, str]
    payload: Mapping[str, object]
    scope: str = ""
    asker: str = ""

    def text(self, name: str) -> str:
        """A text of the payload; empty when it has none of that name. The program's format is not ours to check."""
        value = self.payload.get(name)
        # A lone surrogate is legal JSON, but no database and no protobuf takes it.
        return value.encode(errors="replace").decode() if isinstance(value, str) else ""

    @property
    def conversation_id(self) -> str:
        return self.text("session_id") or self.environ.get("CLAUDE_CODE_SESSION_ID", "")

    @property
    def interactive(self) -> bool:
        """Whether a person's terminal is behind it, and not a script that runs the program for one answer."""
        return self.environ.get("CLAUDE_CODE_ENTRYPOINT", "cli") == "cli"

    @property
    def folder(self) -> str:
        """Where the program keeps its files."""
        return self.environ.get("CLAUDE_CONFIG_DIR") or f"{self.environ.get('HOME', '')}/.claude"


class Repeats:
    """Tells a second report of one event from a second event.

    With hooks in several settings each of them reports each event, once. So the n-th time that one scope says something
    is the same event as the n-th time that another says it, however much later that comes.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._reports: OrderedDict[bytes, Counter[str]] = OrderedDict()

    def is_new(self, event: HookEvent) -> bool:
        """Whether this is an event of its own. Counts it."""
        fingerprint = _fingerprint(event)
        reports = self._reports.setdefault(fingerprint, Counter())
        self._reports.move_to_end(fingerprint)
        if len(self._reports) > self._remembered:
            self._reports.popitem(last=False)  # the oldest: its copies came long ago, if any
        most = max(reports.values(), default=0)
        reports[event.scope] += 1
        return reports[event.scope] > most


def _fingerprint(event: HookEvent) -> bytes:
    said = json.dumps([event.pid, event.name, event.payload], sort_keys=True)  # not the scope: that is what differs
    return hashlib.sha256(said.encode()).digest()

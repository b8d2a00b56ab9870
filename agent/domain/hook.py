"""What a hook of a coding agent says, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One event. `pid` is the program that ran the hook, `environ` the few variables that tell where it is."""

    name: str
    pid: int
    environ: Mapping[str, str]
    payload: Mapping[str, object]

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

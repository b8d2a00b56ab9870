"""The slash commands that a person has made: files named as the command, in the project's folder or in their own."""

from collections.abc import Iterator
from pathlib import Path

from agent.backends.claude.registry_file import ClaudeCode


def own(claude: ClaudeCode) -> frozenset[str]:
    """Their names, as typed behind the slash; those in folders are named folder:file."""
    return frozenset(name for home in (claude.folder, claude.cwd / ".claude") for name in _in(home))


def _in(home: Path) -> Iterator[str]:
    commands = home / "commands"
    for file in commands.rglob("*.md"):
        yield ":".join(file.relative_to(commands).with_suffix("").parts)
    for file in (home / "skills").glob("*/SKILL.md"):
        yield file.parent.name

"""Which coding agents can be given our MCP server: where their settings are, and how one is written there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.hooks import mcp_json, mcp_toml

_LONGEST = 604_800_000  # milliseconds that a person may take
# How a session is known where it was started apart from its terminal; beside these the kernel tells who asks.
_PLACE = ("POINTSMAN_SESSION_ID", "POINTSMAN_DATA_DIR", "TMUX", "TMUX_PANE", "NVIM")


@dataclass(frozen=True, slots=True)
class Agent:
    """One coding agent. `program` is what its presence is seen by, `folder` where it has its settings otherwise."""

    name: str
    title: str
    program: str
    folder: Callable[[Mapping[str, str]], Path]
    file: Callable[[Mapping[str, str]], Path]
    section: str = ""
    entry: mcp_json.Entry | None = None  # else it is TOML

    def install(self, environ: Mapping[str, str], argv: Sequence[str]) -> bool:
        """Whether anything changed. Raises SettingsRefused."""
        if self.entry is None:
            return mcp_toml.install(self.file(environ), argv, _PLACE)
        return mcp_json.install(self.file(environ), self.section, self.entry, argv)

    def uninstall(self, environ: Mapping[str, str]) -> bool:
        """Whether anything changed. Raises SettingsRefused."""
        path = self.file(environ)
        return mcp_toml.uninstall(path) if self.entry is None else mcp_json.uninstall(path, self.section)

    def has_it(self, environ: Mapping[str, str]) -> bool:
        """Whether it is there. Raises SettingsRefused."""
        path = self.file(environ)
        return bool(mcp_toml.installed(path) if self.entry is None else mcp_json.installed(path, self.section))


def _home(environ: Mapping[str, str], variable: str, *usual: str) -> Path:
    given = environ.get(variable)
    return Path(given) if given else Path(environ.get("HOME") or Path.home(), *usual)


def _claude(environ: Mapping[str, str]) -> Path:
    # Beside its folder, unless that is another than usual: then within it.
    given = environ.get("CLAUDE_CONFIG_DIR")
    return Path(given, ".claude.json") if given else _home(environ, "", ".claude.json")


def _opencode(environ: Mapping[str, str]) -> Path:
    folder = _opencode_folder(environ)
    # With comments in it we cannot edit it, and both are read.
    return next(
        (file for file in (folder / "opencode.json", folder / "config.json") if file.exists()), folder / "opencode.json"
    )


def _opencode_folder(environ: Mapping[str, str]) -> Path:
    return _home(environ, "XDG_CONFIG_HOME", ".config") / "opencode"


def _for_claude(argv: Sequence[str]) -> dict[str, object]:
    return {"type": "stdio", "command": argv[0], "args": list(argv[1:]), "env": {}}


def _for_opencode(argv: Sequence[str]) -> dict[str, object]:
    return {"type": "local", "command": list(argv), "enabled": True, "timeout": _LONGEST}


def _for_gemini(argv: Sequence[str]) -> dict[str, object]:
    return {"command": argv[0], "args": list(argv[1:]), "timeout": _LONGEST}


AGENTS = (
    Agent(
        "claude", "Claude Code", "claude", lambda environ: _home(environ, "CLAUDE_CONFIG_DIR", ".claude"),
        _claude, "mcpServers", _for_claude,
    ),
    Agent(
        "codex", "Codex", "codex", lambda environ: _home(environ, "CODEX_HOME", ".codex"),
        lambda environ: _home(environ, "CODEX_HOME", ".codex") / "config.toml",
    ),
    Agent("opencode", "OpenCode", "opencode", _opencode_folder, _opencode, "mcp", _for_opencode),
    Agent(
        "gemini", "Gemini CLI", "gemini", lambda environ: _home(environ, "", ".gemini"),
        lambda environ: _home(environ, "", ".gemini", "settings.json"), "mcpServers", _for_gemini,
    ),
)  # fmt: skip

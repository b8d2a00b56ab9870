"""Hooks of coding agents beside Claude Code: for each that is installed here, what it takes to hear of it."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.config import Settings

if TYPE_CHECKING:
    from agent.hooks.claude_code import Event


@dataclass(frozen=True, slots=True)
class Other:
    """One of them. `install` and `uninstall` say whether anything changed, `state` what is there."""

    name: str
    title: str
    places: tuple[str, ...]  # where it is beside the PATH
    file: Path
    install: Callable[[], bool]
    uninstall: Callable[[], bool]
    state: Callable[[], str]
    by_wish: bool = False  # only whoever names it wants them
    then: str = ""  # what its person does next

    @property
    def is_here(self) -> bool:
        """Whether the program is installed."""
        # Installers of their own may leave it beside the PATH of whoever runs this.
        return any(shutil.which(str(Path(place).expanduser())) for place in (self.name, *self.places))


NOTHING_NEEDED = ("codex", "Codex", "it is joined through its own server")


def others(here: Settings) -> Iterator[Other]:
    """All that take some."""
    # Not at the top: whoever asks for --help need not wait for the agent's modules.
    from agent.hooks import codex, gemini, opencode

    socket = str(here.agent_socket())
    settings = _home(here) / ".gemini" / "settings.json"
    yield Other(
        "gemini",
        "Gemini CLI",
        (),
        settings,
        lambda: _install(settings, socket, gemini.EVENTS, gemini.SCOPE),
        lambda: _uninstall(settings),
        lambda: _state(settings, socket, gemini.EVENTS, gemini.SCOPE),
    )
    hooks = Path(here.environ.get("CODEX_HOME") or _home(here) / ".codex") / "hooks.json"
    yield Other(
        "codex",
        "Codex",
        (),
        hooks,
        lambda: _install(hooks, socket, codex.EVENTS, codex.SCOPE),
        lambda: _uninstall(hooks),
        lambda: _state(hooks, socket, codex.EVENTS, codex.SCOPE),
        by_wish=True,
        then="at its next start, trust them on the page that it shows",
    )
    plugin = _config(here) / "opencode" / "plugin" / "pointsman.js"
    yield Other(
        "opencode",
        "OpenCode",
        ("~/.opencode/bin/opencode",),
        plugin,
        lambda: opencode.install(plugin, socket),
        lambda: opencode.uninstall(plugin),
        lambda: opencode.state(plugin, socket),
    )


def _home(here: Settings) -> Path:
    return Path(here.environ.get("HOME") or "~").expanduser()


def _config(here: Settings) -> Path:
    return Path(here.environ.get("XDG_CONFIG_HOME") or _home(here) / ".config")


def _install(path: Path, socket: str, events: "Sequence[Event]", scope: str) -> bool:
    from agent.hooks import installer

    return installer.install(path, installer.Hooks(sys.executable, socket, events, scope))


def _uninstall(path: Path) -> bool:
    from agent.hooks import installer

    return installer.uninstall(path)


def _state(path: Path, socket: str, events: "Sequence[Event]", scope: str) -> str:
    from agent.hooks import claude_code, installer

    found = installer.installed(path)
    if not found:
        return "absent"
    wanted = {
        event.name: claude_code.command(
            sys.executable, socket, event, scope, claude_code.made_for(found.get(event.name, ""))
        )
        for event in events
    }
    return "installed" if found == wanted else "outdated"

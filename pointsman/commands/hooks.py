"""Hooks of coding agents: into their settings, out again, and what they call."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.commands.hook_programs import NOTHING_NEEDED, Other, others
from pointsman.config import Settings
from pointsman.context import json_flag, setting_flags, settings
from pointsman.errors import CLAUDE, ExitCode, Failure
from pointsman.spelling import Group

if TYPE_CHECKING:
    from agent.hooks.claude_code import Version

_SCOPES = ("user", "project", "local")
_PATIENCE = 20.0  # seconds for `claude --version`, which takes 0.1 s
_WELL_KNOWN = ("~/.local/bin/claude", "~/.claude/local/claude")  # where its own installers put it

_scope = click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    default="user",
    show_default=True,
    help="Whose settings: yours everywhere, this folder's (shared), or this folder's own to you.",
)
_claude = click.option("--claude", metavar="PATH", help="The claude program, where it is not on PATH.")


@dataclass(frozen=True, slots=True)
class Installed:
    """The hooks in one settings file; `missing` names events that it lacks and this version of Claude Code has."""

    scope: str
    file: str
    state: str
    events: list[str]
    missing: list[str]


@click.group(cls=Group)
def hooks() -> None:
    """Let coding agents in terminals tell this machine's agent what they do."""


@hooks.command()
@setting_flags("POINTSMAN_DATA_DIR")
@_scope
@_claude
@click.option("--mcp", is_flag=True, help="Give all coding agents of this account tools to reach their people as well.")
@click.option(
    "--codex", is_flag=True, help="Hear of `codex --no-daemon`, too. Codex asks you whether to trust the hooks."
)
def install(*, scope: str, claude: str | None, mcp: bool, codex: bool) -> None:
    """Let every coding agent that is installed here tell what it does; sessions that are open may take it up.

    Claude Code and Gemini CLI get hooks into their settings, OpenCode a plugin; Codex needs none, but with --no-daemon.
    """
    from pointsman.commands import mcp_settings

    here = settings()
    for line in mcp_settings.install(here) if mcp else ():
        click.echo(line)
    # The other scopes are Claude Code's alone, and whoever names a claude means that.
    named = [one for one in others(here) if one.is_here and (codex or not one.by_wish)]
    beside = named if scope == "user" and claude is None else []
    for one in beside:
        changed = _carried_out(one.install)
        then = f"; {one.then}" if changed and one.then else ""
        click.echo(f"{'installed' if changed else 'already installed'}: {one.title} in {one.file}{then}")
    name, title, why = NOTHING_NEEDED
    if scope == "user" and shutil.which(name) and not codex:
        click.echo(f"needs nothing: {title}, {why}")
    try:
        version = _version(claude)
    except Failure as missing:
        if (mcp or (beside and claude is None)) and missing.exit_code == ExitCode.NOT_FOUND:
            return  # the others have what they need
        raise
    _install_claude_code(here, version, scope)


def _install_claude_code(here: Settings, version: "Version", scope: str) -> None:
    from agent.hooks import installer
    from agent.hooks.claude_code import events_for

    wanted = installer.Hooks(sys.executable, str(here.agent_socket()), events_for(version), scope)
    path = _file(here, scope)
    changed = _carried_out(lambda: installer.install(path, wanted))
    said = "installed" if changed else "already installed"
    click.echo(f"{said}: {len(wanted.events)} hooks for Claude Code {_dotted(version)} in {path}")


def _carried_out(change: Callable[[], bool]) -> bool:
    """Raises Failure."""
    from agent.domain.errors import AgentError

    try:
        return change()
    except AgentError as error:
        raise Failure(error.text) from None


@hooks.command()
@setting_flags("POINTSMAN_DATA_DIR")
@_scope
def uninstall(*, scope: str) -> None:
    """Take the hooks out again, and the tools; the rest of the settings stays as it is, byte for byte."""
    from agent.hooks import installer
    from pointsman.commands import mcp_settings

    here = settings()
    path = _file(here, scope)
    changed = _carried_out(lambda: installer.uninstall(path))
    click.echo(f"removed from {path}" if changed else f"there are none in {path}")
    for one in others(here) if scope == "user" else ():
        if _carried_out(one.uninstall):
            click.echo(f"removed {one.title}'s from {one.file}")
    for line in mcp_settings.uninstall(here) if scope == "user" else ():
        click.echo(line)


@hooks.command()
@setting_flags("POINTSMAN_DATA_DIR")
@_claude
@json_flag
def status(*, claude: str | None, as_json: bool) -> None:
    """Show which settings have the hooks, and whether they are up to date."""
    from pointsman.render import Column, show

    here = settings()
    try:
        version = _version(claude)
    except Failure:  # its hooks may be here after it is gone: those are shown
        version = None
    show(
        [*(_look(here, scope, version) for scope in _SCOPES), *map(_look_beside, others(here))],
        [
            Column("scope", lambda one: one.scope),
            Column("state", lambda one: one.state),
            Column("events", lambda one: ", ".join(one.events), rank=1, least=16),
            Column("missing", lambda one: ", ".join(one.missing), least=8),
            Column("file", lambda one: one.file, least=24),
        ],
        as_json=as_json,
        nothing="",
    )


@click.command()
@setting_flags("POINTSMAN_DATA_DIR")
@click.argument("event", metavar="EVENT")
def hook(*, event: str) -> None:
    """Hand one EVENT of Claude Code, on standard input, to the agent; silent whatever happens.

    What is installed is the same without this command line around it, which takes ten times as long to start.
    """
    from agent.hooks import forward

    # Claude Code tells people of hooks that fail, and may hold back its work for them.
    with suppress(Exception):
        forward.main(str(settings().agent_socket()), event)


def _look(here: Settings, scope: str, version: "Version | None") -> Installed:
    from agent.domain.errors import AgentError
    from agent.hooks import claude_code, installer

    path = _file(here, scope)
    try:
        found = installer.installed(path)
    except AgentError as error:
        return Installed(scope, str(path), f"unreadable: {error.text}", [], [])
    known = {event.name: event for event in claude_code.events_for(version)} if version else {}
    missing = [name for name in known if name not in found] if found else []
    socket = str(here.agent_socket())
    # By the whole line: one that names an interpreter or a socket of before reaches nobody.
    current = not missing and all(
        claude_code.command(sys.executable, socket, known[name], scope, claude_code.made_for(line)) == line
        for name, line in found.items()
        if name in known
    )
    state = "absent" if not found else "installed" if current else "outdated"
    return Installed(scope, str(path), state, sorted(found), missing)


def _look_beside(one: Other) -> Installed:
    """As another scope; its events are its own affair."""
    from agent.domain.errors import AgentError

    try:
        state = one.state()
    except AgentError as error:
        state = f"unreadable: {error.text}"
    return Installed(one.name, str(one.file), state, [], [])


def _file(here: Settings, scope: str) -> Path:
    names = {"user": here.claude_folder / "settings.json"}
    folder = Path.cwd() / ".claude"
    return {**names, "project": folder / "settings.json", "local": folder / "settings.local.json"}[scope]


def _version(given: str | None) -> "Version":
    """The version of the claude that is installed. Raises Failure."""
    from agent.domain.errors import AgentError
    from agent.hooks.claude_code import version_of

    # Its installers may leave only an alias, which is the shell's: PATH does not know it.
    program = given or shutil.which("claude") or next(filter(None, map(_executable, _WELL_KNOWN)), None)
    if program is None:
        cure = f"{CLAUDE} Or give it: pointsman hooks install --claude PATH."
        raise Failure("there is no claude here, so its hooks are not known", cure, ExitCode.NOT_FOUND)
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, timeout=_PATIENCE, text=True)
        return version_of(answer.stdout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{program} cannot be run: {error}") from None
    except AgentError as error:
        raise Failure(error.text) from None


def _executable(path: str) -> str | None:
    return shutil.which(str(Path(path).expanduser()))


def _dotted(version: "Version") -> str:
    return ".".join(map(str, version))

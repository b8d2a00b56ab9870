"""The MCP server in the settings of the coding agents of this account: put there, taken out, looked for."""

import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pointsman.commands.mcp import argv
from pointsman.config import Settings
from pointsman.errors import ExitCode, Failure

if TYPE_CHECKING:
    from agent.hooks.mcp import Agent

_NONE = "there is no coding agent here that could use the tools: no Claude Code, Codex, OpenCode or Gemini CLI"


def install(here: Settings) -> list[str]:
    """Put it into the settings of each that is here; what became of that, a line for each. Raises Failure."""
    starts = [*argv(sys.executable), str(here.agent_socket())]
    there = [agent for agent in _known() if _is_here(agent, here)]
    if not there:
        raise Failure(_NONE, "", ExitCode.NOT_FOUND)
    return [
        _line(agent, here, lambda agent: agent.install(here.environ, starts), "installed", "already installed")
        for agent in there
    ]


def uninstall(here: Settings) -> list[str]:
    """Take it out of the settings of all; a line for each that had it. Raises Failure."""
    lines = [_line(agent, here, lambda agent: agent.uninstall(here.environ), "removed", "") for agent in _known()]
    return [line for line in lines if line]


def holders(here: Settings) -> Iterator[str]:
    """The titles of those that have it."""
    from agent.domain.errors import AgentError

    for agent in _known():
        try:
            if agent.has_it(here.environ):
                yield agent.title
        except AgentError:
            continue


def _line(agent: "Agent", here: Settings, change: "Callable[[Agent], bool]", changed: str, unchanged: str) -> str:
    from agent.domain.errors import AgentError

    try:
        said = changed if change(agent) else unchanged
    except AgentError as error:
        raise Failure(error.text) from None
    return f"{said}: tools for {agent.title} in {agent.file(here.environ)}" if said else ""


def _known() -> "tuple[Agent, ...]":
    from agent.hooks.mcp import AGENTS

    return AGENTS


def _is_here(agent: "Agent", here: Settings) -> bool:
    return shutil.which(agent.program) is not None or agent.folder(here.environ).is_dir()

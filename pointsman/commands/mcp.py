"""The MCP server on standard streams, as a command."""

import os
import sys

import click

from pointsman.context import setting_flags, settings
from pointsman.mcp import SERVER


@click.command()
@setting_flags("POINTSMAN_DATA_DIR")
def mcp() -> None:
    """Offer a coding agent tools to reach its people, by the Model Context Protocol on standard input and output.

    Coding agents start it by themselves: `pointsman hooks install --mcp` tells them how. The tools are of the session
    that it runs in.
    """
    os.execv(sys.executable, [*argv(sys.executable), str(settings().agent_socket())])  # noqa: S606


def argv(python: str) -> list[str]:
    """What starts the server, but for the socket: without this command line, which takes ten times as long."""
    return [python, "-I", "-S", SERVER]

"""What ends a command other than well: an exit code, what happened, and what to do about it."""

from enum import IntEnum
from typing import IO, Any

import click

CLAUDE = "Install Claude Code (npm install -g @anthropic-ai/claude-code), or put its folder on PATH."
"""The cure where it is missing."""


class ExitCode(IntEnum):
    """What a command's end says to scripts."""

    # Scripts hold on to these numbers: none ever changes.
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_REACHABLE = 3
    NOT_ALLOWED = 4
    NOT_FOUND = 5
    DENIED = 6  # `pointsman ask`: the answer is a no
    EXPIRED = 7  # `pointsman ask`: nobody answered in time


class Failure(click.ClickException):
    """A command cannot do its work; `cure` says what the person can do next."""

    def __init__(self, message: str, cure: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.cure = cure
        self.exit_code = int(code)  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        click.secho(f"error: {self.message}", file=file, err=True, fg="red")
        if self.cure:
            click.echo(f"  {self.cure}", file=file, err=True)

"""A tmux server, spoken to by running tmux; never through a shell."""

import asyncio
from contextlib import suppress

TIMEOUT = 10.0
"""Seconds for one tmux command, which takes about 5 ms: a server that needs longer hangs."""


class TmuxFailed(Exception):
    """tmux said no, and did nothing; the text is its own."""


class TmuxTimeout(Exception):
    """tmux did not answer in time; what was asked may have happened."""


class TmuxServer:
    """One server, by the path of its socket; an empty path means the default one."""

    def __init__(self, socket: str, limit: float = TIMEOUT) -> None:
        self._prefix = prefix(socket)
        self._limit = limit

    async def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """What one tmux command printed. Raises TmuxFailed, or TmuxTimeout when there is doubt about its effect."""
        pipe = asyncio.subprocess.PIPE
        # No pipe unless tmux reads it: uvloop raises when a program ends before its empty input was closed.
        source = pipe if stdin else asyncio.subprocess.DEVNULL
        command = (*self._prefix, *map(escaped, arguments))
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=source, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise TmuxFailed(f"tmux cannot be started: {error.strerror}") from error
        try:
            output, complaint = await asyncio.wait_for(process.communicate(stdin or None), self._limit)
        except TimeoutError:
            raise TmuxTimeout(f"tmux did not answer for {self._limit:g} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.communicate()  # reads to the end, which closes the pipes
        if process.returncode:
            raise TmuxFailed(complaint.decode(errors="replace").strip() or f"tmux ended with {process.returncode}")
        return output.decode(errors="replace").removesuffix("\n")


def prefix(socket: str) -> tuple[str, ...]:
    """How a tmux command for that server begins. -u: names and paths come back as they are in any locale."""
    return ("tmux", "-u", *(("-S", socket) if socket else ()))


def escaped(argument: str) -> str:
    """The argument so that tmux takes it literally: at the end of one, a semicolon separates commands."""
    return argument[:-1] + "\\;" if argument.endswith(";") else argument

"""A tmux server, spoken to by a client in control mode, or by running tmux; never through a shell."""

from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO

from agent.backends.spawning import exit_code, unavailable
from agent.backends.terminals.keyboard import Refused, Silent
from agent.backends.terminals.tmux_control import Broken, Control, ControlClient, line_of

TIMEOUT = 10.0
"""Seconds for one tmux command, which takes about 5 ms: a server that needs longer hangs."""


_LOOKS = frozenset({"display-message", "capture-pane"})  # can be asked again


class TmuxServer:
    """One server, by the path of its socket, as a pane of it uses it; an empty path means the default one."""

    def __init__(self, socket: str, limit: float = TIMEOUT, pane: str = "", control: Control | None = None) -> None:
        """Without `control` each command is a process."""
        self._prefix = prefix(socket)
        self._limit = limit
        self._pane = pane
        self._control = control

    async def run(self, *arguments: str) -> str:
        """What one tmux command printed. Raises Refused, or Silent when there is doubt about its effect.

        No person's text goes into the arguments: every account can read a command line (proc(5)).
        """
        if client := await self._client():
            try:
                return await client.ask(line_of([arguments]), self._limit)
            except Broken:
                if arguments[0] not in _LOOKS:
                    raise
        return await self._by_process(arguments)

    async def paste(self, buffer: str, text: str, *how: str) -> None:
        """Brings a text into the pane, by a buffer that is gone afterwards. Raises as `run`."""
        paste = ("paste-buffer", "-d", *how, "-b", buffer, "-t", self._pane)
        if client := await self._client():
            await client.ask(line_of([("set-buffer", "-b", buffer, "--", text), paste]), self._limit)
        else:
            await self._by_process(("load-buffer", "-b", buffer, "-"), paste, stdin=text.encode())

    async def _client(self) -> ControlClient | None:
        return await self._control.client(self._pane, self._by_process) if self._control else None

    async def _by_process(self, *commands: Sequence[str], stdin: bytes = b"") -> str:
        """What several commands printed, one behind the other up to the first that fails. Raises as `run`."""
        arguments = [word for command in commands for word in (*map(escaped, command), ";")][:-1]
        # Files and not pipes: tmux hands its own to the server, and one that hangs would never let go of them.
        with TemporaryFile() as source, TemporaryFile() as output, TemporaryFile() as complaint:
            source.write(stdin)
            source.seek(0)
            code = await self._ended([*self._prefix, *arguments], source, output, complaint)
            if code:
                raise Refused(_text(complaint) or f"tmux ended with {code}")
            return _text(output)

    async def _ended(self, command: list[str], source: IO[bytes], output: IO[bytes], complaint: IO[bytes]) -> int:
        try:
            return await exit_code(command, self._limit, stdin=source, stdout=output, stderr=complaint)
        except TimeoutError:
            raise Silent(f"tmux did not answer for {self._limit:g} s") from None
        except OSError as error:
            raise Refused(unavailable("tmux", "tmux", error)) from error


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").removesuffix("\n")


def prefix(socket: str) -> tuple[str, ...]:
    """How a tmux command for that server begins. -u: names and paths come back as they are in any locale."""
    return ("tmux", "-u", *(("-S", socket) if socket else ()))


def escaped(argument: str) -> str:
    """The argument so that tmux takes it literally: at the end of one, a semicolon separates commands."""
    return argument[:-1] + "\\;" if argument.endswith(";") else argument

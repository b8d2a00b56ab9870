"""A program in a terminal of its own, with a keeper between it and us.

    host ── socket ── keeper (leads the terminal's session) ── program (a process group in its foreground)

The keeper is what a shell would be. Without it the program's process group is orphaned, and the kernel drops Ctrl-Z;
and the terminal would be hung up, with output still in it, at the moment that the program ends. The keeper says
"P<pid>", "S" when the program stopped, "E<code>" when it ended. A byte to it means go on; it ends with the socket.
When the host is killed the kernel hangs up on the keeper alone; with the keeper's end, on the program.
"""

import os
import pty
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from agent.pty_host.terminal import STDERR, STDIN, Look

GO_ON = b"C"

_NOT_STARTED = 127
_SIGNALLED = 128  # exit codes above it are signals, as shells say it
_NOT_FOR_THE_KEEPER = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)


@dataclass(frozen=True, slots=True)
class Child:
    """Our ends: of the terminal, and of the socket to the keeper."""

    master: int
    control: socket.socket
    keeper: int

    def close(self) -> None:
        """Lets the keeper end; a program that still runs is hung up on."""
        self.control.close()
        os.close(self.master)
        with suppress(ChildProcessError):
            os.waitpid(self.keeper, 0)


def spawn(command: Sequence[str], look: Look, environ: Mapping[str, str]) -> Child:
    """Starts the program, which finds `environ` beside what we have. Must be called before there are threads or an
    event loop.
    """
    ours, theirs = socket.socketpair()
    keeper, master = pty.fork()
    if keeper == 0:
        ours.close()
        _keep(command, look, environ, theirs)
    theirs.close()  # so that the end of the keeper is the end of the socket
    os.set_blocking(master, False)  # a program that does not read must not hold the host up
    return Child(master, ours, keeper)


def _keep(command: Sequence[str], look: Look, environ: Mapping[str, str], link: socket.socket) -> NoReturn:
    try:
        _as_usual(signal.SIGHUP)  # the end of the terminal is ours
        look.apply(STDIN)
        program = os.fork()
        if program == 0:
            _become(command, environ)
        _watch(program, link)
    finally:
        os._exit(0)  # never back into the caller: this is a copy of the host


def _become(command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    try:
        _take_foreground()
        _as_usual(*signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
        # env takes words with "=" for variables, so a program with such a name needs a shell in between.
        named = ["sh", "-c", 'exec "$0" "$@"', *command] if "=" in command[0] else list(command)
        os.execvp("env", ["env", *(f"{name}={text}" for name, text in environ.items()), *named])  # noqa: S606
    except OSError as error:
        os.write(STDERR, f"pointsman run: {error}\n".encode())
    finally:
        os._exit(_NOT_STARTED)


def _as_usual(*numbers: int) -> None:
    """Neither ignored nor held back, whatever was so where we were started, or is by Python."""
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _take_foreground() -> None:
    os.setpgid(0, 0)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(STDIN, os.getpid())
    signal.signal(signal.SIGTTOU, before)


def _watch(program: int, link: socket.socket) -> None:
    for number in _NOT_FOR_THE_KEEPER:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # as it does itself; but whoever hears of it may type Ctrl-Z before it got so far
        os.setpgid(program, program)
        os.tcsetpgrp(STDIN, program)
    _say(link, f"P{program}")
    status = _next_change(program)
    while os.WIFSTOPPED(status):
        _say(link, "S")
        _wait(link)
        with suppress(ProcessLookupError):
            os.killpg(program, signal.SIGCONT)
        status = _next_change(program)
    code = os.waitstatus_to_exitcode(status)
    # The terminal is ours now, and the host hangs up on whoever has it once nobody takes the output.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _let_go()
    _say(link, f"E{code if code >= 0 else _SIGNALLED - code}")
    _wait(link)


def _next_change(program: int) -> int:
    return os.waitpid(program, os.WUNTRACED)[1]


def _let_go() -> None:
    """Closes the terminal, so that the host reads to its end; what runs on in the background is not hung up on."""
    with suppress(OSError):
        os.tcsetpgrp(STDIN, os.getpgrp())
    os.closerange(STDIN, STDERR + 1)


def _say(link: socket.socket, word: str) -> None:
    with suppress(OSError):
        link.sendall(f"{word}\n".encode())


def _wait(link: socket.socket) -> None:
    """Until the host says something, or is gone."""
    with suppress(OSError):
        link.recv(1)

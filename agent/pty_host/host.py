"""What `pointsman run` is: a program in a terminal of its own, as if started plainly, that the agent can type into."""

import asyncio
import logging
import os
import selectors
import signal
import termios
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agent.backends.terminals.terminal import carry_out
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Action, Outcome
from agent.pty_host import descriptors
from agent.pty_host.activity import Activity
from agent.pty_host.answers import is_answer
from agent.pty_host.connection import AgentLink
from agent.pty_host.keeper import GO_ON, Child, spawn
from agent.pty_host.keyboard import SharedKeyboard
from agent.pty_host.terminal import STDIN, STDOUT, OuterTerminal, set_size
from agent.token_files import environment

_QUIET = 0.1
"""Seconds without output after which a terminal that something in the background keeps open counts as empty."""

_LEFT_IN_TERMINAL = 1 << 18
"""Bytes; more than the kernel holds for a terminal. What comes beyond it after the end is from the background."""

_KEEPER_LOST = 1

_TO_PROGRAM = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_USUAL = (signal.SIG_DFL, signal.default_int_handler)
_TO_FOREGROUND = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)


def run(
    command: Sequence[str], *, label: str, session_id: str | None, socket_path: Path, workers: Path | None = None
) -> int:
    """Runs the program to its end and gives its exit code, 128 + n for signal n.

    It finds its token in `workers`. Without an agent at `socket_path` it works the same, and is a session as soon as
    one comes.
    """
    outer = OuterTerminal()
    identity = session_id or str(uuid.uuid4())
    child = spawn(command, outer.look(), environment(identity, workers))
    # Only select() can wait for every kind of file that standard input may be.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    hello: dict[str, object] = {
        "op": "attach_pty",
        "session_id": identity,
        "cwd": _folder(),
        **({"label": label} if label else {}),
    }
    logging.getLogger("asyncio").addHandler(logging.NullHandler())  # the screen is the program's
    try:
        return loop.run_until_complete(_Host(outer, child, hello, socket_path).run())
    finally:
        outer.restore()
        loop.close()
        child.close()


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


class _Host:
    """The program's life, seen from the outer terminal."""

    def __init__(self, outer: OuterTerminal, child: Child, hello: dict[str, object], socket_path: Path) -> None:
        self._outer = outer
        self._child = child
        self._hello = hello
        self._socket_path = socket_path
        self._program = 0
        self._shown = 0  # bytes of output
        self._waiting = False  # for output, and not for somebody to take it
        self._complaints = [signal.SIGPIPE, signal.SIGHUP]  # what a program gets whose output nobody takes

    async def run(self) -> int:
        keyboard = self._keyboard = SharedKeyboard(self._child.master)
        control, self._control = await asyncio.open_connection(sock=self._child.control)
        self._program = int((await control.readline() or b"P0")[1:])
        self._link = AgentLink(self._socket_path, {**self._hello, "pid": self._program}, self._deliver)
        self._listen()
        self._resume()
        self._activity = Activity(self._link.shows)
        telling = asyncio.create_task(self._activity.run(), name="activity")
        showing = asyncio.create_task(self._show(), name="output")
        reading = asyncio.create_task(self._read(), name="input")
        self._link.start()
        code = await self._until_end(control, showing)
        keyboard.end()
        await self._drain(showing)
        await self._link.finish(code)  # after the screen: people see the end where they sit
        for task in (showing, reading, telling):
            task.cancel()
        await asyncio.gather(showing, reading, telling, return_exceptions=True)
        self._control.close()
        return code

    async def _deliver(self, action: Action) -> Outcome:
        return await carry_out(self._keyboard, action, Pace())

    async def _until_end(self, control: asyncio.StreamReader, showing: asyncio.Task[None]) -> int:
        while word := (await control.readline()).strip():
            if word.startswith(b"E"):
                return int(word[1:])
            if word == b"S":
                await self._drain(showing)
                await self._suspend()
        return _KEEPER_LOST

    async def _show(self) -> None:
        while data := await self._output():
            self._keyboard.saw(data)
            self._activity.wrote()
            try:
                await descriptors.write(STDOUT, data)
            except OSError:
                if self._complaints:
                    self._signal_foreground(self._complaints.pop(0))
            self._shown += len(data)

    async def _output(self) -> bytes:
        self._waiting = True
        try:
            return await descriptors.read(self._child.master)
        finally:
            self._waiting = False

    async def _drain(self, showing: asyncio.Task[None]) -> None:
        """Until the terminal has nothing more to show."""
        before, limit = -1, self._shown + _LEFT_IN_TERMINAL
        while not showing.done() and not (self._waiting and self._shown == before) and self._shown < limit:
            before = self._shown
            await asyncio.wait([showing], timeout=_QUIET)

    async def _read(self) -> None:
        with suppress(OSError, termios.error):  # the program's terminal is closed: its end is seen elsewhere
            while data := await descriptors.read(STDIN):
                if self._outer.interactive and not is_answer(data):
                    await self._link.typed()
                await self._keyboard.forward(data, person=self._outer.interactive)
            if not self._outer.interactive:
                await self._keyboard.end_input()

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        handlers = {
            **{number: (self._signal, number) for number in _TO_PROGRAM},
            **{number: (self._signal_foreground, number) for number in _TO_FOREGROUND},
        }
        for number, (handler, argument) in handlers.items():
            if signal.getsignal(number) in _USUAL:  # else, as under nohup, it is not meant for the program either
                loop.add_signal_handler(number, handler, argument)
        loop.add_signal_handler(signal.SIGWINCH, self._resize)
        loop.add_signal_handler(signal.SIGCONT, self._resume)

    def _signal(self, number: signal.Signals) -> None:
        if self._program:  # 0 would be ourselves and all our neighbours
            with suppress(OSError):
                os.kill(self._program, number)

    def _signal_foreground(self, number: signal.Signals) -> None:
        with suppress(OSError):
            if front := os.tcgetpgrp(self._child.master):  # 0 when nobody is: that would be our own group
                os.killpg(front, number)

    def _resize(self) -> None:
        set_size(self._child.master, self._outer.size())

    def _resume(self) -> None:
        self._outer.make_raw()
        self._resize()

    async def _suspend(self) -> None:
        """The program stopped (Ctrl-Z): stops as it would have been stopped, and goes on with it."""
        await self._link.stop()  # a delivery must not wait in a sleeping process and be typed hours later
        self._outer.restore()
        loop = asyncio.get_running_loop()
        had = loop.remove_signal_handler(signal.SIGTSTP)
        os.killpg(os.getpgrp(), signal.SIGTSTP)  # the kernel drops it where nobody could wake us up again
        if had:
            loop.add_signal_handler(signal.SIGTSTP, self._signal_foreground, signal.SIGTSTP)
        self._resume()
        self._link.start()
        self._control.write(GO_ON)

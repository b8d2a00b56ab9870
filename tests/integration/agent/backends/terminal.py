"""A person's terminal, with a program started in it: keys in, screen out."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

HOST = Path(__file__).with_name("host.py")
END = b"\0END\0"
NO_AGENT = "/nonexistent/agent.sock"


def host(*command: str, socket: str = NO_AGENT, session_id: str = "s1") -> list[str]:
    """The command line of `pointsman run -- COMMAND…`."""
    return [sys.executable, "-I", str(HOST), socket, session_id, *command]


class Terminal:
    """Our side of a pty whose other side controls the program, as a terminal window does."""

    def __init__(self, command: Sequence[str], rows: int = 24, columns: int = 80) -> None:
        self._master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.modes_before = self.modes()
        self.screen = b""
        self._wake = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._reader.start()

    def _read(self) -> None:
        # The slave stays open here, so that modes can be read after the program's end: a word of our own ends this.
        # Not in a blocking read: it would keep the master open when the window is closed.
        while not self.screen.endswith(END):
            ready, _, _ = select.select([self._master, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            self.screen += os.read(self._master, 65536)

    @property
    def pid(self) -> int:
        return self._process.pid

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.slave)

    def resize(self, rows: int, columns: int) -> None:
        """Like a window that is dragged: the kernel tells the programs in it."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def shows(self, text: bytes, times: int = 1) -> bytes:
        """Waits until the text has come so many times; gives the whole screen."""
        wait_until(lambda: self.screen.count(text) >= times)
        return self.screen

    def exit_code(self) -> int:
        """Waits for the end of the program, and of its output."""
        code = self._process.wait(30)
        os.write(self.slave, END)
        self._reader.join(10)
        self.screen = self.screen.removesuffix(END)
        return code

    def hang_up(self) -> None:
        """The window is closed."""
        os.close(self._wake[1])
        self._reader.join()
        for descriptor in (self._wake[0], self.slave, self._master):
            os.close(descriptor)
        self.slave = -1

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self.slave >= 0:
            self.hang_up()

"""The terminal that a person sits at, while a program runs in a terminal of its own."""

import fcntl
import os
import struct
import termios
import tty
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

STDIN, STDOUT, STDERR = 0, 1, 2

_NO_TERMINAL = struct.pack("HHHH", 24, 80, 0, 0)  # rows, columns, pixels, pixels
_INPUT, _OUTPUT, _LOCAL, _CONTROL_CHARACTERS = 0, 1, 3, 6  # places in what tcgetattr gives


@dataclass(frozen=True, slots=True)
class Look:
    """What a new terminal takes over: its size as the kernel keeps it, and its modes."""

    size: bytes
    attributes: list[Any] | None
    echo: bool
    post_process: bool

    def apply(self, descriptor: int) -> None:
        set_size(descriptor, self.size)
        attributes = self.attributes or termios.tcgetattr(descriptor)
        attributes[_OUTPUT] &= ~0 if self.post_process else ~termios.OPOST
        attributes[_LOCAL] &= ~0 if self.echo else ~termios.ECHO
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


class OuterTerminal:
    """Standard input and output, whether they are a terminal or not."""

    def __init__(self) -> None:
        self.interactive = os.isatty(STDIN)
        self._sized = next((number for number in (STDIN, STDOUT, STDERR) if os.isatty(number)), None)
        self._saved = termios.tcgetattr(STDIN) if self.interactive else None
        # Output that does not go to the terminal in raw mode stays as the program wrote it.
        self._whole = self.interactive and os.isatty(STDOUT)

    def look(self) -> Look:
        """For the new terminal. Input that comes from a file is not echoed into the output."""
        attributes = None if self._sized is None else termios.tcgetattr(self._sized)
        return Look(self.size(), attributes, echo=self.interactive, post_process=self._whole)

    def size(self) -> bytes:
        if self._sized is None:
            return _NO_TERMINAL
        try:
            return fcntl.ioctl(self._sized, termios.TIOCGWINSZ, bytes(len(_NO_TERMINAL)))
        except OSError:  # it was closed
            return _NO_TERMINAL

    def make_raw(self) -> None:
        """Every key goes to the program; nothing that was typed ahead is lost. Not from the background."""
        if self._saved is None or not _in_foreground():
            return
        with suppress(OSError, termios.error):
            tty.setraw(STDIN, termios.TCSADRAIN)  # not FLUSH: keys typed ahead stay
            if not self._whole:
                self._keep_output_processing()

    def _keep_output_processing(self) -> None:
        attributes = termios.tcgetattr(STDIN)
        attributes[_OUTPUT] |= termios.OPOST
        termios.tcsetattr(STDIN, termios.TCSADRAIN, attributes)

    def restore(self) -> None:
        """As it was before; may be called again."""
        if self._saved is not None and _in_foreground():
            with suppress(OSError, termios.error):
                termios.tcsetattr(STDIN, termios.TCSADRAIN, self._saved)


def _in_foreground() -> bool:
    """Whether the terminal is ours to change; one that controls no jobs always is."""
    try:
        return os.tcgetpgrp(STDIN) == os.getpgrp()
    except OSError:
        return True


def set_size(descriptor: int, size: bytes) -> None:
    """Tells the program's terminal its size; the kernel tells the program."""
    with suppress(OSError):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, size)


def end_of_input(descriptor: int, *, inside_line: bool) -> bytes:
    """What tells a program that reads lines that no more will come: the first one only ends a line that has begun."""
    character: bytes = termios.tcgetattr(descriptor)[_CONTROL_CHARACTERS][termios.VEOF]
    return character * (2 if inside_line else 1)

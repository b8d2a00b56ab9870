"""What a typist has of a terminal: its keys, and a look at what is in front."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class TerminalError(Exception):
    """Something went wrong; the text is for people."""


class Gone(TerminalError):
    """The terminal, or the program that was registered in it, is no longer there."""


class Refused(TerminalError):
    """Nothing was typed."""


class Silent(TerminalError):
    """No answer in time: what was asked may have happened."""


class LineInUse(TerminalError):
    """Somebody has a half-typed line there."""


@dataclass(frozen=True, slots=True)
class Front:
    """The program that gets the keys. `pid` is of a process in the terminal, for asking who is in front of it."""

    pid: int
    program: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A file that a program keeps, and what must stand in it for an Enter to be harmless."""

    file: Path
    allows: str
    """A regular expression as understood by grep -E, by vim after \\v and by Python."""

    def allows_now(self) -> bool:
        try:
            return re.search(self.allows, self.file.read_text(encoding="utf-8", errors="replace")) is not None
        except OSError:
            return False


class Keyboard(Protocol):
    """One terminal, to be typed into by one typist at a time. Every method may raise a TerminalError."""

    async def check(self) -> Front:
        """Makes sure that the program that was registered is there; changes nothing."""

    async def ready(self) -> Front:
        """Makes sure that keys reach the program that was registered."""

    async def in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it with the keyboard to itself, where that can be had: keys of a person come before it or after it."""

    async def type(self, text: str) -> None:
        """Text as keys, exactly."""

    async def paste(self, text: str) -> None:
        """Several lines as one input, in brackets if the program asked for them."""

    async def press(self, *names: str) -> None:
        """Keys of typing_rules, one after the other."""

    async def enter(self, guard: Guard) -> bool:
        """Presses Enter if the guard allows it, asked as close to the key as can be. Whether it was pressed."""

    async def screen(self) -> str | None:
        """What the terminal shows, with colours where there are any; None where nobody can tell."""

    def answered(self) -> bool:
        """Whether the program has shown anything since something was typed; True where its screen tells more."""

"""What typing needs of a terminal: its keys, and a look at what is in front."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.domain.command import Outcome, Reason


class TerminalError(Exception):
    """Something went wrong; the text is for people."""

    reason = Reason.BACKEND_ERROR
    doubt = False  # whether what was asked may have happened all the same

    def outcome(self, left: str = "") -> Outcome:
        """How an action ended that it broke. `left` is what that leaves in the terminal, for people."""
        if left:
            return Outcome.uncertain(self.reason, f"{self}; {left}")
        return (Outcome.uncertain if self.doubt else Outcome.failed)(self.reason, str(self))


class Gone(TerminalError):
    """The terminal, or the program that was registered in it, is no longer there."""

    reason = Reason.TARGET_GONE


class Lost(Gone):
    """It went while something was typed into it."""

    doubt = True


class Refused(TerminalError):
    """Nothing was typed."""


class Silent(TerminalError):
    """No answer in time: what was asked may have happened."""

    doubt = True


class LineInUse(TerminalError):
    """Somebody has a half-typed line there."""

    reason = Reason.LINE_IN_USE


@dataclass(frozen=True, slots=True)
class Front:
    """The program that gets the keys. `pid` is of a process in the terminal, for asking who is in front of it."""

    pid: int
    program: str
    pastes: bool = True  # it asked for several lines as one input; also where the terminal sees to that itself


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
    """One terminal, on which one action is played at a time. Every method may raise a TerminalError."""

    left: bool
    """A part of a text may be in the prompt, not submitted."""

    async def check(self) -> Front:
        """Makes sure that the program that was registered is there; changes nothing."""

    async def ready(self) -> Front:
        """Makes sure that keys reach the program that was registered."""

    async def in_turn(self, work: Callable[[], Awaitable[None]], *, own_line: bool = True) -> None:
        """Does it with the keyboard to itself, where that can be had: keys of a person come before it or after it.

        With `own_line` it waits for a person to finish their line, and raises LineInUse when they do not.
        """

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

"""What a terminal shows, for people who cannot see it."""

import re
from collections.abc import Callable

from agent.backends.terminals.keyboard import Keyboard, TerminalError

LINES = 12
"""From the bottom, where prompts and dialogs are."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()*+].|.)")

_PIECES = re.compile(f"({_SEQUENCE.pattern})")  # texts, and what stands between them
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
MOST = 64 * 1024  # bytes of a whole screen


async def shown(terminal: Keyboard) -> str:
    """The last lines on its screen, without colours; empty where that cannot be seen now."""
    try:
        await terminal.check()
        screen = await terminal.screen()
    except TerminalError:  # people get the word without a picture
        return ""
    lines = [line.rstrip() for line in _SEQUENCE.sub("", screen or "").splitlines()]
    return "\n".join([line for line in lines if line][-LINES:])


def whole(screen: str, masks: Callable[[str], str]) -> str:
    """All of it, masked, with its colours where nothing had to be, and without anything else that moves a terminal."""
    lines = "".join(map(_kept, _PIECES.split(screen))).split("\n")
    coloured = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    plain = _COLOUR.sub("", coloured)
    masked = masks(plain)
    # A sequence in the middle of a secret would hide it from the masks.
    text = coloured if masked == plain and len(coloured.encode()) <= MOST else masked
    return text.encode()[-MOST:].decode(errors="ignore")


def _kept(piece: str) -> str:
    """A sequence if it is a colour; of a text what can be seen."""
    if _COLOUR.fullmatch(piece):
        return piece
    return "" if piece.startswith("\x1b") else "".join(one for one in piece if one == "\n" or one.isprintable())

"""What a terminal shows, for people who cannot see it."""

import re

from agent.backends.terminals.keyboard import Keyboard, TerminalError

LINES = 12
"""From the bottom, where prompts and dialogs are."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")


async def shown(terminal: Keyboard) -> str:
    """The last lines on its screen, without colours; empty where that cannot be seen now."""
    try:
        await terminal.check()
        screen = await terminal.screen()
    except TerminalError:  # people get the word without a picture
        return ""
    lines = [line.rstrip() for line in _SEQUENCE.sub("", screen or "").splitlines()]
    return "\n".join([line for line in lines if line][-LINES:])

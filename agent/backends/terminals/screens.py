"""What a terminal shows, for people who cannot see it."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from agent.backends.terminals import nvim, tmux
from agent.backends.terminals.keyboard import Keyboard, TerminalError
from agent.domain.session import Session

LINES = 12
"""From the bottom, where prompts and dialogs are."""

_TERMINALS: Mapping[str, Callable[[Session], Keyboard]] = MappingProxyType({"tmux": tmux.Pane, "nvim": nvim.Terminal})
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")


async def shown(session: Session) -> str:
    """The last lines on a session's screen, without colours; empty where that cannot be seen from outside."""
    opened = _TERMINALS.get(session.backend)
    if opened is None:
        return ""
    terminal = opened(session)
    try:
        await terminal.check()
        screen = await terminal.screen()
    except TerminalError:
        return ""
    lines = [line.rstrip() for line in _SEQUENCE.sub("", screen or "").splitlines()]
    return "\n".join([line for line in lines if line][-LINES:])

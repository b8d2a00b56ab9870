"""What can be changed about how a coding agent works: its permission mode, its model, what it does and remembers."""

import re
from dataclasses import dataclass
from enum import Enum

DEFAULT, ACCEPT_EDITS, PLAN, BYPASS = "default", "acceptEdits", "plan", "bypassPermissions"  # as Claude Code has them
MODES = (DEFAULT, ACCEPT_EDITS, PLAN)
"""Those that can be chosen in every session."""

MAX_MODE, MAX_MODEL = 32, 100  # characters
_MODEL = re.compile(rf"[A-Za-z0-9._:@/\[\]-]{{1,{MAX_MODEL}}}")
_MODE = re.compile(rf"[A-Za-z]{{1,{MAX_MODE}}}")


class ControlKind(Enum):
    """What a signal changes; names as in agentlink.v1."""

    MODE = "mode"
    MODEL = "model"
    INTERRUPT = "interrupt"
    COMPACT = "compact"
    CLEAR = "clear"


CONTROLS = (ControlKind.INTERRUPT, ControlKind.MODEL, ControlKind.COMPACT, ControlKind.CLEAR)
"""What works in every session whose program is Claude Code."""


@dataclass(frozen=True, slots=True)
class ControlSignal:
    """Change how the program in the session works. `value` is the mode or the model."""

    kind: ControlKind
    value: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether it says something that may be typed."""
        match self.kind:
            case ControlKind.MODE:
                return _MODE.fullmatch(self.value) is not None
            case ControlKind.MODEL:
                return _MODEL.fullmatch(self.value) is not None
        return not self.value

    @property
    def typed(self) -> str:
        """The command with which a person at the terminal says it."""
        return f"/{self.kind.value} {self.value}".rstrip()


def asks_less_between(shown: str, wanted: str) -> bool:
    """Whether the way from one mode to another, step by step, may lead past one that asks less than both.

    It goes from `default` over `acceptEdits` and `plan`, then over those that ask next to nothing, and begins again.
    """
    if wanted not in MODES or shown == wanted:
        return False
    if shown not in MODES:  # one that asks next to nothing itself; empty where nobody knows
        return not shown
    return MODES.index(wanted) - MODES.index(shown) != 1

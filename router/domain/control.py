"""What can be changed about how the program in a session works, beside what is written to it."""

import re
from collections.abc import Collection
from enum import Enum

from msgspec import Struct

from router.domain.errors import Reason, Refusal

BYPASS = "bypassPermissions"
MAX_MODE, MAX_MODEL, MAX_MODES = 32, 100, 10  # characters, the same, and how many there may be
_ASK_ALL = frozenset({"default", "plan"})  # every other one does something unasked, also one that we do not know
_SPELLED = {
    "default": "default", "manual": "default", "normal": "default", "plan": "plan", "acceptedits": "acceptEdits",
    "accept-edits": "acceptEdits", "edits": "acceptEdits", "bypasspermissions": BYPASS, "bypass": BYPASS,
}  # fmt: skip
_MODE = re.compile(rf"[A-Za-z]{{1,{MAX_MODE}}}")
_MODEL = re.compile(rf"[A-Za-z0-9._:@/\[\]-]{{1,{MAX_MODEL}}}")


class ControlKind(Enum):
    """What a signal changes."""

    MODE = "mode"
    MODEL = "model"
    INTERRUPT = "interrupt"
    COMPACT = "compact"
    CLEAR = "clear"


class ControlSignal(Struct, frozen=True):
    """Change how the program in the session works. `value` is the mode or the model."""

    kind: ControlKind
    value: str = ""

    @property
    def words(self) -> str:
        """As people say it."""
        return f"/{self.kind.value} {self.value}".rstrip()

    @property
    def asks_less(self) -> bool:
        """Whether its program does something unasked from then on."""
        return self.kind is ControlKind.MODE and self.value not in _ASK_ALL


def checked(kind: ControlKind, value: str) -> ControlSignal:
    """A signal that may be typed. Raises Refusal naming what is wrong with it."""
    value = _SPELLED.get(value.lower(), value) if kind is ControlKind.MODE else value
    pattern = {ControlKind.MODE: _MODE, ControlKind.MODEL: _MODEL}.get(kind)
    if pattern is None and value:
        raise Refusal(Reason.INVALID_ARGUMENT, f"{kind.value} takes no value")
    if pattern is not None and not pattern.fullmatch(value):
        text = (
            f"{value[:40]!r} is no {kind.value}, as its program calls it: letters, for models also 0-9 . _ : @ / [ ] -"
        )
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    return ControlSignal(kind, value)


def is_text(controls: Collection[str], name: str, argument: str) -> bool:
    """Whether a command is words for a session's program: what is no Claude Code may know it, too."""
    if name in ("compact", "clear"):
        return bool(argument) or name not in controls
    return name != "mode" and not controls

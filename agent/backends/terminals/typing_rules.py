"""What may be typed into a terminal, and how: pure rules that every terminal backend shares."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.backends.terminals.keyboard import Front

BURST = 400
"""Characters in one write. Longer ones are taken for a paste by full-screen programs, which then swallow the Enter."""

PASTE_START = b"\x1b[200~"
PASTE_END = b"\x1b[201~"
ENTER = b"\r"

# C0 but tab and newline, DEL, C1, and lone surrogates, which no encoding can carry. With ESC gone no text can hold the
# end of a bracketed paste.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

# Programs that take a bare LF as a new line of the same prompt and wrap a long paste into something else: Claude Code,
# whose process is named by its version when its own installer put it there.
CLAUDE = re.compile(r"claude|\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds to wait while typing: after a burst, and before the Enter that submits."""

    between: float = 0.04
    before_enter: float = 0.1


@dataclass(frozen=True, slots=True)
class Key:
    """A key that people can press from afar."""

    sequence: bytes
    tmux: str  # its name in `tmux send-keys`
    application: bytes = b""  # sent instead while the program has application cursor keys on

    def bytes_for(self, *, application_cursor: bool) -> bytes:
        return self.application if application_cursor and self.application else self.sequence


SUSPEND = "ctrl-z"

KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "esc": Key(b"\x1b", "Escape"),
        "enter": Key(ENTER, "Enter"),
        "ctrl-c": Key(b"\x03", "C-c"),
        "ctrl-d": Key(b"\x04", "C-d"),
        "tab": Key(b"\t", "Tab"),
        "up": Key(b"\x1b[A", "Up", b"\x1bOA"),
        "down": Key(b"\x1b[B", "Down", b"\x1bOB"),
        "left": Key(b"\x1b[D", "Left", b"\x1bOD"),
        "right": Key(b"\x1b[C", "Right", b"\x1bOC"),
        "backspace": Key(b"\x7f", "BSpace"),
        "space": Key(b" ", "Space"),
        "shift-tab": Key(b"\x1b[Z", "BTab"),
        "page-up": Key(b"\x1b[5~", "PPage"),
        "page-down": Key(b"\x1b[6~", "NPage"),
        "ctrl-r": Key(b"\x12", "C-r"),
        "ctrl-o": Key(b"\x0f", "C-o"),
        SUSPEND: Key(b"\x1a", "C-z"),
    }
)


EDITING: Mapping[str, Key] = MappingProxyType({"ctrl-s": Key(b"\x13", "C-s"), "ctrl-u": Key(b"\x15", "C-u")})
"""Keys that only we press."""

CLEARING = ("ctrl-u", "backspace")
"""Takes the last line of an input of several, and the break before it. In an empty one they do nothing."""


def clean(text: str) -> str:
    """The text without control characters other than newline and tab; CRLF is one newline."""
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n"))


def bursts(text: str, size: int = BURST) -> list[str]:
    """The text in pieces of at most `size` characters; joined again they are the text."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def pastes(front: Front) -> bool:
    """Whether to paste several lines into this program instead of typing them.

    A new line typed at a shell or a REPL would submit the first line alone; pasted, all lines are one input.
    """
    return front.pastes and not CLAUDE.fullmatch(front.program)


def refused_key(name: str) -> str:
    """What to tell a person who asked for a key that does not exist."""
    return f"there is no key {name!r}; there are {', '.join(KEYS)}"

"""What cannot be seen is written out: nobody may be shown another text than the one that they decide about.

Directions that turn a line round, characters without a width and control characters make a command look like another
one (Unicode TR 36 and 39; "Trojan Source", CVE-2021-42574).
"""

import json
import unicodedata

WARNING = "⚠ It holds characters that cannot be seen. They are written as ⟨U+…⟩ here."

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # general categories, Unicode chapter 4.5
_LAYOUT = frozenset("\n\t")
_JOINER = "\u200d"  # makes one picture of several


def visible(text: str) -> str:
    """The text with each character that cannot be seen as ⟨U+202E⟩; the same text where there is none."""
    lines = text.replace("\r\n", "\n")
    return "".join(
        f"⟨U+{ord(character):04X}⟩" if _is_unseen(lines, at) else character for at, character in enumerate(lines)
    )


def unseen_escaped(text: str) -> str:
    """A JSON text that says the same, with each character that cannot be seen written as JSON writes it."""
    return "".join(
        json.dumps(character)[1:-1] if _is_unseen(text, at) else character for at, character in enumerate(text)
    )


def _is_unseen(text: str, at: int) -> bool:
    character = text[at]
    if character in _LAYOUT or unicodedata.category(character) not in _UNSEEN:
        return False
    return not (character == _JOINER and _is_picture(text[at - 1 : at]) and _is_picture(text[at + 1 : at + 2]))


def _is_picture(character: str) -> bool:
    """Whether it is an emoji, or what gives one its colour or shape."""
    return character == "\ufe0f" or unicodedata.category(character or " ") in {"So", "Sk"}

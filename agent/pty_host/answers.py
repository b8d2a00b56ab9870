"""What a terminal says by itself where a program asks it, or is looked at: nobody has pressed a key. Pure."""

import re

# Sequences by their ends: attributes, cursor, status, focus, sizes, modes, and with "?" the flags of its keyboard.
# Then strings: colours, versions, capabilities, pictures.
_ANSWERS = re.compile(rb"(?:\x1b\[[?>]?[\d;:]*(?:[cRnIOt]|\$y)|\x1b\[\?\d+u|\x1b[\]P_][^\x07\x1b]*(?:\x07|\x1b\\))+")


def is_answer(data: bytes) -> bool:
    """Whether nothing else is in it."""
    return _ANSWERS.fullmatch(data) is not None

"""A whole screen: its lines and colours, and nothing that moves another terminal or looks like a secret."""

import pytest

from agent.backends.terminals.screens import MOST, whole
from agent.domain.masks import Masks


@pytest.mark.parametrize(
    ("screen", "text"),
    [
        ("one  \n\n  two\n\n\n", "one\n\n  two"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b[2Ja\x1b]0;title\x07b\x1b(Bc\x1b[?25ld", "abcd"),
        ("bell\x07 back\x08 \x9b5A", "bell back 5A"),
        ("key \x1b[31mghp_0123456789\x1b[32m0123456789abcdef\x1b[0m", "key [GitHub token]"),
        ("a\x1b\n[2Jb\x1b\x1b[2J\x1b", "a\n[2Jb[2J"),
        ("", ""),
    ],
    ids=["lines", "colours", "other sequences", "control characters", "a coloured secret", "halves", "nothing"],
)
def test_what_is_shown(screen: str, text: str) -> None:
    assert whole(screen, Masks()) == text


def test_of_a_large_one_the_end_is_shown() -> None:
    shown = whole("\x1b[31mé" * MOST, Masks())

    assert shown == "é" * (MOST // 2)

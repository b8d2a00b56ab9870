"""A stranger's name is hostile input that appears in a terminal."""

import pytest

from router.domain.stranger import speakable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Eve", "Eve"),
        ("Ève 世界", "Ève 世界"),
        ("a\x1b[2Jb\x07\r\nc", "a[2Jbc"),
        ("a\u202eb\u200fc\u2028d", "abcd"),
        (" " * 9, ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_name_is_short_and_printable(name: str, shown: str) -> None:
    assert speakable(name) == shown

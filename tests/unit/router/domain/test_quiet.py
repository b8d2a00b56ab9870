"""Quiet hours as people write them, and what they cover."""

from datetime import time

import pytest

from router.domain.quiet import covers, read


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22-7", "22:00-07:00"),
        (" 22:30 - 6:45 ", "22:30-06:45"),
        ("0-23:59", "00:00-23:59"),
        ("7-7", None),
        ("24-7", None),
        ("22:60-7", None),
        ("", None),
        ("night", None),
        ("22-7 please", None),
    ],
)
def test_what_a_person_wrote(text: str, hours: str | None) -> None:
    assert read(text) == hours


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        ("22:00-07:00", time(22), True),
        ("22:00-07:00", time(3), True),
        ("22:00-07:00", time(7), False),
        ("22:00-07:00", time(12), False),
        ("12:00-14:00", time(12), True),
        ("12:00-14:00", time(14), False),
        ("12:00-14:00", time(3), False),
        ("", time(3), False),
    ],
)
def test_what_they_cover(hours: str, at: time, quiet: bool) -> None:
    assert covers(hours, at) is quiet

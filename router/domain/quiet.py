"""Quiet hours of a chat: a time of day from which, and one until which, nothing makes a sound."""

import re
from datetime import time

_HOURS = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?")


def read(text: str) -> str | None:
    """What a person wrote, as "22:00-07:00"; None where it is no such thing."""
    match = _HOURS.fullmatch(text.strip())
    if match is None:
        return None
    begin, end = (int(match[1]), int(match[2] or 0)), (int(match[3]), int(match[4] or 0))
    if begin == end or max(begin[0], end[0]) > 23 or max(begin[1], end[1]) > 59:
        return None
    return f"{begin[0]:02}:{begin[1]:02}-{end[0]:02}:{end[1]:02}"


def left(quiet: str, at: time) -> float:
    """Seconds from a time of day within until the hours are over."""
    end = time.fromisoformat(quiet.split("-")[1])
    seconds = (end.hour - at.hour) * 3600 + (end.minute - at.minute) * 60 - at.second - at.microsecond / 1e6
    return seconds if seconds > 0 else seconds + 24 * 3600


def covers(quiet: str, at: time) -> bool:
    """Whether a time of day is within; hours may go over midnight. Never, where there are none."""
    if not quiet:
        return False
    begin, end = (time.fromisoformat(part) for part in quiet.split("-"))
    return begin <= at < end if begin < end else at >= begin or at < end

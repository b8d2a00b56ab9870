"""Usage limits, as Claude Code tells of them: in its stream-json, and in its record of a conversation.

As seen in 2.1.329 and 2.1.332. Its words for people change from version to version: fields are read, never text. Least
of all those on a screen, where a model can write the same: its program alone writes these fields.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

_END = 256 * 1024  # bytes of a record that are looked at, from its end
_LATEST = 253_402_300_800.0  # the year 10 000, in seconds since the epoch


def limited_until(told: Mapping[str, object]) -> float:
    """Until when an account is at its limit by a `rate_limit_info`, in seconds since the epoch; 0 for none."""
    ends = told.get("resetsAt")
    # What is paid for beyond the limit goes on.
    if told.get("status") != "rejected" or told.get("isUsingOverage") is True or isinstance(ends, bool):
        return 0.0
    return float(ends) if isinstance(ends, int | float) and 0 < ends < _LATEST else 0.0


def recorded_limit(record: Path) -> float | None:
    """The same by the last answer in a record; None where that does not say, or a prompt stands behind it. Blocks."""
    for line in reversed(_last_lines(record)):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # the first of them is cut, the last may be half written
            continue
        if not isinstance(row, dict) or row.get("isSidechain") is True or row.get("isMeta") is True:
            continue
        if row.get("type") == "user":
            return None
        if row.get("type") == "assistant" and not _is_filler(row):
            return _told_by(row)
    return None


def _told_by(row: Mapping[str, object]) -> float | None:
    """An answer tells that there is no limit; an error only when it is one of this kind."""
    return limited_until(_info(row)) or None if row.get("isApiErrorMessage") is True else 0.0


def _is_filler(row: Mapping[str, object]) -> bool:
    """Written by the program where no model answered, as when a conversation is taken up again."""
    message = row.get("message")
    written = isinstance(message, dict) and message.get("model") == "<synthetic>"
    return written and row.get("isApiErrorMessage") is not True


def _last_lines(record: Path) -> list[bytes]:
    try:
        with record.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
            return file.read(_END).splitlines()
    except OSError:
        return []


def _info(row: Mapping[str, object]) -> Mapping[str, object]:
    found = row.get("quotaLimits")
    if not isinstance(found, dict):
        parameters = row.get("apiErrorParams")
        found = parameters.get("rate_limit_info") if isinstance(parameters, dict) else None
    return found if isinstance(found, dict) else {}

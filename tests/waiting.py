"""Waiting in tests: for a condition, with a deadline, never for a length of time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds for what takes a fraction of one on an idle machine: others may have its cores, and a failure is rare."""

# Seconds between looks. Looking steals the cores from what is waited for: the longer it takes, the rarer are the looks.
_SHORTEST, _LONGEST, _SHARE = 0.01, 0.2, 0.05


class NeverHappened(AssertionError):
    """The deadline passed; the message holds what the condition gave last."""


def wait_until(condition: Callable[[], T], deadline: float = PATIENCE) -> T:
    """The first true value of `condition`, looked at again and again for `deadline` seconds.

    An exception from `condition` is not waited out: make the condition say "not yet" with a false value.
    """
    began = time.monotonic()
    pause = threading.Event()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited >= deadline:
            raise NeverHappened(f"not within {deadline} s; last value: {value!r}")
        pause.wait(min(max(_SHORTEST, waited * _SHARE), _LONGEST))
    return value

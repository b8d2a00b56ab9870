"""Waiting in tests: for a condition, with a deadline, never for a length of time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_INTERVAL = 0.01  # seconds between looks: shorter would steal the two cores from what is waited for


class NeverHappened(AssertionError):
    """The deadline passed; the message holds what the condition gave last."""


def wait_until(condition: Callable[[], T], deadline: float = 10.0) -> T:
    """The first true value of `condition`, looked at again and again for `deadline` seconds.

    An exception from `condition` is not waited out: make the condition say "not yet" with a false value.
    """
    asked = time.monotonic()
    ends = asked + deadline
    pause = threading.Event()
    while not (value := condition()):
        now = time.monotonic()
        if now >= ends:
            raise NeverHappened(f"not within {deadline} s; last value: {value!r}")
        pause.wait(max(_INTERVAL, now - asked))  # what is dear to look at is looked at more rarely
        asked = time.monotonic()
    return value

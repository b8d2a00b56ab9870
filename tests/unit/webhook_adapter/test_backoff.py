import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from webhook_adapter.backoff import Backoff


@given(st.integers())
def test_each_try_falls_inside_its_own_window(seed: int) -> None:
    backoff = Backoff(1.0, 8.0, random.Random(seed))
    tries = itertools.accumulate(backoff.next_wait() for _ in range(6))

    windows = [(0, 1), (1, 3), (3, 7), (7, 15), (15, 23), (23, 31)]
    inside = [low <= at <= high + 1e-9 for at, (low, high) in zip(tries, windows, strict=True)]
    assert inside == [True] * 6


def test_after_a_reset_it_begins_anew() -> None:
    backoff = Backoff(1.0, 60.0, random.Random(1))
    grown = max(backoff.next_wait() for _ in range(5))
    backoff.reset()

    assert backoff.next_wait() <= 1.0 < grown

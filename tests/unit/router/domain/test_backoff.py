"""Waiting between attempts: 2 s, doubled, at most 5 minutes, at most half of it taken off by chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.backoff import backoff, exhausted

attempts = st.integers(min_value=1, max_value=1_000)
chances = st.floats(min_value=0, max_value=1, exclude_max=True)


@pytest.mark.parametrize(("charged", "seconds"), [(1, 2), (2, 4), (3, 8), (7, 128), (8, 256), (9, 300), (1000, 300)])
def test_the_window_doubles_up_to_five_minutes(charged: int, seconds: float) -> None:
    assert backoff(charged, 0.0) == seconds


@given(attempts, chances)
def test_chance_takes_off_up_to_half(charged: int, jitter: float) -> None:
    whole = backoff(charged, 0.0)

    assert whole / 2 <= backoff(charged, jitter) <= whole <= 300


@pytest.mark.parametrize(("charged", "over"), [(0, False), (7, False), (8, True), (9, True)])
def test_eight_charged_attempts_are_enough(charged: int, over: bool) -> None:
    assert exhausted(charged) is over

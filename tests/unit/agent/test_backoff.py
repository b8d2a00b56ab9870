"""When the router is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.link.backoff import MAX_WINDOW, PROVEN_AFTER, Backoff, lost, refused, told


def test_windows_double_from_one_second_to_sixty() -> None:
    backoff, windows = Backoff(), []
    for _ in range(8):
        backoff = lost(backoff, now=0.0, jitter=0.5)
        windows.append(backoff.window)

    assert windows == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_window_begins_where_the_one_before_ends() -> None:
    first = lost(Backoff(), now=10.0, jitter=0.25)

    second = lost(first, now=10.3, jitter=0.5)

    assert (first.attempt_at, first.window_ends) == (10.25, 11.0)
    assert (second.attempt_at, second.window_ends) == (12.0, 13.0)


@pytest.mark.parametrize(("welcomed_for", "window"), [(PROVEN_AFTER, 1.0), (PROVEN_AFTER - 1, 16.0)])
@pytest.mark.rule("A24")
def test_only_a_minute_of_a_good_link_begins_anew(welcomed_for: float, window: float) -> None:
    tired = Backoff(window=8.0, attempt_at=90.0, window_ends=95.0)

    assert lost(tired, now=200.0, jitter=0.0, welcomed_for=welcomed_for).window == window


def test_a_refused_machine_waits_in_the_longest_window() -> None:
    backoff = refused(Backoff(), now=0.0, jitter=0.5)

    assert (backoff.attempt_at, backoff.window_ends) == (30.0, MAX_WINDOW)


def test_the_routers_word_overrides_the_window() -> None:
    backoff = told(lost(Backoff(), now=5.0, jitter=0.9), now=5.0, delay=42.0)

    assert backoff.attempt_at == 47.0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 0.999), st.floats(0, 120)), max_size=30))
def test_an_attempt_is_never_in_the_past_and_always_inside_its_window(
    losses: list[tuple[float, float, float]],
) -> None:
    backoff, now = Backoff(), 0.0
    for pause, jitter, welcomed_for in losses:
        now = max(now, backoff.attempt_at) + pause
        backoff = lost(backoff, now, jitter, welcomed_for)

        assert now <= backoff.attempt_at <= backoff.window_ends <= now + 2 * MAX_WINDOW

"""A bucket of tokens for each name."""

import pytest

from router.domain.rate_limit import REMEMBERED, RateLimit

RATE, BURST = 10.0, 5.0


@pytest.fixture
def limit() -> RateLimit:
    return RateLimit(RATE, BURST)


def test_a_burst_is_let_in_and_then_so_many_a_second(limit: RateLimit) -> None:
    assert [limit.wait("a", 100.0) for _ in range(5)] == [0.0] * 5
    assert limit.wait("a", 100.0) == pytest.approx(1 / RATE)
    assert limit.wait("a", 100.1) == 0.0
    assert limit.wait("a", 100.1) == pytest.approx(1 / RATE)


def test_who_was_told_to_wait_has_used_up_nothing(limit: RateLimit) -> None:
    for _ in range(50):
        limit.wait("a", 100.0)

    assert limit.wait("a", 100.0) == pytest.approx(1 / RATE)


def test_each_name_has_its_own(limit: RateLimit) -> None:
    for _ in range(6):
        limit.wait("a", 100.0)

    assert limit.wait("b", 100.0) == 0.0


def test_only_so_many_names_are_remembered(limit: RateLimit) -> None:
    for number in range(3 * REMEMBERED):
        limit.wait(str(number), 100.0)

    assert len(limit._full) <= REMEMBERED


def test_whoever_is_busy_is_not_forgotten_for_those_who_came_once(limit: RateLimit) -> None:
    for _ in range(5):
        limit.wait("busy", 100.0)
    for number in range(REMEMBERED - 1):
        limit.wait(str(number), 100.0)

    limit.wait("new", 100.3)

    assert limit.wait("busy", 100.3) == 0.0
    assert limit.wait("busy", 100.3) == 0.0
    assert limit.wait("busy", 100.3) == 0.0
    assert limit.wait("busy", 100.3) > 0.0

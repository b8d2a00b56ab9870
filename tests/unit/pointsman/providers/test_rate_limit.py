"""How long a call waits, so that a cloud is never asked more often than it takes."""

import pytest

from pointsman.providers.rate_limit import CHANGES, READS, Buckets, Rate


def waits(rate: Rate, calls: int, buckets: Buckets | None = None, start: float = 0.0) -> list[float]:
    """How long each waits of those that come one behind the other."""
    buckets, now, found = buckets or Buckets(), start, []
    for _ in range(calls):
        found.append(buckets.take("start m1", rate, now))
        now += found[-1]
    return found


@pytest.mark.parametrize(("rate", "burst", "pause"), [(CHANGES, 3, 1.0), (READS, 10, 0.2)])
def test_so_many_go_at_once_and_then_one_at_a_time(rate: Rate, burst: int, pause: float) -> None:
    assert waits(rate, burst + 3) == pytest.approx([0.0] * burst + [pause] * 3)


def test_each_action_on_each_machine_has_its_own() -> None:
    buckets = Buckets()
    waits(CHANGES, 3, buckets)

    assert buckets.take("start m2", CHANGES, 0.0) == buckets.take("stop m1", CHANGES, 0.0) == 0.0
    assert buckets.take("start m1", CHANGES, 0.0) > 0


def test_after_a_pause_there_are_as_many_as_at_first_and_no_more() -> None:
    buckets = Buckets()
    waits(CHANGES, 3, buckets)

    assert waits(CHANGES, 4, buckets, 1000.0) == pytest.approx([0.0, 0.0, 0.0, 1.0])


def test_where_it_says_how_long_it_takes_no_more_that_is_kept() -> None:
    buckets = Buckets()
    buckets.rest("start m1", CHANGES, 7.0, 0.0)

    assert buckets.take("start m1", CHANGES, 2.0) == pytest.approx(6.0)

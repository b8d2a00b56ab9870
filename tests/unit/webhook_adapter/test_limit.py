"""How often somebody may do something."""

from webhook_adapter.limit import Limit


def test_after_so_many_at_once_one_goes_at_each_step() -> None:
    limit = Limit(a_second=2, at_once=3)

    assert [limit.take("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert [limit.take("a", 100.5) for _ in range(2)] == [0, 0.5]


def test_a_pause_gives_all_of_it_back_and_no_more() -> None:
    limit = Limit(a_second=2, at_once=3)
    for _ in range(3):
        limit.spend("a", 100.0)

    assert [limit.take("a", 1000.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_has_their_own() -> None:
    limit = Limit(a_second=1, at_once=1)

    assert [limit.take(who, 100.0) for who in ("a", "b", "a")] == [0, 0, 1.0]


def test_who_only_asks_spends_nothing() -> None:
    limit = Limit(a_second=1, at_once=1)

    assert [limit.wait("a", 100.0) for _ in range(3)] == [0, 0, 0]


def test_who_goes_on_in_spite_of_it_waits_no_longer_for_that() -> None:
    limit = Limit(a_second=1, at_once=2)
    for _ in range(50):
        limit.spend("a", 100.0)

    assert limit.wait("a", 100.0) == 1.0


def test_of_many_those_are_forgotten_who_were_away_for_longest() -> None:
    limit = Limit(a_second=1, at_once=1)
    limit.spend("first", 100.0)
    for number in range(4095):
        limit.spend(f"{number}", 100.0)
    assert limit.wait("first", 100.0) == 1.0

    limit.spend("one more", 100.0)

    assert limit.wait("first", 100.0) == 0

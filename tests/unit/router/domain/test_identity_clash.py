"""Which arrivals under one identity give two daemons away."""

from functools import reduce

import pytest

from router.domain.identity_clash import Arrivals, arrived


def after(*arrivals: tuple[str, float]) -> Arrivals:
    return reduce(lambda known, one: arrived(known, *one), arrivals, Arrivals())


def turns(names: str, every: float = 1.0) -> Arrivals:
    return after(*((name, number * every) for number, name in enumerate(names)))


@pytest.mark.parametrize("names", ["ababa", "abcabc", "aabbaabbaa"])
def test_three_returns_within_a_minute_are_a_clash(names: str) -> None:
    assert turns(names).clash == (names[-2] if names[-2] != names[-1] else "b", names[-1])


@pytest.mark.parametrize("names", ["", "a", "aaaaaaaa", "abcdefgh", "abab"])
def test_anything_less_is_none(names: str) -> None:
    assert turns(names).clash == ()


def test_slow_turns_are_none() -> None:
    assert turns("abababab", every=31.0).clash == ()

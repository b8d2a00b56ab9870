"""Power cuts, the short form."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import cuts, power
from tests.faults.world import World, world

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not power.possible(), reason="this Python has SQLite built in, out of reach"),
]
SEED = 1


@pytest.fixture(scope="module")
def powered() -> Iterator[World]:
    with world(machines=2) as one:
        yield one


def test_a_power_cut_takes_nothing_that_was_accepted(powered: World) -> None:
    rows = [cuts.router(powered, random.Random(SEED), 2), cuts.agents(powered, random.Random(SEED), 4)]

    assert [row.problems for row in rows] == [[], []]


def test_without_full_synchronisation_the_same_cut_takes_what_was_accepted(powered: World) -> None:
    assert cuts.control(powered).problems == []

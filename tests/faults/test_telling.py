"""What sessions do, told through deaths, cuts and wrong clocks, the short form."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import telling
from tests.faults.world import World, world

pytestmark = pytest.mark.faults
SEED = 1


@pytest.fixture(scope="module")
def struck() -> Iterator[World]:
    with world(machines=1) as one:
        yield one


def test_each_watcher_sees_each_thing_once_though_all_are_killed_at_the_same_time(struck: World) -> None:
    row = telling.killed(struck, "all", random.Random(SEED), 12)

    assert row.problems == []


def test_each_watcher_sees_each_thing_once_though_links_are_cut(struck: World) -> None:
    row = telling.cut(struck, random.Random(SEED), 2)

    assert row.problems == []


def test_what_programs_did_while_their_machine_was_away_is_seen_whatever_its_clock_says(struck: World) -> None:
    row = telling.away(struck, 2)

    assert row.problems == []

"""Bad networks, the short form."""

import random

import pytest

from tests.faults import found, wires
from tests.faults.world import world

pytestmark = pytest.mark.faults
SEED = 1


def test_whatever_breaks_a_link_loses_nothing_and_sends_nothing_twice() -> None:
    rng = random.Random(SEED)
    with world(machines=2, sessions=1, tls=True) as one:
        rows = [wires.break_links(one, rng, name, 1) for name in wires.FAULTS]

    assert [row.problems for row in rows] == [[]] * len(wires.FAULTS)


def test_a_half_open_link_is_found_by_both_ends_within_45_seconds() -> None:
    with world(machines=len(found.HALF_OPENS), sessions=1) as one:
        rows = found.half_open(one)

    assert [row.problems for row in rows] == [[]] * len(found.HALF_OPENS)


def test_a_stopped_machine_and_a_hanging_agent_are_found_within_70_seconds() -> None:
    with world(machines=2, sessions=1) as one:
        rows = found.hung_agents(one)

    assert [row.problems for row in rows] == [[], []]

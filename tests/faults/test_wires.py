"""Bad networks, the short form."""

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import found, wires
from tests.faults.table import Row
from tests.faults.world import World, world

pytestmark = pytest.mark.faults
SEED = 1


def test_whatever_breaks_a_link_loses_nothing_and_sends_nothing_twice() -> None:
    rng = random.Random(SEED)
    with world(machines=2, sessions=1, tls=True) as one:
        rows = [wires.break_links(one, rng, name, 1) for name in wires.FAULTS]

    assert [row.problems for row in rows] == [[]] * len(wires.FAULTS)


def test_half_open_links_and_hung_machines_are_found_by_their_silence() -> None:
    with ThreadPoolExecutor(2) as pool:  # both do little but wait
        silences = pool.map(_silent, (found.half_open, found.hung_agents))

    assert [row.problems for row in itertools.chain(*silences)] == [[]] * (len(found.HALF_OPENS) + len(found.HANGS))


def _silent(scenario: Callable[[World], list[Row]]) -> list[Row]:
    with world(machines=len(found.HALF_OPENS), sessions=1) as one:
        return scenario(one)

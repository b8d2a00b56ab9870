"""Machines that come back all at once, the short form: a few of them."""

import random

import pytest

from tests.faults import storm
from tests.faults.world import world

pytestmark = pytest.mark.faults
SEED, MACHINES = 1, 40


def test_a_crowd_that_comes_back_loses_nothing_and_is_whole_again() -> None:
    with world(machines=1) as one:
        row = storm.storm(one, random.Random(SEED), MACHINES, settled=1.0)

    assert row.problems == []

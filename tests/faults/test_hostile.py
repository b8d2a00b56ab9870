"""A machine that speaks nonsense, one that loses its right, and damaged files: the short form."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import files, hostile, renewals, rude_programs
from tests.faults.world import World, world

pytestmark = pytest.mark.faults
SEED = 1


@pytest.fixture(scope="module")
def small() -> Iterator[World]:
    with world(machines=2) as one:
        yield one


def test_nonsense_on_one_link_hurts_no_other(small: World) -> None:
    assert hostile.nonsense(small, random.Random(SEED), 1).problems == []


def test_a_router_and_agents_that_are_renewed_in_peace_leave_nothing_in_doubt(small: World) -> None:
    assert renewals.peaceful(small, 1).problems == []


def test_a_log_whose_end_is_gone_types_nothing_twice(small: World) -> None:
    assert files.cut_log(small, random.Random(SEED), 2).problems == []


def test_a_damaged_database_is_not_served(small: World) -> None:
    rows = [damaged(small, random.Random(SEED), 1) for damaged in (files.damaged_router, files.damaged_agent)]

    assert [row.problems for row in rows] == [[], []]


def test_a_machine_that_is_revoked_loses_its_link_at_once(small: World) -> None:
    """Last: that machine is no longer there for others."""
    assert hostile.revoked(small).problems == []


def test_a_rude_program_gets_each_text_once_at_most() -> None:
    assert rude_programs.rude(random.Random(SEED), 15).problems == []

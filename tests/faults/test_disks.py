"""Disks and what machines are, the short form."""

from collections.abc import Iterator

import pytest

from tests.faults import disks, identities
from tests.faults.world import World, world

pytestmark = pytest.mark.faults


@pytest.fixture
def small() -> Iterator[World]:
    with world(machines=2) as one:
        yield one


@pytest.mark.skipif(not disks.may_mount(), reason="only root may mount a small disk")
def test_a_full_disk_at_a_machine_loses_nothing_and_recovers_by_itself(small: World) -> None:
    assert disks.full_at_machine(small, 1).problems == []


def test_a_locked_database_at_the_router_loses_nothing(small: World) -> None:
    assert disks.locked_router(small, 2.0).problems == []


def test_an_agent_whose_database_is_put_back_from_an_old_copy_types_nothing_twice(small: World) -> None:
    assert identities.rolled_back_inbox(small).problems == []


def test_an_agent_that_lost_its_database_types_nothing_twice(small: World) -> None:
    assert identities.lost_inbox(small).problems == []

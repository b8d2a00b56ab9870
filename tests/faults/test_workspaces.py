"""An agent that makes, archives, puts back and sweeps workspaces is killed. TEST_WORKSPACES takes all."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.workspace_runs import DEATHS, play
from tests.faults.workspace_stage import Stage, stage

SHORT = [("enter", "move_in"), ("archive", "rename"), ("restore", "unlink"), ("sweep", "put_aside")]
ALL = [(deed, point) for deed, points in DEATHS.items() for point in points]

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def one() -> Iterator[Stage]:
    with stage() as made:
        yield made


@pytest.mark.parametrize(("deed", "point"), ALL if "TEST_WORKSPACES" in os.environ else SHORT)
def test_wherever_it_dies_nothing_is_lost_and_nothing_is_done_twice(one: Stage, deed: str, point: str) -> None:
    assert play(one, deed, point) == (True, [])

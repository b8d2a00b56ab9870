"""A mention on GitHub while what it goes through is killed, the short form: three deaths of different kinds."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.github_runs import play
from tests.faults.github_stage import Stage, stage

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif("TEST_GITHUB" not in os.environ, reason="takes long: TEST_GITHUB=1"),
]


@pytest.fixture(scope="module")
def one() -> Iterator[Stage]:
    with stage() as made:
        yield made


@pytest.mark.parametrize(
    ("victim", "point"), [("courier", "comment-done"), ("agent", "ask-committed"), ("router", "accept-committed")]
)
def test_whoever_dies_on_the_way_nothing_is_done_twice_or_lost(one: Stage, victim: str, point: str) -> None:
    fired, problems, ended = play(one, victim, point)

    assert fired
    assert problems == []
    assert ended in ("done", "in doubt")

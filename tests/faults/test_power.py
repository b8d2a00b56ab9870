"""Power cuts, the short form."""

import random
from collections.abc import Iterator
from pathlib import Path

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


def test_who_dies_before_opening_a_file_leaves_it_as_it_was(tmp_path: Path) -> None:
    survivors = tmp_path / "survivors"
    survivors.mkdir()
    (survivors / "agent.db").write_text("of an earlier life")
    for name in ("agent.db", "agent.db-wal"):
        (tmp_path / name).write_text("synced long ago")

    power.begin(survivors)
    power.cut(tmp_path, survivors, "agent.db")

    assert [(tmp_path / name).read_text() for name in ("agent.db", "agent.db-wal")] == ["synced long ago"] * 2

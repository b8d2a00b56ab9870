"""Every part of the bench runs: what nobody runs for a week does not run any more."""

import os

import pytest

from tests.bench import programs, real_pages
from tests.bench.parts import PARTS, Part, Scale
from tests.bench.rows import SECTIONS

LITTLE = Scale(seconds=0.1, submits=200, queued=200, idle=(60, 80), starts=2, synced=64, storm=40, turns=1,
               kinds=("headless",))  # fmt: skip
LONG = ("pages", "storm", "idle", "chatty")
"""With all their programs these take as long as all others together."""


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # some had just begun to write when a storm ends
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_finds_the_figures_of_its_rows(part: Part) -> None:
    if part.name in LONG and "TEST_EVERY_PART" not in os.environ:
        pytest.skip("takes long: TEST_EVERY_PART=1")
    if missing := part.missing():
        pytest.skip(f"not here: {missing}")
    rows = [row for section in SECTIONS.values() for row in section]
    left_out = tuple(f"pages.{kind} " for kind in real_pages.KINDS if kind not in LITTLE.kinds)
    wanted = {row.figure for row in rows} | {one.figure for row in rows for one in row.beside}

    with programs.folder() as folder:  # a server under an account of its own has no way into pytest's
        found = part.measure(folder, LITTLE)

    wanted = {name for name in wanted if name.startswith(f"{part.name}.") and not name.startswith(left_out)}
    assert wanted <= {f"{part.name}.{name}" for name in found}
    assert all(figure > 0 for figure in found.values())

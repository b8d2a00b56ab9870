"""Thirty small worlds, each with a fixed seed; `make sim` runs ten thousand."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.plan import HAPPENINGS
from tests.sim.world import Size, simulate

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 15
FIRST_SEEDS = range(0, 30, BLOCK)


@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_no_promise_is_broken(first: int) -> None:
    records = {seed: simulate(seed) for seed in range(first, first + BLOCK)}

    broken = {f"python -m tests.sim --seed {seed}": record.broken for seed, record in records.items() if record.broken}
    assert not broken


def test_everything_that_can_happen_does() -> None:
    records = [simulate(seed, Size(events=200, span=100.0)) for seed in range(5)]

    assert set().union(*(record.happened for record in records)) == set(HAPPENINGS)
    assert {"done", "uncertain", "cancelled"} <= set().union(*(record.endings for record in records))


def test_a_seed_is_one_story() -> None:
    history = simulate(7).history

    assert simulate(7).history == history
    assert len(history) > 50


def test_a_seed_is_the_same_story_in_another_process() -> None:
    told = [_told(hash_seed) for hash_seed in ("1", "2")]

    assert told[0] == told[1]
    assert "every promise held" in told[0]


def _told(hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "tests.sim", "--seed", "8"],
        env={"PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout

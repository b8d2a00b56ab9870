"""Schedules under crashes and clocks that are set; and each bug that is planted in them is found."""

import pytest

from tests.sim.schedule_plants import SCHEDULE_PLANTS
from tests.sim.schedules import SMALL, ScheduleWorld
from tests.sim.world import simulate

SEEDS, BLOCK, MOST = range(24), 8, 60
SYMPTOMS = {
    "two-transactions": "was carried out 0 times and became 1 commands",
    "clock-not-followed": "is lost",
    "the-day-again": "was carried out twice",
    "one-by-one": "brings what was missed more than once",
    "condition-forgotten": "what it waits for is there",
}


@pytest.mark.parametrize("first", range(0, len(SEEDS), BLOCK))
def test_no_occurrence_is_lost_and_none_is_doubled(first: int) -> None:
    records = {seed: simulate(seed, SMALL, kind=ScheduleWorld) for seed in SEEDS[first : first + BLOCK]}

    broken = {
        f"python -m tests.sim --later --seed {seed}": each.broken for seed, each in records.items() if each.broken
    }
    assert not broken
    assert sum(len(each.typed) for each in records.values()) > BLOCK


@pytest.mark.parametrize("name", SCHEDULE_PLANTS)
def test_a_bug_planted_in_schedules_is_found(name: str) -> None:
    stories = (simulate(seed, SMALL, SCHEDULE_PLANTS[name](), ScheduleWorld).broken for seed in range(MOST))

    found = next((broken for broken in stories if any(SYMPTOMS[name] in what for what in broken)), None)
    assert found, f"{name} was not found within {MOST} seeds"

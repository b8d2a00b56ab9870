"""A simulation that finds nothing proves nothing: each bug planted on purpose is found within a hundred seeds."""

import pytest

from tests.sim.plants import PLANTS
from tests.sim.world import simulate

SEEDS = 100
SYMPTOMS = {
    "resend-on-healthy-link": "on one link",
    "receipt-before-fsync": "uncertain for no cause",
    "dedupe-outside-transaction": "became 2 commands",
    "answer-before-commit": "acknowledged and is lost",
    "every-link-current": "never ended",
    "prune-too-early": "was typed 2 times",
    "end-told-again": "2 messages say",
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    stories = (simulate(seed, plant=PLANTS[name]()).broken for seed in range(SEEDS))

    found = next((broken for broken in stories if any(SYMPTOMS[name] in what for what in broken)), None)
    assert found, f"{name} was not found within {SEEDS} seeds"


def test_what_is_planted_is_known() -> None:
    assert SYMPTOMS.keys() == PLANTS.keys()

"""A command costs the router no more instructions than it did: a loss of a tenth fails, however busy the machine."""

import asyncio
import platform

import pytest

from tests.bench import instructions

KEPT = {"its machine away": 6.9, "from the door to its end": 20.8}
"""Rows of the fixed piece of work that a command costs. Who makes it cheaper writes the new figure here."""
LOSS = 1.10

pytestmark = [
    pytest.mark.skipif(not instructions.is_possible(), reason="valgrind is not here"),
    # Each Python has an interpreter loop of its own, and with it another ratio.
    pytest.mark.skipif(not platform.python_version().startswith("3.11."), reason="the figures are of Python 3.11"),
]


@pytest.fixture(scope="module")
def row() -> float:
    return instructions.reference()


@pytest.mark.parametrize("way", KEPT)
def test_a_command_costs_no_more_than_it_did(row: float, way: str) -> None:
    counted = asyncio.run(instructions.per_command(connected=way != "its machine away"))

    assert counted / row <= KEPT[way] * LOSS

"""What counts as the time until all is well again."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults.journal import Journal
from tests.faults.kills import Strike, recoveries

AB = ("a", "b")
TYPED = {"a": [1.0, 4.0, 9.0], "b": [2.0, 6.0, 9.5]}


@pytest.fixture
def world(tmp_path: Path) -> Any:
    typed = [{"at": at, "event": "typed", "machine": name} for name, times in TYPED.items() for at in times]
    (tmp_path / "journal").write_text("".join(json.dumps(entry) + "\n" for entry in typed))
    return cast("Any", SimpleNamespace(journal=Journal(tmp_path / "journal")))


@pytest.mark.parametrize(
    ("strikes", "found"),
    [
        ([Strike(3.0, ("a",))], [1.0]),
        ([Strike(3.0, AB)], [3.0]),
        ([Strike(9.2, AB)], []),
        ([Strike(3.0, AB), Strike(5.0, AB)], [4.0]),
        ([Strike(3.0, ("a",)), Strike(3.5, ("b",))], [1.0, 2.5]),
        ([Strike(3.0, ("a",)), Strike(7.0, ("a",))], [1.0, 2.0]),
    ],
    ids=["one", "the later machine counts", "never back", "the last of a row counts", "each its own", "one after one"],
)
def test_recoveries_are_counted_from_the_last_strike_before(
    world: Any, strikes: list[Strike], found: list[float]
) -> None:
    assert recoveries(world, strikes) == found

"""What becomes of a machine that nobody knows of: it goes where all is known, and else it stays."""

from dataclasses import replace

import pytest

from pointsman.providers.orphans import GRACE, Left, decide

NOW, OURS = 1_000_000.0, "f" * 43
LOST = Left("lost", "0123", OURS, NOW - GRACE, never_ran=True)


def test_what_never_ran_and_is_nobodys_goes() -> None:
    assert decide(LOST, OURS, {"mine"}, NOW) == (True, "nobody knows of it, and it never ran")


@pytest.mark.parametrize("somebodys", [replace(LOST, key="mine"), replace(LOST, owner="g" * 43)])
def test_what_is_somebodys_is_not_decided_about(somebodys: Left) -> None:
    assert decide(somebodys, OURS, {"mine"}, NOW) is None


@pytest.mark.parametrize(
    ("left", "ours", "why"),
    [
        (replace(LOST, owner=""), OURS, "which router"),
        (LOST, "", "which router"),
        (replace(LOST, made_at=None), OURS, "when it was made"),
        (replace(LOST, made_at=NOW + 1), OURS, "when it was made"),
        (replace(LOST, made_at=NOW - GRACE + 1), OURS, "a day old"),
        (replace(LOST, never_ran=False), OURS, "may have run"),
        (Left("", "volume"), OURS, "which router"),
    ],
)
def test_what_is_not_known_means_that_it_stays(left: Left, ours: str, why: str) -> None:
    decided = decide(left, ours, {"mine"}, NOW)

    assert decided is not None
    assert not decided[0]
    assert why in decided[1]

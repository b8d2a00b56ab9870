"""How far the wall clock was moved, told from how much time passed."""

import pytest

from router.domain.clock_steps import Moment, step_between

DAY = 86_400.0


@pytest.mark.parametrize(
    ("after", "step"),
    [
        (Moment(1_100.0, 150.0, "b"), 0.0),
        (Moment(1_100.0004, 150.0, "b"), 0.0),
        (Moment(1_100.4, 150.0, "b"), 0.4),
        (Moment(1_100.0 + DAY, 150.0, "b"), DAY),
        (Moment(1_100.0 - DAY, 150.0, "b"), -DAY),
        (Moment(1_100.0, 10.0, "another"), 90.0),
        (Moment(1_100.0 - DAY, 10.0, "another"), 90.0 - DAY),
    ],
    ids=[
        "nothing",
        "read one after the other",
        "half a second",
        "forward",
        "back",
        "switched off",
        "another clock after a reboot",
    ],
)
def test_a_step_is_what_the_kernel_did_not_count(after: Moment, step: float) -> None:
    assert step_between(Moment(1_000.0, 50.0, "b"), after) == pytest.approx(step)


def test_where_nobody_names_the_boot_only_the_time_since_it_is_sure() -> None:
    assert step_between(Moment(1_000.0, 50.0, ""), Moment(1_100.0, 150.0, "")) == pytest.approx(-50.0)

"""A row says what went wrong, and a fault that did not come about is wrong, too."""

from collections import Counter

import pytest

from tests.faults.__main__ import shared
from tests.faults.checker import Verdict
from tests.faults.kills import RANDOM
from tests.faults.table import HEADS, Row, quantile, rendered

NONE = frozenset[str]()
GOOD = Verdict(9, 8, Counter(uncertain=1), frozenset({"u"}), NONE, NONE, NONE, NONE, NONE, NONE)
LOST = Verdict(9, 8, Counter(), NONE, frozenset({"a"}), NONE, NONE, NONE, NONE, NONE)
IDLE = Verdict(0, 0, Counter(), NONE, NONE, NONE, NONE, NONE, NONE, NONE)


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (Row("kill", 3, GOOD), []),
        (Row("kill", 0, GOOD), ["no fault fired"]),
        (Row("kill", 3, IDLE), ["nothing was sent"]),
        (Row("kill", 3, LOST), ["lost: 1 (a)"]),
        (Row("hang", 1, GOOD, failures=["no answer"]), ["no answer"]),
        (Row("hang", 1, GOOD, late=["found after 99 s"]), []),
    ],
    ids=["good", "nothing fired", "nothing sent", "lost", "failed", "late is for the judge of times"],
)
def test_a_row_is_good_only_when_something_fired_and_every_promise_was_kept(row: Row, problems: list[str]) -> None:
    assert row.problems == problems


def test_the_table_shows_counts_times_and_what_was_not_kept() -> None:
    rows = [Row("kill", 3, GOOD, back=[0.5, 1.5, 1.0]), Row("cut", 1, LOST, late=["slow"])]
    *_, good, bad = rendered(rows).splitlines()

    assert good == "| kill | 3 | 9 | 0 | 0 | 0 | 1 | - | 1.00 / 1.50 s |  |"
    assert bad == "| cut | 1 | 9 | 1 | 0 | 0 | 0 | - | - | NOT KEPT: lost: 1 (a); NOT KEPT: slow |"
    assert len(HEADS) == good.count("|") - 1


def test_quantiles_are_values_that_were_measured() -> None:
    assert [quantile([4.0, 1.0, 3.0, 2.0], part) for part in (0.0, 0.5, 0.99)] == [1.0, 3.0, 4.0]


def test_kills_are_shared_among_all_points_and_none_is_left_out() -> None:
    plan = shared(500, [RANDOM, "one", "two", "three"])

    assert [point for point, _ in plan] == [RANDOM, "one", "two", "three"]
    assert sum(count for _, count in plan) == 500
    assert min(count for _, count in plan) >= 111

"""Ladders as people write them, and when to look at somebody next."""

import pytest

from router.domain.errors import Reason, Refusal
from router.domain.escalation import AGAIN, DAY, DEFAULT, Escalation, Rung, due_at, first_ways, read, told

LADDER = (Rung(900.0, AGAIN), Rung(1800.0, "mail"))


@pytest.mark.parametrize(
    ("text", "ladder"),
    [
        (DEFAULT, LADDER),
        ("15M  again,30m mail", LADDER),
        ("10m push, 1h mail!, 1d again", (Rung(600.0, "push"), Rung(3600.0, "mail", urgent=True), Rung(DAY, AGAIN))),
        ("off", ()),
    ],
)
def test_a_ladder_is_read_and_told_as_it_is_written(text: str, ladder: tuple[Rung, ...]) -> None:
    assert read(text) == ladder
    assert read(told(ladder)) == ladder


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "mail 10m", "10m", "0m mail", "8d mail", "10m off", "30m mail, 10m again", "10m mail,"),
        ", ".join(["10m again"] * 9),
        "10m " + "x" * 300,
    ],
)  # fmt: skip
def test_what_is_no_ladder_is_asked_back(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(text)

    assert refused.value.reason is Reason.LADDER_UNCLEAR
    assert "15m again, 30m mail" in refused.value.text


@pytest.mark.parametrize(
    ("there", "at_once"),
    [
        ({"telegram", "mail"}, {"telegram"}),
        ({"telegram", "push", "mail"}, {"telegram", "push"}),
        ({"mail"}, {"mail"}),
    ],
)
def test_at_once_goes_what_no_rung_names(there: set[str], at_once: set[str]) -> None:
    assert first_ways(LADDER, there) == at_once


def test_of_several_that_rungs_name_the_first_goes_at_once() -> None:
    assert first_ways(read("10m push, 1h mail"), {"mail", "push"}) == {"push"}


def test_it_is_looked_at_when_its_next_step_is_due() -> None:
    new = Escalation("q", "", "s", asked_at=1000.0, next_at=0.0, told_at=1000.0)
    done = Escalation("q", "", "s", asked_at=1000.0, next_at=0.0, told_at=1000.0, rung=2, days=2)

    assert due_at(LADDER, new, stands_in=True) == 1000.0 + 300
    assert due_at(LADDER, new, stands_in=False) == 1000.0 + 900
    assert due_at(LADDER, done, stands_in=False) == 1000.0 + 3 * DAY

"""When what waits is done in the days to come."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from router.domain.command import Origin
from router.domain.deferral import Deferred, DeferredState, Owner, Task
from router.domain.errors import Refusal
from router.domain.occurrence import MOST, MOST_A_DAY, Days, coming
from router.domain.schedule import Schedule, alone

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86400.0
AHEAD = 1000.0  # the wall clock, of the steady one


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


NOW = at("2026-12-01 12:00")
MONTH = Days(NOW, NOW + 31 * DAY, BERLIN)


def kept(words: str, name: str = "d1", now: float = NOW, **more: object) -> Deferred:
    schedule = alone(words, now, BERLIN)
    first = schedule.first(now - AHEAD, now, BERLIN)
    return Deferred(
        name, Task.TEXT, "s1", 1, "x", schedule, "Europe/Berlin", first, Origin("test"), Owner("me"), now, **more
    )  # type: ignore[arg-type]  # fmt: skip


def times(known: Deferred, days: Days = MONTH) -> list[str]:
    found, _ = coming([known], days, AHEAD)
    return [f"{datetime.fromtimestamp(each.at, BERLIN):%d %H:%M}" for each in found]


def test_what_is_done_once_has_one_time() -> None:
    assert times(kept("tomorrow 9:00")) == ["02 09:00"]
    assert times(kept("in 2h")) == ["01 14:00"]
    assert times(kept("2027-02-01 9:00")) == []


def test_a_rule_has_each_of_its_times() -> None:
    found = times(kept("every weekday 9:00"))

    assert found[:4] == ["02 09:00", "03 09:00", "04 09:00", "07 09:00"]
    assert len(found) == 23


def test_the_time_of_day_stays_over_the_change_of_summer_time() -> None:
    spring = at("2027-03-26 12:00")

    assert times(kept("every day 9:00", now=spring), Days(spring, spring + 3 * DAY, BERLIN)) == [
        "27 09:00", "28 09:00", "29 09:00",
    ]  # fmt: skip


def test_who_looks_from_a_later_day_sees_what_is_behind_that() -> None:
    later = Days(at("2026-12-15 00:00"), at("2026-12-16 00:00"), BERLIN)

    assert times(kept("every day 9:00"), later) == ["15 09:00"]
    assert times(kept("every 8h"), later) == ["15 04:00", "15 12:00", "15 20:00"]


def test_of_what_is_done_often_the_first_times_of_each_day_are_said() -> None:
    found, cut = coming([kept("every 5m")], Days(at("2026-12-02 00:00"), at("2026-12-04 00:00"), BERLIN), AHEAD)

    assert len(found) == 2 * MOST_A_DAY
    assert [number for number, each in enumerate(found) if each.more] == [MOST_A_DAY - 1, 2 * MOST_A_DAY - 1]
    assert datetime.fromtimestamp(found[MOST_A_DAY].at, BERLIN).isoformat().startswith("2026-12-03T00:00")
    assert not cut


def test_all_of_them_come_in_order_and_no_more_than_a_page_shows() -> None:
    many = [kept("every 1h", f"d{number}") for number in range(100)]

    found, cut = coming(many, MONTH, AHEAD)

    assert cut
    assert len(found) == MOST
    assert [each.at for each in found] == sorted(each.at for each in found)


@pytest.mark.parametrize(
    "known",
    [
        kept("every day 9:00", state=DeferredState.PAUSED),
        kept("on return"),
        kept("every day 9:00", state=DeferredState.DONE),
    ],
)
def test_what_waits_for_no_time_has_none(known: Deferred) -> None:
    assert times(known) == []


def test_a_zone_that_is_not_known_any_more_leaves_the_others_alone() -> None:
    lost = Deferred(
        "d1", Task.TEXT, "s1", 1, "x", Schedule("cron 0 9 * * *", "every day 9:00"), "Atlantis/Middle", NOW + 60,
        Origin("test"), Owner("me"), NOW,
    )  # fmt: skip

    found, _ = coming([lost, kept("tomorrow 9:00", "d2")], MONTH, AHEAD)

    assert [each.deferred_id for each in found] == ["d1", "d2"]


@pytest.mark.parametrize("days", [0.0, -1.0, 63.0])
def test_nobody_looks_back_or_further_than_two_months(days: float) -> None:
    with pytest.raises(Refusal):
        Days(NOW, NOW + days * DAY, BERLIN).checked()

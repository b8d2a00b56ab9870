"""When something is due, as people say it: what is understood, what is asked back, and at which moment that is."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from router.domain.errors import Reason, Refusal
from router.domain.schedule import Condition, Schedule, alone, read, told, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 11, 29, 17, 0, tzinfo=BERLIN).timestamp()
DAY = 24 * 3600.0


def moment(schedule: Schedule, wall: float = SUNDAY, zone: ZoneInfo = BERLIN) -> str:
    first = schedule.first(wall, wall, zone)
    assert first is not None
    return f"{datetime.fromtimestamp(first, zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("words", "when"),
    [
        ("in 10m", "2026-11-29 17:10"),
        ("10 minutes", "2026-11-29 17:10"),
        ("1h30m", "2026-11-29 18:30"),
        ("in 2 days", "2026-12-01 17:00"),
        ("1w", "2026-12-06 17:00"),
        ("at 9:00", "2026-11-30 09:00"),
        ("17:30", "2026-11-29 17:30"),
        ("9pm", "2026-11-29 21:00"),
        ("12am", "2026-11-30 00:00"),
        ("today 18:00", "2026-11-29 18:00"),
        ("Tomorrow at 9:00", "2026-11-30 09:00"),
        ("fri 18:00", "2026-12-04 18:00"),
        ("on Sunday at 16:00", "2026-12-06 16:00"),
        ("sun 18:00", "2026-11-29 18:00"),
        ("2026-12-01 9:00", "2026-12-01 09:00"),
        ("every 2h", "2026-11-29 19:00"),
        ("every hour", "2026-11-29 18:00"),
        ("every day 9:00", "2026-11-30 09:00"),
        ("every weekday 9:00", "2026-11-30 09:00"),
        ("every thu,mon 8:00", "2026-11-30 08:00"),
        ("every fri-sun 16:00", "2026-12-04 16:00"),
        ("every cron 30 9 1 * *", "2026-12-01 09:30"),
    ],
)
def test_it_is_understood(words: str, when: str) -> None:
    assert moment(alone(words, SUNDAY, BERLIN)) == when


@pytest.mark.parametrize(
    "words",
    [
        "", "soon", "tomorrow", "friday", "at 9", "9", "noon", "13pm", "25:00", "9:60", "in 30s", "in 400d",
        "today 9:00",
        "2026-02-30 9:00", "2025-11-30 9:00", "2030-01-01 9:00", "in 1h 30m", "every day", "every 4m", "every mon",
        "every cron * * * * *", "every cron 0 9 * * * *", "every cron 0 0 30 2 *", "every cron 0 9", "on sale",
        "every cron 0,3 9 * * *", "every 9:00", "in 10m 9:00", "at 9:00 tomorrow", "0 9 * * *",
    ],
)  # fmt: skip
def test_what_is_not_clear_is_asked_back_with_what_would_be(words: str) -> None:
    with pytest.raises(Refusal, match="tomorrow 9:00") as refused:
        read(f"{words} run the tests", SUNDAY, BERLIN)

    assert refused.value.reason is Reason.WHEN_UNCLEAR


@pytest.mark.parametrize(
    ("said", "rule", "text"),
    [
        ("tomorrow 9:00 run\nthe tests", "at 2026-11-30T09:00", "run\nthe tests"),
        ("every weekday 9:00 /new ~/src/ look", "cron 0 9 * * 1-5", "/new ~/src/ look"),
        ("in 1h: 30m of rest", "in 3600", "30m of rest"),
        ("on return  go on", "on return", "go on"),
        ("10m  two  blanks", "in 600", "two blanks"),
        ("every day 9:00 every file", "cron 0 9 * * *", "every file"),
    ],
)
def test_what_stands_behind_it_is_the_text(said: str, rule: str, text: str) -> None:
    schedule, rest = read(said, SUNDAY, BERLIN)

    assert (schedule.rule, rest) == (rule, text)


@pytest.mark.parametrize("condition", Condition)
def test_what_is_waited_for_may_be_no_time(condition: Condition) -> None:
    schedule = alone(f"on {condition.value}", SUNDAY, BERLIN)

    assert (schedule.condition, schedule.repeats, schedule.is_steady) == (condition, False, True)


@pytest.mark.parametrize(
    ("words", "wall", "moments"),
    [
        ("every day 2:30", "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("tomorrow 2:30", "2026-03-28T12:00", ["03-29 03:00 +0200"]),
        ("every day 2:30", "2026-10-24T12:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("tomorrow 2:30", "2026-10-24T12:00", ["10-25 02:30 +0200"]),
    ],
)
def test_summer_time_skips_nothing_and_doubles_nothing(words: str, wall: str, moments: list[str]) -> None:
    now = datetime.fromisoformat(wall).replace(tzinfo=BERLIN).timestamp()
    schedule = alone(words, now, BERLIN)

    found = [schedule.first(now, now, BERLIN)]
    found += [schedule.following(found[0] or 0.0, now, found[0] or 0.0, BERLIN)] if len(moments) > 1 else []

    assert [f"{datetime.fromtimestamp(each or 0.0, BERLIN):%m-%d %H:%M %z}" for each in found] == moments


def test_a_day_that_a_zone_skipped_has_its_moment_behind_it() -> None:
    apia = ZoneInfo("Pacific/Apia")  # 30 December 2011 was not there
    schedule = Schedule("at 2011-12-30T09:00", "")

    first = schedule.first(0.0, 0.0, apia)

    assert first == datetime(2011, 12, 31, 0, 0, tzinfo=apia).timestamp()


def test_missed_moments_are_one() -> None:
    every, daily = alone("every 2h", SUNDAY, BERLIN), alone("every day 9:00", SUNDAY, BERLIN)
    due = daily.first(0.0, SUNDAY, BERLIN) or 0.0

    assert every.following(1000.0, 1000.0 + 7 * 3600, 0.0, BERLIN) == 1000.0 + 8 * 3600
    assert daily.following(due, 0.0, due + 2.5 * DAY, BERLIN) == due + 3 * DAY
    assert (
        daily.following(due, 0.0, due - 5 * DAY, BERLIN) == due + DAY
    )  # a clock that was put back brings no day again


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
def test_daily_rules_are_as_a_walk_through_the_minutes_finds_them(zone: str) -> None:
    """Around every change of the clocks of a year, from random moments."""
    chance, place = random.Random(zone), ZoneInfo(zone)
    for _ in range(60):
        begins = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(365 * 24 * 60))
        hour, minute = chance.choice([0, 1, 2, 3, 9, 23]), chance.choice([0, 1, 15, 30, 59])
        schedule = Schedule(f"cron {minute} {hour} * * *", "")

        assert schedule.first(0.0, begins.timestamp(), place) == walked(begins, place, hour, minute)


def walked(begins: datetime, zone: ZoneInfo, hour: int, minute: int) -> float:
    at = begins
    while True:
        before, at = at, at + timedelta(minutes=1)
        local, earlier = at.astimezone(zone), before.astimezone(zone)
        if (local.hour, local.minute, local.fold) == (hour, minute, 0):
            return at.timestamp()
        naive = earlier.replace(tzinfo=None)
        while naive + timedelta(minutes=1) < local.replace(tzinfo=None):
            naive += timedelta(minutes=1)
            if (naive.hour, naive.minute) == (hour, minute):
                return at.timestamp()


@pytest.mark.parametrize("name", ["Atlantis/Main", "../../etc/passwd", "/etc/localtime", "Europe", "", "x" * 100])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="Europe/Berlin"):
        zone_of(name)


def test_a_moment_is_told_with_its_zone_and_another_year() -> None:
    assert told(SUNDAY, BERLIN, SUNDAY) == "Sun 29 Nov 17:00 (Europe/Berlin)"
    assert told(SUNDAY + 60 * DAY, BERLIN, SUNDAY) == "Thu 28 Jan 2027 17:00 (Europe/Berlin)"

"""Times, cells and JSON as people and programs read them."""

from datetime import UTC, datetime, timedelta

import pytest

from pointsman.records import CommandState, JoinToken, SessionState, to_json
from pointsman.render import ago, plain, shortened

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7199, "1 h ago"), (172800, "2 d ago")],
)
def test_times_are_told_in_their_largest_unit(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_time_to_come_is_told_as_a_date() -> None:
    assert ago(NOW + timedelta(hours=1), NOW).startswith("2026-01-02")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "-"),
        ("", "-"),
        (True, "yes"),
        (CommandState.DONE, "done"),
        (SessionState.UNSPECIFIED, "-"),
        ("two\nlines\tand \x1b[31mcolour", "two lines and [31mcolour"),
    ],
    ids=["none", "empty", "bool", "state", "no-state", "control"],
)
def test_a_cell_is_one_plain_line(value: object, cell: str) -> None:
    assert plain(value) == cell


def test_long_texts_are_shortened() -> None:
    assert shortened("a" * 100, 10) == "aaaaaaaaa…"


def test_records_become_json_with_camel_case_names_and_utc_times() -> None:
    assert to_json([JoinToken("t", NOW)]) == [{"joinToken": "t", "expiresAt": "2026-01-02T03:04:05.678Z"}]


def test_states_become_json_by_name() -> None:
    assert to_json([CommandState.DEAD, SessionState.UNSPECIFIED]) == ["DEAD", "UNKNOWN"]

"""Times, cells and JSON as people and programs read them."""

from datetime import UTC, datetime, timedelta

import pytest

from pointsman.client.join_tokens import NewJoinToken
from pointsman.client.records import CommandState, SessionState
from pointsman.json_records import to_json
from pointsman.render import Column, ago, counted, layout, plain, short, shortened

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
        (SessionState.UNKNOWN, "-"),
        ("two\nlines\tand \x1b[31mcolour", "two lines and [31mcolour"),
    ],
    ids=["none", "empty", "bool", "state", "no-state", "control"],
)
def test_a_cell_is_one_plain_line(value: object, cell: str) -> None:
    assert plain(value) == cell


def test_an_id_is_shown_by_its_end() -> None:
    assert short("session_0192aaaa-1111-7000-8000-00001234beef") == "1234beef"
    assert short("build-2") == "build-2"


def column(rank: int = 0, least: int = 0) -> Column[str]:
    return Column("", str, rank, least)


@pytest.mark.parametrize(
    ("room", "widths"),
    [
        (80, {0: 20, 1: 8, 2: 10, 3: 30}),
        (74, {0: 20, 1: 8, 2: 10, 3: 30}),
        (64, {0: 20, 1: 8, 2: 10, 3: 20}),
        (44, {0: 10, 1: 8, 2: 10, 3: 10}),
        (43, {0: 15, 1: 8, 3: 16}),
        (32, {0: 10, 1: 8, 3: 10}),
        (10, {0: 10, 1: 8, 3: 10}),
    ],
    ids=["room", "just", "the-widest-is-cut", "all-are-cut", "a-column-goes", "narrow", "what-is-needed-stays"],
)
def test_a_table_fits_by_cutting_cells_and_then_dropping_whole_columns(room: int, widths: dict[int, int]) -> None:
    columns = [column(least=10), column(), column(rank=1), column(least=10)]

    assert layout([20, 8, 10, 30], columns, room) == widths


def test_the_least_needed_column_goes_first_and_the_last_of_those() -> None:
    columns = [column(), column(rank=2), column(rank=1), column(rank=2)]

    assert set(layout([10, 10, 10, 10], columns, 34)) == {0, 1, 2}
    assert set(layout([10, 10, 10, 10], columns, 22)) == {0, 2}


def test_long_texts_are_shortened() -> None:
    assert shortened("a" * 100, 10) == "aaaaaaaaa…"


def test_records_become_json_with_camel_case_names_and_utc_times() -> None:
    assert to_json([NewJoinToken("t", NOW)]) == [
        {"joinToken": "t", "expiresAt": "2026-01-02T03:04:05.678Z", "tokenId": ""}
    ]


def test_states_become_json_by_name() -> None:
    assert to_json([CommandState.DEAD, SessionState.UNKNOWN]) == ["DEAD", "UNKNOWN"]


@pytest.mark.parametrize(("count", "told"), [(0, "0 machines"), (1, "1 machine"), (2, "2 machines")])
def test_one_is_told_as_one(count: int, told: str) -> None:
    assert counted(count, "machine") == told

"""How often machines were started outlives whoever started them."""

from pathlib import Path

import pytest

from pointsman.providers.starts import Starts


def test_it_is_known_by_whoever_comes_next(tmp_path: Path) -> None:
    for now in (1000.0, 2000.0):
        Starts(tmp_path / "starts").note("a", now)
    after = Starts(tmp_path / "starts")

    assert [after.within_an_hour("a", now) for now in (2000.0, 4600.0, 5600.0)] == [2, 1, 0]
    assert after.within_an_hour("b", 2000.0) == 0
    assert after.within_an_hour("a", 500.0) == 2  # the clock was put back


@pytest.mark.parametrize("text", ["", "[", "[1]", '{"a": 3}', '{"a": ["x"]}'])
def test_a_file_that_is_none_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "starts").write_text(text)
    starts = Starts(tmp_path / "starts")
    starts.note("a", 1.0)

    assert starts.within_an_hour("a", 2.0) == 1

"""What the model is shown of what was said."""

from pathlib import Path

import pytest

from agent.backends.model.dialect import Turn
from agent.backends.model.history import MOST_CHARACTERS, MOST_TURNS, Histories, History, as_text


def talk(turns: int, length: int = 5) -> History:
    return History(tuple(Turn(at % 2 == 0, f"{at:0{length}}") for at in range(turns)))


def test_the_newest_forty_turns_are_shown() -> None:
    assert talk(MOST_TURNS).shown == talk(MOST_TURNS).turns
    assert not talk(MOST_TURNS).is_long
    assert talk(MOST_TURNS + 1).shown == talk(MOST_TURNS + 1).turns[1:]
    assert talk(MOST_TURNS + 1).is_long


def test_as_many_characters_are_shown_as_fit_and_the_newest_text_whole() -> None:
    long = talk(10, MOST_CHARACTERS // 3)
    newest = long.and_then(Turn(True, "x" * 2 * MOST_CHARACTERS))

    assert long.shown == long.turns[-3:]
    assert newest.shown == newest.turns[-1:]


def test_a_summary_takes_the_place_of_what_is_old() -> None:
    long = talk(MOST_TURNS + 2)
    summed = long.summed_up("in short")

    assert (*long.old, *summed.turns) == long.turns
    assert 0 < len(summed.turns) <= MOST_TURNS // 2
    assert "in short" in summed.under("Be kind.")
    assert "in short" in as_text(History(long.turns, "in short"))


def test_without_a_summary_it_does_not_grow_for_ever() -> None:
    history = History()
    for at in range(20 * MOST_TURNS):
        history = history.and_then(Turn(at % 2 == 0, "x"))

    assert len(history.turns) == 8 * MOST_TURNS


def test_it_is_kept_for_whoever_runs_the_agent_alone(tmp_path: Path) -> None:
    histories = Histories(tmp_path / "deep")
    histories.write("session_00000000-0000-4000-8000-000000000000", talk(3))
    (file,) = (tmp_path / "deep").iterdir()

    assert histories.read("00000000-0000-4000-8000-000000000000") == talk(3)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"turns": 7, "summary": ""}', b'{"turns": [[1]]}', b"\xff"])
def test_a_broken_file_is_an_empty_one(tmp_path: Path, data: bytes) -> None:
    histories = Histories(tmp_path)
    histories.write("s", talk(1))
    (file,) = tmp_path.iterdir()
    file.write_bytes(data)

    assert histories.read("s") == History()


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    histories = Histories(tmp_path / "kept")
    histories.write("../../etc/passwd", talk(1))

    assert len(list((tmp_path / "kept").iterdir())) == 1

"""A record is followed to its end and on, whatever becomes of the file, with nothing twice and nothing missing."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.backends.claude import transcript_file
from agent.backends.claude.transcript_file import Cursor, TranscriptFile
from agent.domain.session_event import Missing, Said


def line(number: int, text: str = "", second: int = 0) -> bytes:
    """A row of the record; its times grow with the numbers."""
    stamp = f"2026-11-29T12:{(second or number) // 60:02}:{(second or number) % 60:02}.000Z"
    row = {"type": "user", "isSidechain": False, "timestamp": stamp, "message": {"content": text or str(number)}}
    return json.dumps(row).encode() + b"\n"


def lines(first: int, last: int) -> bytes:
    return b"".join(line(number) for number in range(first, last + 1))


FOLLOWERS: list["Follower"] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while FOLLOWERS:
        FOLLOWERS.pop().close()


class Follower:
    """Reads as the agent does: from the cursor that the router gave back, whenever its process began anew."""

    def __init__(self, path: Path, mask: Callable[[str], str] = str) -> None:
        self.path, self._mask = path, mask
        self.cursor = Cursor()
        self._file = TranscriptFile(mask)
        FOLLOWERS.append(self)

    def close(self) -> None:
        self._file.close()

    def restart(self) -> None:
        """The process is another one; all it has is the cursor as the router kept it."""
        self.close()
        self._file = TranscriptFile(self._mask)
        self.cursor = Cursor.unpacked(self.cursor.packed())

    def told(self, *, restarting: bool = False) -> list[str]:
        """Everything that is new."""
        found: list[str] = []
        while True:
            read = self._file.read(self.cursor, str(self.path))
            self.cursor = read.cursor
            found += [shown(event.what) for event in read.events]
            if restarting:
                self.restart()
            if not read.more:
                return found


def shown(what: object) -> str:
    match what:
        case Said(_, text):
            return text
        case Missing():
            return "missing"
    return ""


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c1.jsonl"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_is_there_is_told_and_then_what_comes(path: Path) -> None:
    follower = Follower(path)
    assert follower.told() == []
    path.write_bytes(lines(1, 3))
    assert follower.told() == ["1", "2", "3"]
    assert follower.told() == []
    append(path, line(4))
    assert follower.told() == ["4"]


def test_half_a_line_waits_for_its_end(path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(line(1) + line(2)[:30])
    assert follower.told() == ["1"]
    append(path, line(2)[30:])
    assert follower.told() == ["2"]


def test_a_line_that_stays_half_costs_itself_alone(path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(line(1) + line(2)[:30])
    follower.told()
    append(path, b"\n" + line(3))
    assert follower.told() == ["3"]


def test_a_process_that_dies_after_each_read_tells_all_of_it_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_file, "MAX_EVENTS", 2)
    path.write_bytes(lines(1, 9))

    assert Follower(path).told(restarting=True) == numbers(1, 9)


def test_a_line_of_many_events_is_told_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_file, "MAX_EVENTS", 2)
    blocks = [{"type": "text", "text": str(number)} for number in range(1, 6)]
    path.write_bytes(json.dumps({"type": "user", "message": {"content": blocks}}).encode() + b"\n" + line(6))

    assert Follower(path).told(restarting=True) == numbers(1, 6)


def test_another_conversation_is_told_behind_the_end_of_this_one(tmp_path: Path, path: Path) -> None:
    """As /clear begins it."""
    follower = Follower(path)
    path.write_bytes(lines(1, 2))
    follower.told()
    append(path, line(3))
    (tmp_path / "c2.jsonl").write_bytes(lines(4, 5))
    follower.path = tmp_path / "c2.jsonl"

    assert follower.told() == ["3", "4", "5"]
    append(follower.path, line(6))
    assert follower.told(restarting=True) == ["6"]


def test_of_a_copy_with_which_a_fork_begins_only_what_is_new_is_told(tmp_path: Path, path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(lines(1, 5))
    follower.told()
    follower.path = tmp_path / "fork.jsonl"
    follower.path.write_bytes(lines(1, 7))

    assert follower.told() == ["6", "7"]


def test_a_file_that_was_put_in_its_place_goes_on_where_it_was(tmp_path: Path, path: Path) -> None:
    """Rotation: what stood in the old one is told to its end, though it has lost its name."""
    follower = Follower(path)
    path.write_bytes(lines(1, 2))
    follower.told()
    append(path, line(3))
    path.rename(tmp_path / "old")
    path.write_bytes(lines(3, 5))

    assert follower.told() == ["3", "4", "5"]


def test_what_was_replaced_while_nobody_read_is_told_as_missing(tmp_path: Path, path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(lines(1, 2))
    follower.told()
    path.rename(tmp_path / "old")
    path.write_bytes(lines(2, 4))
    follower.restart()

    assert follower.told() == ["missing", "3", "4"]


def test_a_file_that_was_cut_is_read_again_from_its_beginning(path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(lines(1, 5))
    follower.told()
    os.truncate(path, 0)
    append(path, lines(4, 6)[: 2 * len(line(4))])

    assert follower.told() == ["missing"]
    append(path, line(6))
    assert follower.told() == ["6"]


def test_a_line_that_is_too_long_is_told_as_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_file, "MAX_LINE", 400_000)
    follower = Follower(path)
    path.write_bytes(line(1) + b"x" * 1_000_000)
    assert follower.told() == ["1"]
    append(path, b"\n" + line(2))
    assert follower.told(restarting=True) == ["missing", "2"]


def test_of_a_long_record_that_nobody_followed_the_end_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_file, "HISTORY", 3 * len(line(10)))
    path.write_bytes(lines(10, 59))

    assert Follower(path).told() == ["missing", "58", "59"]


def test_what_tells_nothing_moves_the_cursor_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_file, "MAX_READ", 1000)
    blob = b'{"type":"api-request-blob","x":"' + b"y" * 700 + b'"}\n'
    path.write_bytes(blob * 5 + line(1))
    follower = Follower(path)

    assert follower.told(restarting=True) == ["1"]
    assert follower.cursor.offset == path.stat().st_size


def test_a_file_that_is_gone_or_none_says_nothing(tmp_path: Path, path: Path) -> None:
    os.mkfifo(path)
    assert Follower(path).told() == []
    assert Follower(tmp_path).told() == []
    assert Follower(tmp_path / "none").told() == []


def test_secrets_are_masked_before_long_texts_are_cut(path: Path) -> None:
    secret = "Z" * 40
    path.write_bytes(line(1, "x" * (32 * 1024 - 20) + secret))

    [told] = Follower(path, lambda text: text.replace(secret, "[masked]")).told()

    assert "Z" not in told
    assert "[masked]" in told


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"null", b"\xff", b'{"path": 1, "known": {}}', b"[" * 100_000])
def test_a_cursor_that_is_none_of_ours_begins_anew(data: bytes) -> None:
    assert Cursor.unpacked(data) == Cursor()


def test_a_cursor_names_a_file_whose_name_is_not_utf_8() -> None:
    cursor = Cursor(os.fsdecode(b"/tmp/caf\xe9.jsonl"))

    assert Cursor.unpacked(cursor.packed()) == cursor


def test_a_cursor_is_short() -> None:
    known = transcript_file.Known(transcript_file.Described("t" * 200, "m" * 200, "o" * 200, "b" * 200), "u" * 200)

    assert len(Cursor("/" + "p" * 1024, 2**63, 2**40, 5, known, ("waiting", "w" * 100)).packed()) < 4096

"""When a person's line counts as half-typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pty_host.draft import Draft

EMPTY = {
    "nothing": b"",
    "a line that was sent": b"hello\r",
    "one given up with ctrl-c": b"hello\x03",
    "one cleared with ctrl-u": b"hello\x15",
    "one erased": b"ab\x7f\x7f",
    "more erased than typed": b"a\x7f\x7f\x7f",
    "one of several bytes a character, erased": "日本".encode() + b"\x7f\x7f",
    "focus reports": b"\x1b[I\x1b[O",
    "mouse reports": b"\x1b[<0;10;20M\x1b[<0;10;20m\x1b[M !!",
    "answers of the terminal": b"\x1b[24;80R\x1b[?62;22c\x1b]11;rgb:0000/0000/0000\x1b\\\x1bP>|xterm(390)\x1b\\",
    "the answer about long keys": b"\x1b[?1u",
    "the Esc key": b"\x1b",
    "cursor keys sideways": b"\x1b[C\x1bOD",
    "a long-form Enter": b"hi\x1b[13u",
    "a long-form ctrl-c": b"hi\x1b[99;5u",
    "a long-form key let go": b"\x1b[97;1:3u",
    "a pasted text that was sent": b"\x1b[200~two\rlines\x1b[201~\r",
}
OPEN = {
    "text": b"hello",
    "one character": "é".encode(),
    "text after an Enter": b"a\rb",
    "less erased than typed": b"abc\x7f\x7f",
    "a line of the history": b"\x1b[A",
    "a search in the history": b"\x12",
    "a pasted Enter": b"\x1b[200~two\rlines\x1b[201~",
    "an Enter behind a backslash": b"two\\\rlines",
    "Alt-Enter": b"two\x1b\rlines",
    "Shift-Enter in the long form": b"two\x1b[13;2u",
    "a long-form letter": b"\x1b[97u",
    "a space": b" ",
}


@pytest.mark.parametrize("typed", EMPTY.values(), ids=EMPTY)
def test_the_line_is_free_after(typed: bytes) -> None:
    draft = Draft()

    draft.feed(typed)

    assert not draft.open


@pytest.mark.parametrize("typed", OPEN.values(), ids=OPEN)
def test_the_line_is_taken_after(typed: bytes) -> None:
    draft = Draft()

    draft.feed(typed)

    assert draft.open


@pytest.mark.parametrize("cut", range(3, 12))
def test_a_report_may_come_in_two_pieces(cut: int) -> None:
    report = b"\x1b[<0;10;20M"
    draft = Draft()

    draft.feed(report[:cut])
    draft.feed(report[cut:])

    assert not draft.open


@given(st.binary(max_size=200))
def test_ctrl_c_frees_the_line_whatever_was_typed(typed: bytes) -> None:
    draft = Draft()

    draft.feed(typed + b"\x1b[201~\x07\x1b\\" + b"a")  # ends whatever paste or sequence was begun
    draft.feed(b"\x03")

    assert not draft.open

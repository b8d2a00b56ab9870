"""What terminals send by themselves is told apart from keys."""

import pytest

from agent.pty_host.answers import is_answer

ANSWERS = {
    "attributes": b"\x1b[?62;22c",
    "further attributes": b"\x1b[>0;276;0c",
    "the unit": b"\x1bP!|00000000\x1b\\",
    "the cursor": b"\x1b[24;80R",
    "the status": b"\x1b[0n",
    "dark or light": b"\x1b[?997;1n",
    "looked at": b"\x1b[I",
    "looked away": b"\x1b[O",
    "a mode": b"\x1b[?2026;2$y",
    "flags of the keyboard": b"\x1b[?0u",
    "the size": b"\x1b[4;600;800t",
    "the size as it changes": b"\x1b[48;24;80;600;800t",
    "a colour": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    "a colour, ended by a bell": b"\x1b]10;rgb:ffff/ffff/ffff\x07",
    "the version": b"\x1bP>|XTerm(390)\x1b\\",
    "pictures": b"\x1b_Gi=31;OK\x1b\\",
    "several at once": b"\x1b[?0u\x1b[?62;22c\x1b]11;rgb:0000/0000/0000\x07\x1b[I",
}
KEYS = {
    "a letter": b"k",
    "Enter": b"\r",
    "Esc": b"\x1b",
    "an arrow": b"\x1b[A",
    "a key of the longer kind": b"\x1b[97;5u",
    "a paste": b"\x1b[200~text\x1b[201~",
    "a click": b"\x1b[<0;10;10M",
    "a key behind an answer": b"\x1b[Ik",
    "a key before an answer": b"k\x1b[0n",
    "Alt and a bracket": b"\x1b]",
}


@pytest.mark.parametrize("data", ANSWERS.values(), ids=ANSWERS)
def test_what_it_is_asked_and_that_it_is_looked_at_is_no_key(data: bytes) -> None:
    assert is_answer(data)


@pytest.mark.parametrize("data", KEYS.values(), ids=KEYS)
def test_keys_are_keys(data: bytes) -> None:
    assert not is_answer(data)


def test_nothing_takes_long_to_tell() -> None:
    assert not is_answer(b"\x1b]x\x07" * 10_000 + b"k")

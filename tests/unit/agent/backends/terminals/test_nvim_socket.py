"""MessagePack as nvim sends it: every kind, and answers cut anywhere."""

import pytest

from agent.backends.terminals.keyboard import Refused, Silent
from agent.backends.terminals.nvim_socket import Reader, answer_of, question_of

VALUES: dict[bytes, object] = {
    b"\x07": 7,
    b"\xff": -1,
    b"\xc0": None,
    b"\xc2": False,
    b"\xc3": True,
    b"\xca\x3f\xc0\x00\x00": 1.5,
    b"\xcb\x3f\xf8" + bytes(6): 1.5,
    b"\xcc\xc8": 200,
    b"\xcd\x01\x00": 256,
    b"\xce\x00\x01\x00\x00": 65536,
    b"\xcf" + bytes(7) + b"\x09": 9,
    b"\xd0\xff": -1,
    b"\xd1\xff\xff": -1,
    b"\xd2\xff\xff\xff\xff": -1,
    b"\xd3" + b"\xff" * 8: -1,
    b"\xa2hi": "hi",
    b"\xd9\x02hi": "hi",
    b"\xda\x00\x02hi": "hi",
    b"\xdb\x00\x00\x00\x02hi": "hi",
    b"\xc4\x02hi": "hi",
    b"\xc5\x00\x02hi": "hi",
    b"\xc6\x00\x00\x00\x02hi": "hi",
    b"\x92\x01\xa1a": [1, "a"],
    b"\xdc\x00\x01\x01": [1],
    b"\xdd\x00\x00\x00\x01\x01": [1],
    b"\x81\xa1k\x01": ["k", 1],
    b"\xde\x00\x01\xa1k\x01": ["k", 1],
    b"\xdf\x00\x00\x00\x01\xa1k\x01": ["k", 1],
    b"\xd4\x00b": "\0b",
    b"\xd8\x00" + b"b" * 16: "\0" + "b" * 16,
    b"\xc7\x02\x00hi": "\0hi",
    b"\xc8\x00\x02\x00hi": "\0hi",
    b"\xc9\x00\x00\x00\x02\x00hi": "\0hi",
}


@pytest.mark.parametrize(("data", "value"), VALUES.items(), ids=lambda one: one.hex() if isinstance(one, bytes) else "")
def test_every_kind_is_read_to_its_end(data: bytes, value: object) -> None:
    reader = Reader(data + b"\x2a")

    assert (reader.value(), reader.value()) == (value, 42)


ANSWER = b"\x93\x02\xa6redraw\x90\x94\x01\x01\xc0\xa5hello"
"""Behind a notification, which nobody asked for."""


def test_an_answer_is_told_once_it_is_whole() -> None:
    told = [answer_of(ANSWER[:size]) for size in range(len(ANSWER) + 1)]

    assert told == [None] * len(ANSWER) + ["hello"]


def test_no_result_is_an_empty_one_and_a_number_is_its_digits() -> None:
    assert (answer_of(b"\x94\x01\x01\xc0\xc0"), answer_of(b"\x94\x01\x01\xc0\x05")) == ("", "5")


def test_an_error_is_told_with_its_words() -> None:
    with pytest.raises(Refused, match=r"^E117: no$"):
        answer_of(b"\x94\x01\x01\x92\x00\xa8E117: no\xc0")


@pytest.mark.parametrize("nonsense", [b"\xc1", b"\x91" * 100, b"GET / HTTP\xc1"])
def test_nonsense_is_no_answer(nonsense: bytes) -> None:
    with pytest.raises(Silent):
        answer_of(nonsense)


def test_a_question_is_one_list() -> None:
    assert Reader(question_of("1 + 1 # \u010d")).value() == [0, 1, "nvim_eval", ["1 + 1 # \u010d"]]

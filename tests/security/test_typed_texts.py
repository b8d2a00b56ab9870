"""Forty hostile texts into a real terminal: what arrives is the text without its controls, submitted once."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.command import Input, Outcome
from tests.folders import short_folder
from tests.integration.agent.backends.stages import TmuxStage

WORDS = "rm -rf ~"
LETTERS = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x15\x16\x17\x1a"
SEQUENCES = ("[A", "[201~", "[200~", "OP", "]0;t\x07", "]52;c;aGk=\x07", "P+q\x1b\\", "c", "[?2004l")
C1 = ("\x7f", "\x80", "\x9b201~", "\x9dc", "\x90", "\x9c", "\x85", "\xa0")
CORPUS = [
    *(f"a{letter}{WORDS}" for letter in LETTERS),
    *(f"a\x1b{sequence}{WORDS}" for sequence in SEQUENCES),
    *(f"a{sequence}{WORDS}" for sequence in C1),
    f"a\r{WORDS}",
    f"a;{WORDS}; \\; $(id) `id` #{{pane_id}} #(id)",
]
CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")}


@pytest.fixture(scope="module")
def stage() -> Iterator[TmuxStage]:
    with short_folder() as folder, closing(TmuxStage(Path(folder))) as stage:
        yield stage


def test_there_are_forty() -> None:
    assert len(CORPUS) == 40


@pytest.mark.parametrize("text", CORPUS, ids=ascii)
def test_no_control_gets_through_and_nothing_is_submitted_beside_it(stage: TmuxStage, text: str) -> None:
    outcome = stage.deliver(Input(text))
    [typed] = stage.submissions()

    assert outcome == Outcome.done()
    assert not {letter for letter in typed.decode() if ord(letter) in CONTROLS}
    assert WORDS in typed.decode()

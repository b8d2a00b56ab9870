"""From the phone alone: a day is played against the running product, and the page in the docs is what was seen."""

from pathlib import Path

import pytest

from tests.e2e.from_the_phone import PAGE, play

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_person_does_everything_from_the_chat_and_the_page_shows_it(tmp_path: Path) -> None:
    seen = play(tmp_path)

    assert seen == PAGE.read_text(), "if the words are meant: python -m tests.e2e.from_the_phone"

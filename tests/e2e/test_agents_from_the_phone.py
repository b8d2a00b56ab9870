"""Other coding agents from the phone alone: the real programs play their day, and the page is what was seen."""

from pathlib import Path

import pytest

from tests.e2e.agents_from_the_phone import AGENTS, PAGE, chapter
from tests.fakes.acp_programs import EVERY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]
NAMES = list(AGENTS) if EVERY else ["codex"]  # the quickest


@pytest.mark.parametrize("name", NAMES)
def test_a_person_does_everything_from_the_chat_and_the_page_shows_it(name: str, tmp_path: Path) -> None:
    seen = chapter(name, tmp_path)

    assert seen in PAGE.read_text(), f"if the words are meant: python -m tests.e2e.agents_from_the_phone {name}"

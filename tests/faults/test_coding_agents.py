"""A real coding agent over ACP in the whole product, the short form: killed, stopped and written to in a turn."""

import random

import pytest

from tests.faults import coding_agents
from tests.rigs.tapped_agent import Prompted, read

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
QUICKEST = "codex"


@pytest.mark.skipif(not coding_agents.installed([QUICKEST]), reason=f"{QUICKEST} is not installed")
def test_each_text_is_given_once_and_each_doubt_is_told() -> None:
    row = coding_agents.life(QUICKEST, random.Random(1), len(coding_agents.ACTS))

    assert row.problems == []


@pytest.mark.skipif(not coding_agents.installed([QUICKEST]), reason=f"{QUICKEST} is not installed")
def test_a_text_at_any_moment_of_a_turn_stops_nothing() -> None:
    assert coding_agents.moments(QUICKEST, random.Random(1), 5).problems == []


def test_a_digest_tells_of_each_turn_that_it_names() -> None:
    digest = """🗞 3 messages of project since 22:58:
• The agent here was stopped in the middle of this; so was Codex. Write to go on where it was.
• Codex ended in the middle of a turn (ended by SIGKILL). The next text takes up the conversation again.
• I will run it."""

    assert coding_agents.cuts_in([digest, "echo: hello", "Codex ended in the middle of a turn (exit code 1)."]) == 3


def test_the_account_of_a_tap_says_what_was_given_in_a_turn_and_what_was_cut() -> None:
    rows = (
        '{"began": 1}', '{"prompt": "a", "id": 3}', '{"prompt": "b", "id": 4}', '{"end": "cancelled", "id": 3}',
        '{"cancel": true}', '{"began": 2}', '{"prompt": "c", "id": 3}', '{"end": "end_turn", "id": 3}',
    )  # fmt: skip

    assert read(rows) == [
        Prompted("a", "cancelled", in_a_turn=False),
        Prompted("b", "", in_a_turn=True),
        Prompted("c", "end_turn", in_a_turn=False),
    ]

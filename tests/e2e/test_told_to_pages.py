"""The real Claude Code in each kind of session: the console's page has each thing once and in order, whatever dies.

With TEST_EVERY_AGENT=1 in each kind, else in tmux alone.
"""

import itertools
from pathlib import Path

import pytest

from tests.e2e.hour_away import hour_away
from tests.e2e.real_turns import KINDS, turns
from tests.fakes.acp_programs import EVERY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", KINDS if EVERY else ["tmux"])
def test_a_page_has_each_thing_of_a_turn_once_and_in_order_whatever_is_killed(kind: str, tmp_path: Path) -> None:
    with turns(tmp_path, kind) as one:
        # A program that the agent runs itself ends with it, and its turn: that is another test's.
        victims = ("router", "adapter-http", "agent")[: 2 if kind == "headless" else 3]
        struck = itertools.cycle([*victims, ""])

        one.turn(lambda: one.system.kill(name) if (name := next(struck)) else None)
        one.joined()
        one.turn()

        assert one.problems() == []


@pytest.mark.parametrize("kind", KINDS if EVERY else ["tmux"])
def test_a_page_has_each_thing_of_a_turn_for_which_its_machine_had_no_line_for_an_hour(
    kind: str, tmp_path: Path
) -> None:
    with hour_away(tmp_path, kind) as one:
        one.turn()
        one.turns.joined()
        one.turns.says("and now?")

        assert one.turns.problems() == []

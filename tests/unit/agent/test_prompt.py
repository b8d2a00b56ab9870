"""Which typed text a program speaks of, and when its work is over."""

import pytest

from agent.domain.command import Action, Input, KeyPress
from agent.domain.prompt import Prompt, awaited, ended_by, taken_by
from agent.domain.session import Conversation, Process, Session

TALK = Conversation("t", Process(1, 0.0), "/srv/me/.claude")


def prompts(*texts: str) -> list[Prompt]:
    return [Prompt(f"c{number}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("heard", "typed", "taken"),
    [
        ("go on", ["go on"], "c0"),
        ("go on", ["stop", "go on", "go on"], "c1"),
        ("two\nlines  here ", ["two\r\nlines here"], "c0"),
        ("a half-typed go on", ["go on"], "c0"),
        ("do go on", ["go on", "do go on"], "c1"),
        ("go on with it", ["go on"], ""),
        ("something else", ["go on"], ""),
        ("go on", [], ""),
    ],
)
def test_a_text_is_known_by_its_words_also_behind_a_draft(heard: str, typed: list[str], taken: str) -> None:
    found = taken_by(heard, prompts(*typed))

    assert (found.command_id if found else "") == taken


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Input("go on"), True),
        (Input("/tmp/x is a path"), True),
        (Input("/clear"), False),
        (Input(" /model opus"), False),
        (Input("go on", submit=False), False),
        (Input("  \n"), False),
        (KeyPress("enter"), False),
        (None, False),
    ],
)
def test_only_a_prompt_is_awaited(action: Action | None, expected: bool) -> None:
    assert awaited(Session("s", "tmux", conversation=TALK), action, tells=False) is expected


@pytest.mark.parametrize("tells", [False, True])
def test_a_program_that_tells_itself_speaks_of_its_own_commands_too_and_needs_no_hooks(*, tells: bool) -> None:
    assert awaited(Session("s", "headless"), Input("/clear"), tells=tells) is tells


def test_nothing_is_awaited_from_a_program_without_hooks() -> None:
    assert not awaited(Session("s", "tmux"), Input("go on"), tells=False)


def test_the_end_of_a_turn_leaves_what_joined_it() -> None:
    opened = Prompt("opened", "a", "turn 1")
    joined = Prompt("joined", "b", "turn 1", joined=True)
    earlier = Prompt("earlier", "c", "turn 0", joined=True)

    assert ended_by("turn 1", [earlier, opened, joined]) == [earlier, opened]
    assert ended_by("turn 2", [joined]) == [joined]

"""What is said to tmux in control mode, and how its answers are read."""

import pytest

from agent.backends.terminals.keyboard import Refused
from agent.backends.terminals.tmux_control import answer_of, is_watched, line_of


@pytest.mark.parametrize(
    ("word", "sent"),
    [
        ("a b", '"a b"'),
        ("", '""'),
        ('say "no"', '"say \\"no\\""'),
        ("\\n", '"\\\\n"'),
        ("one\ntwo\t3", '"one\\ntwo\\t3"'),
        ("$HOME ~x #{pane_id};", '"\\$HOME \\~x #{pane_id};"'),
    ],
)
def test_a_word_is_sent_so_that_it_arrives_as_it_is(word: str, sent: str) -> None:
    assert line_of([("send", word), ("next",)]) == f'"send" {sent} ; "next"'


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["%end 1 1 1", "%begin 1 2 1", "%0 77", "%end 1 2 1", "%begin 1 3 1"], "%0 77"),
        (["%begin 1 2 1", "", "", "%end 1 2 1"], "\n"),
        (
            ["%session-changed $0 main", "%begin 1 2 1", "%end 1 2 1", "%begin 1 3 1", "pressed", "%end 1 3 1"],
            "pressed",
        ),
        (
            ["%begin 1 2 1", "%end 1 9 1", "%begin 1 2 1", "%error 0 0 0", "%end 1 2 1"],
            "%end 1 9 1\n%begin 1 2 1\n%error 0 0 0",
        ),
        ([], ""),
        (["%begin 1 2 1", "cut off"], "cut off"),
    ],
)
def test_what_commands_printed_is_told_from_what_is_around_it(lines: list[str], words: str) -> None:
    assert answer_of(lines) == words


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(Refused, match=r"^can't find pane: %9$"):
        answer_of(["%begin 1 2 1", "can't find pane: %9", "%error 1 2 1"])


@pytest.mark.parametrize(
    ("hooks", "watched"),
    [
        ("after-bind-key\nclient-attached\nclient-detached\n", False),
        ("client-attached[0] display-message hi", True),
        ("client-detached run-shell ./leave", True),
        ("after-new-window[0] display-message hi\nclient-session-changed", False),
        ("", False),
    ],
)
def test_a_persons_hooks_on_clients_are_seen(hooks: str, watched: bool) -> None:
    assert is_watched(hooks) is watched

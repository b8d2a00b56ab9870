"""How arguments reach tmux."""

import pytest

from agent.backends.terminals.tmux_server import escaped, prefix


@pytest.mark.parametrize(
    ("argument", "sent"),
    [("a", "a"), ("a;", "a\\;"), (";", "\\;"), ("a\\;", "a\\\\;"), ("a;b", "a;b"), ("", ""), ("a\n", "a\n")],
)
def test_a_last_semicolon_is_text_and_not_the_end_of_a_command(argument: str, sent: str) -> None:
    assert escaped(argument) == sent


@pytest.mark.parametrize(("socket", "words"), [("", ("tmux", "-u")), ("/s", ("tmux", "-u", "-S", "/s"))])
def test_the_server_is_named_by_its_socket(socket: str, words: tuple[str, ...]) -> None:
    assert prefix(socket) == words

"""Codex's hooks: of which windows they count, and what they say in our words."""

import pytest

from agent.domain.alert import text_of
from agent.domain.codex_hook import ASKS, SCOPE, is_by_itself, translated
from agent.domain.hook import HookEvent

ENVIRON = {"HOME": "/home/me", "TMUX": "/tmp/t,1,0", "TMUX_PANE": "%3", "CLAUDE_CODE_ENTRYPOINT": "sdk"}


def event(name: str, **payload: object) -> HookEvent:
    return HookEvent(name, 7, ENVIRON, {"session_id": "t", "transcript_path": "/rollout.jsonl", **payload}, SCOPE)


@pytest.mark.parametrize(
    ("argv", "counts"),
    [
        (("codex", "--no-daemon"), True),
        (("codex", "resume", "--no-daemon"), True),
        (("codex",), False),
        (("codex", "app-server", "--listen", "unix://"), False),
        (("codex", "app-server", "--no-daemon"), False),
        (("--no-daemon",), False),
    ],
)
def test_only_a_window_without_a_server_is_heard_through_its_hooks(argv: tuple[str, ...], counts: bool) -> None:
    assert is_by_itself(argv) is counts


def test_an_end_is_told_of_the_window_and_of_no_terminal() -> None:
    said = translated(event("Stop", last_assistant_message="Done."), 9)

    assert (said.name, said.pid, said.environ) == ("Stop", 9, {"HOME": "/home/me"})
    assert (said.text("transcript_path"), said.interactive) == ("", True)
    assert text_of(said) == "✅ Finished.\n\nDone."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"command": "touch w1"}, "❗ Codex asks at its terminal: Bash touch w1"),
        ({"path": "x"}, '❗ Codex asks at its terminal: Bash {"path": "x"}'),
        ("no object", "❗ Codex asks at its terminal: Bash"),
        ({"command": "\ud800"}, "❗ Codex asks at its terminal: Bash ?"),
    ],
)
def test_what_it_asks_is_told(given: object, told: str) -> None:
    assert text_of(translated(event(ASKS, tool_name="Bash", tool_input=given), 9)) == told


def test_what_it_asks_is_cut_where_it_is_long() -> None:
    said = translated(event(ASKS, tool_name="Bash", tool_input={"command": "x" * 100_000}), 9)

    assert len(text_of(said)) < 2100

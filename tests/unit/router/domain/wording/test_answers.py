"""What the bot answers to a command of the chat."""

import pytest
from msgspec.structs import replace

from router.domain.session import Session, SessionState
from router.domain.wording.answers import HELP, doing

SESSION = Session("s-1", "devbox", "api", "tmux", "/src", SessionState.IDLE, 1, 0.0, 0.0)


@pytest.mark.parametrize(
    ("state", "waiting_for", "connected", "words"),
    [
        (SessionState.UNKNOWN, "", True, ""),
        (SessionState.IDLE, "", True, " · ready"),
        (SessionState.BUSY, "", True, " · working"),
        (SessionState.WAITING, "", True, " · waits for you"),
        (SessionState.WAITING, "input needed", True, " · waits for you: input needed"),
        (SessionState.BUSY, "", False, " (away)"),
    ],
)
def test_behind_a_sessions_name_stands_what_it_does(
    state: SessionState, waiting_for: str, connected: bool, words: str
) -> None:
    session = replace(SESSION, state=state, waiting_for=waiting_for)

    assert doing(session, connected=connected) == words


@pytest.mark.parametrize("name", ["sessions", "use", "stop", "key", "status", "dead", "cancel"])
def test_help_names_every_chat_command(name: str) -> None:
    assert f"/{name}" in HELP

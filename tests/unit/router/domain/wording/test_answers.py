"""What the bot answers to a command of the chat."""

from zoneinfo import ZoneInfo

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

    assert doing(session, connected=connected, wall=1.8e9, zone=ZoneInfo("UTC")) == words


def test_an_idle_session_at_its_usage_limit_says_until_when() -> None:
    limited = replace(SESSION, limited_until=1.8e9 + 3600)

    said = [doing(limited, connected=True, wall=wall, zone=ZoneInfo("Europe/Berlin")) for wall in (1.8e9, 1.8e9 + 3601)]

    assert said == [" · at its usage limit until Fri 15 Jan 10:00 (Europe/Berlin)", " · ready"]


@pytest.mark.parametrize(
    "name",
    [
        "later",
        "every",
        "remind",
        "scheduled",
        "zone",
        "limits",
        "sessions",
        "use",
        "stop",
        "key",
        "status",
        "dead",
        "cancel",
    ],
)
def test_help_names_every_chat_command(name: str) -> None:
    assert f"/{name}" in HELP

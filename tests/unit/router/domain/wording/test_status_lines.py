"""Every state of a command has words."""

import pytest

from router.domain.action import Action, Input, KeyPress, Lane, PermissionDecision, StopSession
from router.domain.command import Command, CommandState, Origin
from router.domain.errors import Reason
from router.domain.session import Session, SessionState
from router.domain.wording.status_lines import quoted, status_line

ENDS_WITH_A_REASON = [CommandState.FAILED, CommandState.UNCERTAIN, CommandState.EXPIRED, CommandState.DEAD]
SESSION = Session("s-1", "devbox", "api", "tmux", "/src", SessionState.IDLE, 1, 0.0, 0.0)


def command(state: CommandState = CommandState.QUEUED, **fields: object) -> Command:
    action = fields.pop("action", Input("ls"))
    head = ("c", "s-1", "devbox", 1, 1, Lane.NORMAL, action, Origin("test"))
    return Command(*head, **({"created_at": 0.0, "expires_at": 86_400.0, "state": state} | fields))  # type: ignore[arg-type]


def named(value: object) -> str:
    return getattr(value, "name", str(value))


@pytest.mark.parametrize("connected", [True, False], ids=["linked", "away"])
@pytest.mark.parametrize("state", CommandState, ids=named)
def test_every_state_has_a_line(state: CommandState, connected: bool) -> None:
    line = status_line(command(state), SESSION, connected=connected)

    assert line.strip()
    assert "\n" not in line


@pytest.mark.parametrize("state", ENDS_WITH_A_REASON, ids=named)
def test_a_bad_end_says_why_and_in_which_words_of_the_machine(state: CommandState) -> None:
    line = status_line(command(state, reason=Reason.TARGET_GONE, detail="pane %3"), SESSION, connected=True)

    assert "the terminal is gone" in line
    assert "pane %3" in line


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        ({}, "✅ Typed into api."),
        ({"taken_at": 1.0}, "▶️ api is working on it."),
        ({"taken_at": 1.0, "finished_at": 2.0}, "🏁 api has finished it."),
        ({"detail": "exit 0"}, "✅ Typed into api.\nexit 0"),
        (
            {"reason": Reason.NOT_TAKEN, "detail": "> go on"},
            "⚠️ Typed into api, but its program has not taken it. Look at its screen before you send it again.\n> go on",
        ),
    ],
)
def test_after_the_typing_the_line_says_what_became_of_it(marks: dict[str, object], words: str) -> None:
    assert status_line(command(CommandState.DONE, **marks), SESSION, connected=True) == words


@pytest.mark.parametrize(("seconds", "words"), [(86_400, "24 h"), (7_200, "2 h"), (600, "10 min"), (5, "1 min")])
def test_a_machine_that_is_away_is_named_with_how_long_the_command_waits(seconds: float, words: str) -> None:
    line = status_line(command(expires_at=float(seconds)), SESSION, connected=False)

    assert "devbox is away" in line
    assert words in line


def test_a_session_is_called_by_its_label_or_else_its_id() -> None:
    assert "api" in status_line(command(CommandState.DONE), SESSION, connected=True)
    assert "s-1" in status_line(command(CommandState.DONE), None, connected=True)


def test_a_typed_command_shows_what_the_backend_printed() -> None:
    assert "exit code 0" in status_line(command(CommandState.DONE, detail="exit code 0"), SESSION, connected=True)


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Input("git  status\nand more"), "git status and more"),
        (Input("x" * 61), "x" * 59 + "…"),
        (Input("x" * 60), "x" * 60),
        (KeyPress("esc"), "[esc]"),
        (PermissionDecision("p", "d", "deny", "not now"), "❌ Deny not now"),
        (PermissionDecision("p", "d", "always-2"), "✅ Allow always"),
        (PermissionDecision("p", "d", "option-2"), "💬 Answer"),
        (StopSession(), "⏹ End"),
    ],
)
def test_a_command_is_quoted_in_one_short_line(action: Action, line: str) -> None:
    assert quoted(command(action=action)) == line

"""A session started, used and ended from the phone alone, with the real Claude Code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import CHAT, System, message, running
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.fakes.telegram_state import Message
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

LONG = 40.0  # seconds; other programs share the cores


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, api: ModelApi) -> ClaudeHome:
    (tmp_path / "claude").mkdir()
    return ClaudeHome(tmp_path / "claude", api)


@pytest.fixture
def system(tmp_path: Path, home: ClaudeHome) -> Iterator[System]:
    environ = home.environ | {
        "PATH": f"{home.program.parent}:{home.environ['PATH']}",
        "POINTSMAN_START_FOLDERS": str(home.project),
    }
    with running(tmp_path, **environ) as system:
        yield system


def told(system: System, words: str) -> Message:
    """The newest message on the phone with these words, once there is one."""
    shown: list[Message] = wait_until(
        lambda: [one for one in system.telegram.bot_messages(CHAT) if words in one.text], LONG
    )
    system.delivered(shown[-1].message_id)
    return shown[-1]


def test_new_starts_claude_code_which_is_talked_to_and_ended(system: System, home: ClaudeHome, api: ModelApi) -> None:
    system.webhook(message(80_001, "/new /etc/ do as you like"))
    told(system, "Not started on devbox: no session may start there")

    system.webhook(message(80_002, "/new hello there"))
    told(system, "🚀 Started project on devbox.")
    first = told(system, "echo: hello there")
    [session] = system.cli("sessions", "--json")
    system.webhook(message(80_003, "and now this", reply_to=first.message_id))
    second = told(system, "echo: and now this")
    wait_until(lambda: all(one["finishedAt"] for one in system.cli("commands", "--json", "--state", "done")), LONG)
    system.webhook(message(80_006, "/keep", reply_to=second.message_id))
    [kept] = wait_until(lambda: [one for one in system.cli("commands", "--json") if one["text"] == "[keep]"], LONG)
    wait_until(lambda: system.cli("commands", "--json", "--state", "done")[0]["commandId"] == kept["commandId"], LONG)
    system.webhook(message(80_005, "%bash touch made", reply_to=second.message_id))
    asked = told(system, "touch made")
    system.telegram.press(asked, "✅ Allow", user_id=CHAT)
    wait_until((home.project / "made").exists, LONG)
    running_before = home.records()
    system.webhook(message(80_004, "/end", reply_to=second.message_id))
    wait_until(lambda: not system.rest("GET", "/sessions").json(), LONG)
    wait_until(lambda: not home.records(), LONG)

    assert (session["backend"], session["cwd"]) == ("headless", str(home.project.resolve()))
    assert len(running_before) == 1
    assert api.prompts == ["hello there", "and now this", "%bash touch made"]

"""The real Claude Code in other kinds of terminal: the session appears by itself, and is answered from the phone."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_desk import LONG, in_place
from tests.e2e.system import CHAT, POINTSMAN, System, message, running
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.fakes.telegram_state import Message
from tests.integration.agent.backends.stages import NvimFixture
from tests.integration.agent.backends.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

_updates = itertools.count(72_000)
Opened = AbstractContextManager[object]


def in_run(system: System, _folder: Path, home: ClaudeHome) -> Opened:
    named = [f"{name}={value}" for name, value in system.environ().items()]
    return closing(Terminal(["env", *named, *POINTSMAN, "run", "--", *in_place(home)]))


def in_nvim(_system: System, folder: Path, home: ClaudeHome) -> Opened:
    return closing(NvimFixture(folder, in_place(home)))


@pytest.fixture(scope="module")
def api() -> Iterator[ModelApi]:
    with ModelApi() as one:
        yield one


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("terminals")) as one:
        yield one


def told(system: System, words: str) -> Message:
    """The only message on the phone with these words, once there is one."""
    (shown,) = wait_until(lambda: [one for one in system.telegram.bot_messages(CHAT) if words in one.text], LONG)
    system.delivered(shown.message_id)
    return shown


@pytest.mark.parametrize(("opened", "backend"), [(in_run, "pty"), (in_nvim, "nvim")])
def test_a_turn_a_reply_and_a_permission(
    system: System, api: ModelApi, tmp_path: Path, opened: Callable[..., Opened], backend: str
) -> None:
    home = ClaudeHome(tmp_path, api)
    system.cli("hooks", "install", "--claude", str(home.program), CLAUDE_CONFIG_DIR=str(home.config))

    def session() -> dict[str, Any]:
        return next((one for one in system.sessions() if one["backend"] == backend), {})

    with opened(system, tmp_path, home):
        found = wait_until(lambda: home.status() == "idle" and session(), LONG)
        system.cli("send", found["sessionId"], f"hello {backend}")
        first = told(system, f"echo: hello {backend}")

        system.webhook(message(next(_updates), f"%bash touch {backend}", reply_to=first.message_id))
        asked = told(system, f"touch {backend}")
        system.telegram.press(asked, "✅ Allow", user_id=CHAT)

        wait_until((home.project / backend).exists, LONG)
        wait_until(lambda: "✅ Allowed by Ada" in asked.text, LONG)
        assert all(one["takenAt"] for one in system.cli("commands", "--json") if one["text"].startswith("hello"))
    wait_until(lambda: not session(), LONG)

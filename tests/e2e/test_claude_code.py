"""The real Claude Code in tmux, with the hooks installed and nothing else done for it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.system import CHAT, System, message, running
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

LONG = 40.0  # seconds; other programs share the cores
# The configuration keeps it from all other variables of this process; where its terminal is it must know.
IN_TMUX = ("sh", "-c", 'exec "$@" TMUX="$TMUX" TMUX_PANE="$TMUX_PANE" "$0"')


@dataclass
class Desk:
    """A person at a terminal with Claude Code, and the same person's phone."""

    system: System
    home: ClaudeHome
    terminal: TmuxServerFixture

    def type(self, text: str) -> None:
        """Type at the terminal, when the program is at rest."""
        wait_until(lambda: self.home.status() == "idle", LONG)
        self.terminal.run("send-keys", "-l", "--", text)
        self.terminal.shows(text)
        self.terminal.run("send-keys", "Enter")

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.screen(), LONG)

    def screen(self) -> str:
        return self.terminal.run("capture-pane", "-p", "-J")

    def session(self) -> dict[str, Any]:
        """The only session, once there is one."""
        (found,) = wait_until(lambda: self.system.cli("sessions", "--json"), LONG)
        return dict(found)

    def told(self, words: str) -> list[int]:
        """The messages on the phone with these words."""
        return [one.message_id for one in self.system.telegram.bot_messages(CHAT) if words in one.text]

    def command(self) -> dict[str, Any]:
        return dict(self.system.cli("commands", "--json")[0])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ModelApi() as api:
        (tmp_path / "claude").mkdir()
        home = ClaudeHome(tmp_path / "claude", api)
        with running(tmp_path) as system:
            system.cli("hooks", "install", "--claude", str(home.program), CLAUDE_CONFIG_DIR=str(home.config))
            *environment, program = home.command
            with closing(TmuxServerFixture(tmp_path, [*IN_TMUX, program, *environment])) as tmux:
                yield Desk(system, home, tmux)


def test_a_turn_is_told_once_and_the_reply_is_followed_to_its_end(desk: Desk) -> None:
    desk.type("hello there")
    (first,) = wait_until(lambda: desk.told("echo: hello there"), LONG)
    session = desk.session()
    assert (session["backend"], session["label"]) == ("tmux", "project")

    assert desk.system.webhook(message(70_001, "and now this", reply_to=first)).status_code == 200
    finished = wait_until(lambda: (one := desk.command())["finishedAt"] and one, LONG)
    wait_until(lambda: desk.told("echo: and now this"), LONG)

    assert finished["takenAt"]
    assert finished["typedAt"] <= finished["takenAt"] <= finished["finishedAt"]
    assert wait_until(lambda: desk.session()["state"].lower() == "idle", LONG)
    assert len(desk.told("Finished.")) == 2

    assert desk.system.stop() == 0
    desk.type("nobody listens")
    desk.shows("echo: nobody listens")
    wait_until(lambda: desk.home.status() == "idle", LONG)
    assert "hook" not in desk.screen().lower()

"""A person at a terminal with the real Claude Code and its hooks, and the same person's phone."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.system import CHAT, System, running
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.fakes.telegram_state import Message
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.waiting import wait_until

LONG = 40.0  # seconds; other programs share the cores
# The configuration keeps it from all other variables of this process; where its terminal is it must know.
_PLACE = ("TMUX", "TMUX_PANE", "NVIM", "POINTSMAN_SESSION_ID")


def in_place(home: ClaudeHome) -> list[str]:
    """Starts Claude Code so that it knows the terminal that it is started in."""
    *environment, program = home.command
    known = " ".join(f'${{{name}:+{name}="${name}"}}' for name in _PLACE)
    return ["sh", "-c", f'exec "$@" {known} "$0"', program, *environment]


@dataclass
class Desk:
    """The terminal, and what is seen of it from afar."""

    system: System
    home: ClaudeHome
    terminal: TmuxServerFixture

    def type(self, text: str) -> None:
        """Type at the terminal, when the program is at rest."""
        wait_until(self.home.rests, LONG)
        self.terminal.run("send-keys", "-l", "--", text)
        self.terminal.shows(text)
        self.terminal.run("send-keys", "Enter")

    def press(self, key: str) -> None:
        self.terminal.run("send-keys", key)

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.screen(), LONG)

    def screen(self) -> str:
        return self.terminal.run("capture-pane", "-p", "-J")

    def session(self) -> dict[str, Any]:
        """The only session, once there is one."""
        (found,) = wait_until(lambda: self.system.sessions(), LONG)
        return dict(found)

    def messages(self, words: str) -> list[Message]:
        """The messages on the phone with these words."""
        return [one for one in self.system.telegram.bot_messages(CHAT) if words in one.text]

    def account(self) -> str:
        """For whoever reads of a failure."""
        return "\n".join([self.screen(), str(self.home.records()), self.system.account()])

    def command(self) -> dict[str, Any]:
        return dict(self.system.cli("commands", "--json")[0])


@contextmanager
def desk(folder: Path, *options: str) -> Iterator[Desk]:
    """Everything running, with the hooks installed, with these options, and nothing else done for it."""
    with ModelApi() as api:
        (folder / "claude").mkdir()
        home = ClaudeHome(folder / "claude", api)
        with running(folder) as system:
            install(system, home, *options)
            with closing(TmuxServerFixture(folder, in_place(home))) as tmux:
                yield Desk(system, home, tmux)


def install(system: System, home: ClaudeHome, *options: str) -> None:
    """The hooks, and what the options add, into this configuration and into nobody else's."""
    place = {"CLAUDE_CONFIG_DIR": str(home.config), "HOME": home.environ["HOME"]}
    system.cli("hooks", "install", *options, "--claude", str(home.program), **place)


@contextmanager
def startable(folder: Path) -> Iterator[tuple[System, ClaudeHome]]:
    """Everything running, where Claude Code can be begun from afar, in its project and without a terminal."""
    with ModelApi() as api:
        (folder / "claude").mkdir()
        home = ClaudeHome(folder / "claude", api)
        environ = home.environ | {
            "PATH": f"{home.program.parent}:{home.environ['PATH']}",
            "POINTSMAN_START_FOLDERS": str(home.project),
        }
        with running(folder, **environ) as system:
            yield system, home


@contextmanager
def headless(folder: Path) -> Iterator[tuple[System, ClaudeHome]]:
    """The same; one session has begun and rests."""
    with startable(folder) as (system, home):
        system.cli("start", "hello", "--machine", "devbox")
        wait_until(lambda: [one for one in system.sessions() if one["state"] == "IDLE"], LONG)
        yield system, home

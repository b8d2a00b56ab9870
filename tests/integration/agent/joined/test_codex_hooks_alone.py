"""The real Codex in tmux without its server: its person trusts the hooks on its own page, and they tell."""

import re
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from agent.domain.command import Reason
from agent.domain.frames import Notify
from agent.domain.session import SessionState
from agent.hooks import codex, installer
from agent.local.client import socket_path
from tests.fakes.acp_programs import AcpHome
from tests.fakes.model_dialects import Models
from tests.folders import short_folder
from tests.integration.agent.joined.desk import LONG, Terminal, agent, settled
from tests.rigs.agent_rig import Rigs
from tests.waiting import wait_until

IDLE, BUSY = SessionState.IDLE, SessionState.BUSY


class Seat(NamedTuple):
    """One Codex at rest, whose hooks speak to the agents of `rigs`."""

    terminal: Terminal
    home: AcpHome
    rigs: Rigs


def trusts(terminal: Terminal) -> bool:
    """Whether its page of hooks is gone; what its person presses too early it does not hear."""
    screen = terminal.screen()
    if "Trust all and continue" in screen:
        terminal.press("Enter" if re.search(r"(?m)^\S 2\. Trust all", screen) else "2")
        return False
    return "Ask Codex to do anything" in screen


@pytest.fixture
def seat() -> Iterator[Seat]:
    with short_folder() as folder, Models() as models:
        home = AcpHome("codex", folder, models.url)
        hooks = installer.Hooks(sys.executable, socket_path(folder / "data"), codex.EVENTS, codex.SCOPE)
        installer.install(home.home / ".codex" / "hooks.json", hooks)
        (folder / "project").mkdir()
        (folder / "data").mkdir(mode=0o700)
        with closing(Terminal(folder, home, folder / "project", "--no-daemon")) as terminal:
            terminal.shows("Trust all and continue")  # for a moment its prompt was there
            wait_until(lambda: trusts(terminal), LONG)
            yield Seat(terminal, home, Rigs(folder / "data"))


async def test_its_person_hears_of_ends_and_questions_and_nothing_can_be_typed(seat: Seat) -> None:
    terminal = seat.terminal
    async with agent(seat.rigs, seat.home, "codex") as afar:
        terminal.type("hello from here")
        await afar.told("echo: hello from here")
        (session,) = afar.sessions
        terminal.type("%bash touch w1")
        await afar.told("Codex asks")
        terminal.shows("Would you like to run")
        refused = await afar.say(session, "yes")
        still_asks, is_made = "Would you like to run" in terminal.screen(), (terminal.project / "w1").exists()
        terminal.press("y")
        await afar.told("tool said")
        terminal.type("%slow 60 a b c d e f")
        await afar.becomes(session, BUSY)
        terminal.shows("esc to interrupt")
        terminal.press("Escape")
        await afar.becomes(session, IDLE)
        terminal.kill()
        await settled(lambda: not afar.sessions)
        texts = [item.text for item in await afar.items() if isinstance(item, Notify)]

    finished, asked, done = texts
    assert (session.backend, session.label, session.target) == ("hooks", "project", {})
    assert (refused.reason, still_asks, is_made) == (Reason.UNSUPPORTED, True, False)
    assert (finished, asked) == (
        "✅ Finished.\n\necho: hello from here",
        "❗ Codex asks at its terminal: Bash touch w1",
    )
    assert done.startswith("✅ Finished.\n\ntool said: ")
    assert (terminal.project / "w1").exists()

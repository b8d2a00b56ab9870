"""The real Codex in tmux, joined through its shared server: asked, allowed, denied, stopped, killed, taken up again."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from agent.domain.command import Input, Outcome, Reason
from agent.domain.permission import Over, Verdict
from agent.domain.session import SessionState
from agent.domain.session_event import Said, Speaker, ToolUsed
from tests.fakes.acp_programs import AcpHome
from tests.fakes.model_dialects import Models
from tests.folders import short_folder
from tests.integration.agent.joined.desk import LONG, MORE, TRIES, Terminal, agent, moment, settled
from tests.rigs.agent_rig import Rigs
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120 + MORE)
IDLE, BUSY, WAITING = SessionState.IDLE, SessionState.BUSY, SessionState.WAITING


class Seat(NamedTuple):
    """One Codex, which every test finds at rest."""

    terminal: Terminal
    home: AcpHome
    server: "subprocess.Popen[bytes]"


def server_of(home: AcpHome) -> "subprocess.Popen[bytes]":
    """As Codex starts it by itself, but for 400 MB of itself that it would copy first."""
    command = [str(home.program.terminal), "app-server", "--listen", "unix://"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, env=home.environ, cwd=home.home, stdin=quiet, stdout=quiet, stderr=quiet)
    socket = home.home / ".codex" / "app-server-control" / "app-server-control.sock"
    wait_until(socket.exists, LONG)
    return server


@pytest.fixture(scope="module")
def seat() -> Iterator[Seat]:
    with short_folder() as folder, Models() as models:
        home = AcpHome("codex", folder, models.url)
        (folder / "project").mkdir()
        server = server_of(home)
        try:
            with closing(Terminal(folder, home, folder / "project")) as terminal:
                terminal.shows("Ask Codex to do anything")
                yield Seat(terminal, home, server)
        finally:
            server.kill()
            server.wait()


async def test_both_ends_are_one_conversation_and_dialogs_are_answered_at_either(rigs: Rigs, seat: Seat) -> None:
    project = seat.terminal.project
    async with agent(rigs, seat.home, "codex") as afar:
        session = await afar.session("codex")
        seat.terminal.type("hello from here")
        here = await afar.told("echo: hello from here")
        there = await afar.say(session, "hello from afar")
        await afar.told("echo: hello from afar")

        assert await afar.say(session, "%bash touch allowed") == Outcome.done()
        allowed = await afar.asked("touch allowed")
        decided = await afar.decide(session, allowed, Verdict.ALLOW)
        await afar.becomes(session, IDLE)
        await afar.say(session, "%bash touch denied")
        denied = await afar.asked("touch denied")
        await afar.decide(session, denied, Verdict.DENY, "rather say so")
        await afar.told("echo: rather say so")
        await afar.say(session, "%bash touch by_key")
        by_key = await afar.asked("touch by_key")
        seat.terminal.shows("Would you like to run")
        seat.terminal.press("y")
        over = await afar.over(by_key)
        await afar.becomes(session, IDLE)
        events = afar.events(session)

    assert here == "✅ Finished.\n\necho: hello from here"
    assert (there, decided) == (Outcome.done(), Outcome.done())
    assert (session.label, session.target.keys()) == ("project", {"pane", "server"})
    assert {one.name for one in project.iterdir()} == {"allowed", "by_key"}
    assert over.over is Over.ANSWERED_ELSEWHERE
    assert Said(Speaker.USER, "hello from here") in events
    assert Said(Speaker.ASSISTANT, "echo: hello from afar") in events
    assert any(isinstance(one, ToolUsed) and one.title == "touch allowed" for one in events)


async def test_esc_stops_it_and_a_text_in_a_turn_waits_and_stops_nothing(rigs: Rigs, seat: Seat) -> None:
    dice = random.Random(7)
    async with agent(rigs, seat.home, "codex") as afar:
        session = await afar.session("codex")
        await afar.say(session, "%slow 60 a b c d e f")
        stopped = await afar.press(session, "esc")
        await afar.becomes(session, IDLE)
        for number in range(TRIES):
            seat.terminal.type(f"%slow {0.6 + dice.random()} a{number} b c d e")
            await afar.becomes(session, BUSY)
            await moment(dice.random() / 2)
            second = await afar.send(session, Input(f"second {number}"))
            assert await afar.ended(second) == Outcome.done()
            await afar.told(f"✅ Finished.\n\na{number} b c d e")
            await afar.told(f"echo: second {number}")

    assert stopped == Outcome.done()


async def test_prose_and_enter_answer_no_dialog(rigs: Rigs, seat: Seat) -> None:
    async with agent(rigs, seat.home, "codex") as afar:
        session = await afar.session("codex")
        for number in range(TRIES):
            await afar.say(session, f"%bash touch never{number}")
            asked = await afar.asked(f"touch never{number}")
            text = await afar.send(session, Input("yes, 1 y p please do"))
            enter = await afar.press(session, "enter")
            held = afar.now(session).state
            await afar.decide(session, asked, Verdict.DENY)
            assert await afar.ended(text) == Outcome.done()
            await afar.becomes(session, IDLE)
            assert (enter.reason, held) == (Reason.DIALOG_OPEN, WAITING)

    assert not list(seat.terminal.project.glob("never*"))


async def test_a_question_outlives_the_agent_and_esc_at_the_terminal_ends_it(rigs: Rigs, seat: Seat) -> None:
    async with agent(rigs, seat.home, "codex") as afar:
        session = await afar.session("codex")
        await afar.say(session, "%bash touch later")
        before = await afar.asked("touch later")
    async with agent(rigs, seat.home, "codex") as afar:
        await settled(lambda: afar.now(session).state is WAITING)
        decided = await afar.decide(session, before, Verdict.ALLOW)
        await settled((seat.terminal.project / "later").exists)
        await afar.becomes(session, IDLE)
        await afar.say(session, "%bash touch stopped")
        stopped = await afar.asked("touch stopped")
        seat.terminal.shows("touch stopped")
        seat.terminal.press("Escape")
        over = await afar.over(stopped)
        await afar.becomes(session, IDLE)

    assert decided == Outcome.done()
    assert over.over is Over.ANSWERED_ELSEWHERE


async def test_a_killed_terminal_ends_the_session_and_a_killed_server_its_turn(rigs: Rigs, seat: Seat) -> None:
    async with agent(rigs, seat.home, "codex") as afar:
        session = await afar.session("codex")
        await afar.say(session, "%slow 3 a b c d")
        seat.terminal.kill()
        await afar.becomes(session, SessionState.ENDED)
        seat.terminal.again("resume", "--last")
        await settled(lambda: afar.now(session).state is IDLE)
        await afar.turn(session, "once more")
        again = afar.now(session)
        await afar.say(session, "%slow 60 a b c d")
        seat.server.kill()
        await afar.told("in the middle of a turn, which was cut")
        await afar.send(session, Input("later"))
        await afar.told("Codex cannot be reached now")

    assert (again.session_id, again.generation) == (session.session_id, session.generation + 1)

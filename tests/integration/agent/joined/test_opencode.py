"""The real OpenCode in tmux, joined through its plugin: asked, allowed, denied, stopped, killed, taken up again."""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from agent.domain.command import Input, Outcome, Reason
from agent.domain.permission import Over, Verdict
from agent.domain.session import SessionState
from agent.domain.session_event import Said, Speaker, ToolUsed
from agent.hooks.opencode import plugin
from agent.local.client import socket_path
from tests.fakes.acp_programs import EVERY, AcpHome
from tests.fakes.model_dialects import Models
from tests.folders import short_folder
from tests.integration.agent.joined.desk import MORE, TRIES, Terminal, agent, moment, settled
from tests.rigs.agent_rig import Rigs

pytestmark = [
    pytest.mark.timeout(300 + MORE),  # it takes many seconds to open, where seven others are at work
    pytest.mark.skipif(not EVERY, reason="takes long: TEST_EVERY_AGENT=1"),
]
IDLE, BUSY, WAITING = SessionState.IDLE, SessionState.BUSY, SessionState.WAITING
_ASKS = {"bash": "ask", "edit": "ask", "webfetch": "ask"}


class Seat(NamedTuple):
    """One OpenCode, which every test finds at rest; its plugin speaks to the agents of `rigs`."""

    terminal: Terminal
    home: AcpHome
    rigs: Rigs


@pytest.fixture(scope="module")
def seat() -> Iterator[Seat]:
    with short_folder() as folder, Models() as models:
        home = AcpHome("opencode", folder, models.url)
        settings = home.home / ".config" / "opencode" / "opencode.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "permission": _ASKS}))
        place = settings.parent / "plugin" / "pointsman.js"
        place.parent.mkdir()
        place.write_text(plugin(socket_path(folder / "data")))
        (folder / "project").mkdir()
        (folder / "data").mkdir(mode=0o700)
        with closing(Terminal(folder, home, folder / "project")) as terminal:
            terminal.shows("Ask anything")
            yield Seat(terminal, home, Rigs(folder / "data"))


async def test_both_ends_are_one_conversation_and_dialogs_are_answered_at_either(seat: Seat) -> None:
    project = seat.terminal.project
    async with agent(seat.rigs, seat.home, "opencode") as afar:
        seat.terminal.type("good morning")
        session = await afar.session("opencode")
        await settled(lambda: "echo: good morning" in seat.terminal.screen())
        seat.terminal.type("hello from here")
        here = await afar.told("echo: hello from here")
        there = await afar.say(session, "hello from afar")
        await afar.told("echo: hello from afar")

        assert await afar.say(session, "%bash touch allowed") == Outcome.done()
        allowed = await afar.asked("touch allowed")
        decided = await afar.decide(session, allowed, Verdict.ALLOW)
        await settled((project / "allowed").exists)
        await afar.becomes(session, IDLE)
        await afar.say(session, "%bash touch denied")
        denied = await afar.asked("touch denied")
        await afar.decide(session, denied, Verdict.DENY)
        await afar.becomes(session, IDLE)
        await afar.say(session, "%bash touch by_key")
        by_key = await afar.asked("touch by_key")
        seat.terminal.shows("Permission required")
        seat.terminal.press("Enter")
        over = await afar.over(by_key)
        await settled((project / "by_key").exists)
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


async def test_esc_stops_it_and_a_text_in_a_turn_waits_and_stops_nothing(seat: Seat) -> None:
    dice = random.Random(7)
    async with agent(seat.rigs, seat.home, "opencode") as afar:
        session = await afar.session("opencode")
        await afar.say(session, "%slow 60 a b c d e f")
        await afar.becomes(session, BUSY)
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


async def test_prose_and_enter_answer_no_dialog(seat: Seat) -> None:
    async with agent(seat.rigs, seat.home, "opencode") as afar:
        session = await afar.session("opencode")
        for number in range(TRIES):
            await afar.say(session, f"%bash touch never{number}")
            asked = await afar.asked(f"touch never{number}")
            text = await afar.send(session, Input("yes, 1 y please do"))
            enter = await afar.press(session, "enter")
            held = afar.now(session).state
            await afar.decide(session, asked, Verdict.DENY)
            assert await afar.ended(text) == Outcome.done()
            await afar.becomes(session, IDLE)
            assert (enter.reason, held) == (Reason.DIALOG_OPEN, WAITING)

    assert not list(seat.terminal.project.glob("never*"))


async def test_a_question_outlives_the_agent_and_a_killed_program_is_taken_up_again(seat: Seat) -> None:
    async with agent(seat.rigs, seat.home, "opencode") as afar:
        session = await afar.session("opencode")
        await afar.say(session, "%bash touch later")
        before = await afar.asked("touch later")
    async with agent(seat.rigs, seat.home, "opencode") as afar:
        decided = await afar.decide(session, before, Verdict.ALLOW)
        await settled((seat.terminal.project / "later").exists)
        await afar.becomes(session, IDLE)
        await afar.say(session, "%slow 60 a b c d")
        seat.terminal.kill()
        await afar.becomes(session, SessionState.ENDED)
        seat.terminal.again("--continue")
        await settled(lambda: "a b c d" in seat.terminal.screen())
        seat.terminal.type("once more")
        await settled(lambda: afar.now(session).state is IDLE)
        again = afar.now(session)

    assert decided == Outcome.done()
    assert (again.session_id, again.generation) == (session.session_id, session.generation + 1)

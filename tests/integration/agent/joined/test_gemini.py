"""The real Gemini CLI in tmux, known by its hooks: told, typed into, asked and answered by a key, stopped, killed."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from agent.backends.gemini.screen import dialog_of, prompt_of
from agent.domain.command import Input, Outcome, Reason
from agent.domain.frames import CommandResult, PermissionAsked
from agent.domain.permission import Over, Question, Verdict
from agent.domain.session import SessionState
from agent.domain.session_event import Said, Speaker, ToolUsed
from agent.hooks import gemini, installer
from agent.local.client import socket_path
from tests.fakes.acp_programs import AcpHome
from tests.fakes.model_dialects import Models
from tests.folders import short_folder
from tests.integration.agent.joined.desk import MORE, TRIES, Afar, Terminal, agent, settled
from tests.rigs.agent_rig import Rigs

pytestmark = pytest.mark.timeout(300 + MORE)
IDLE, BUSY, WAITING = SessionState.IDLE, SessionState.BUSY, SessionState.WAITING
EMPTY = "Type your message"
FINE = "%slow 0 fine"  # it gives its model what was stopped together with what comes next: the last directive counts


class Seat(NamedTuple):
    """One Gemini CLI, which every test finds at rest; its hooks speak to the agents of `rigs`."""

    terminal: Terminal
    home: AcpHome
    rigs: Rigs
    models: Models


@pytest.fixture(scope="module")
def seat() -> Iterator[Seat]:
    with short_folder() as folder, Models() as models:
        home = AcpHome("gemini", folder, models.url)
        settings = home.home / ".gemini" / "settings.json"
        hooks = installer.Hooks(sys.executable, socket_path(folder / "data"), gemini.EVENTS, gemini.SCOPE)
        installer.install(settings, hooks)
        (folder / "project").mkdir()
        (folder / "data").mkdir(mode=0o700)
        with closing(Terminal(folder, home, folder / "project")) as terminal:
            terminal.shows(EMPTY)
            yield Seat(terminal, home, Rigs(folder / "data"), models)


def rests(screen: str) -> bool:
    """It takes a text for itself; while its hooks run it makes one of all that comes."""
    return EMPTY in screen and not any(
        words in screen for words in ("esc to cancel", "Executing Hook", "Queued (press")
    )


async def at_rest(seat: Seat) -> None:
    """Its hooks are answered meanwhile."""
    try:
        await settled(lambda: rests(seat.terminal.screen()))
    except AssertionError:
        raise AssertionError(seat.terminal.screen()) from None


def has_taken(screen: str, text: str) -> bool:
    """A screen that is being drawn may have no prompt either."""
    return bool(dialog_of(screen)) or prompt_of(screen) not in (text, None)


async def types(seat: Seat, text: str) -> None:
    """As a person does, who presses Enter again where it did nothing: behind quick keys it is none to this program."""
    seat.terminal.type(text)
    for _ in range(5):
        try:
            async with asyncio.timeout(1.0):
                await settled(lambda: has_taken(seat.terminal.screen(), text))
            return
        except TimeoutError:
            seat.terminal.press("Enter")
    raise AssertionError(seat.terminal.screen())


async def test_what_it_does_is_told_and_dialogs_are_answered_at_either_end(seat: Seat) -> None:
    project = seat.terminal.project
    async with agent(seat.rigs, seat.home) as afar:
        await types(seat, "hello from here")
        here = await afar.told("echo: hello from here")
        session = await afar.session("tmux")
        await at_rest(seat)
        there = await afar.say(session, "two lines\nfrom afar")
        await afar.told("echo: two lines\nfrom afar")
        await at_rest(seat)

        assert await afar.say(session, "%bash touch allowed") == Outcome.done()
        allowed = await afar.asked("touch allowed")
        waits = afar.now(session).state
        decided = await afar.decide(session, allowed, Verdict.ALLOW)
        await settled((project / "allowed").exists)
        await afar.told("tool said")
        await at_rest(seat)
        await afar.say(session, "%bash touch denied")
        denied = await afar.asked("touch denied")
        await afar.decide(session, denied, Verdict.DENY)
        await at_rest(seat)
        await afar.say(session, "%bash touch by_key")
        by_key = await afar.asked("touch by_key")
        seat.terminal.press("1")
        over = await afar.over(by_key)
        await settled((project / "by_key").exists)
        await at_rest(seat)
        events = afar.events(session)

    assert here == "✅ Finished.\n\necho: hello from here"
    assert (there, decided, waits) == (Outcome.done(), Outcome.done(), WAITING)
    assert session.label == "project"
    assert {one.name for one in project.iterdir()} == {"allowed", "by_key"}
    assert over.over is Over.ANSWERED_ELSEWHERE
    assert Said(Speaker.USER, "hello from here") in events
    assert Said(Speaker.ASSISTANT, "echo: two lines\nfrom afar") in events
    assert any(isinstance(one, ToolUsed) and one.title == "touch allowed" for one in events)


async def test_prose_and_enter_answer_no_dialog(seat: Seat) -> None:
    async with agent(seat.rigs, seat.home) as afar:
        session = await afar.session("tmux")
        for number in range(TRIES):
            assert await afar.say(session, f"%bash touch never{number}") == Outcome.done()
            asked = await afar.asked(f"touch never{number}")
            text = await afar.send(session, Input(f"yes, 1 y please do\n{FINE}"))
            enter = await afar.press(session, "enter")
            await afar.decide(session, asked, Verdict.DENY)
            assert await afar.ended(text) == Outcome.done()
            await at_rest(seat)
            assert enter.reason is Reason.DIALOG_OPEN

    assert not list(seat.terminal.project.glob("never*"))


async def test_a_text_and_a_dialog_at_the_same_moment_do_not_meet(seat: Seat) -> None:
    """The dialog opens while the text is on its way. Where both texts became one no dialog opens: that is no try."""
    met = 0
    async with agent(seat.rigs, seat.home) as afar:
        session = await afar.session("tmux")
        for number in range(3 * TRIES):
            await types(seat, f"%bash touch met{number}.")
            text = await afar.send(session, Input(f"1 y yes {number}\n{FINE}"))
            if asked := await opened(afar, seat, f"touch met{number}.", text):
                await afar.decide(session, asked, Verdict.DENY)
                met += 1
            assert (await afar.ended(text)).ending is not None
            await at_rest(seat)
            if met == TRIES:
                break

    assert met == TRIES
    assert not list(seat.terminal.project.glob("met*"))


async def opened(afar: Afar, seat: Seat, words: str, text: str) -> Question | None:
    """The dialog with these words; None where the text has ended without it, and the program rests."""

    async def looked() -> tuple[Question | None] | None:
        items = await afar.items()
        rest = rests(seat.terminal.screen())
        for item in items:
            if isinstance(item, PermissionAsked) and words in item.question.input:
                return (item.question,)
        over = any(isinstance(one, CommandResult) and one.command_id == text for one in items)
        return (None,) if over and rest and afar.sessions[0].state is IDLE else None

    (found,) = await settled(looked)
    return found


async def test_a_text_in_a_turn_stops_nothing_and_esc_does(seat: Seat) -> None:
    async with agent(seat.rigs, seat.home) as afar:
        session = await afar.session("tmux")
        for number in range(TRIES):
            await afar.say(session, f"%slow 2 a{number} b c d e f")
            texts = [await afar.send(session, Input(f"{which} {number}")) for which in ("second", "third")]
            assert [await afar.ended(text) for text in texts] == [Outcome.done()] * 2
            await afar.told(f"a{number} b c d e f")
            await afar.told(f"✅ Finished.\n\necho: second {number}")
            await afar.told(f"✅ Finished.\n\necho: third {number}")
            await at_rest(seat)
        await afar.say(session, "%slow 60 a b c d e f")
        await afar.becomes(session, BUSY)
        await settled(lambda: "esc to cancel" in seat.terminal.screen())
        stopped = await afar.press(session, "esc")
        await at_rest(seat)
        await afar.becomes(session, IDLE)

    assert stopped == Outcome.done()


async def test_a_killed_program_ends_its_session_and_one_taken_up_again_is_the_same(seat: Seat) -> None:
    async with agent(seat.rigs, seat.home) as afar:
        session = await afar.session("tmux")
        await afar.say(session, "%slow 60 a b c d")
        seat.terminal.kill()
        await afar.becomes(session, SessionState.ENDED)
        seat.terminal.again("--resume", "latest")
        await settled(lambda: EMPTY in seat.terminal.screen())
        await types(seat, FINE)
        await settled(lambda: afar.now(session).state is IDLE)
        again = afar.now(session)

    assert (again.session_id, again.generation) == (session.session_id, session.generation + 1)

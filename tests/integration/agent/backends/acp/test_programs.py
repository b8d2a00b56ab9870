"""Real coding agents over ACP, with a stand-in for their models: asked, allowed, denied, stopped, killed, taken up."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.backends.acp.table import KNOWN
from agent.domain.acp_question import Permission
from agent.domain.command import Ending, Outcome
from agent.domain.session_event import Said, Speaker, ToolUsed
from tests.fakes.acp_programs import PROGRAMS, AcpHome
from tests.fakes.model_dialects import Models
from tests.integration.agent.backends.acp_scene import Person, Scene
from tests.rigs.agent_rig import eventually

SLOW = 120.0  # seconds; the largest take 20 to start on busy cores
A_MINUTE = 75.0

pytestmark = [pytest.mark.parametrize("name", PROGRAMS), pytest.mark.timeout(400)]


@pytest.fixture
def models() -> Iterator[Models]:
    with Models() as one:
        yield one


def scene_of(name: str, folder: Path, models: Models, person: Person | None = None) -> Scene:
    home = AcpHome(name, folder, models.url)
    return Scene(folder, KNOWN[name], person, home.environ, patience=SLOW)


async def chosen(scene: Scene, person: Person, kind: str, text: str) -> None:
    """Ask it for something, and answer its question with that kind of option."""
    before = len(person.questions)
    assert await scene.say(text) == Outcome.done()
    await eventually(lambda: len(person.questions) > before, SLOW)
    person.choose(kind)
    await scene.rests()


async def test_people_are_asked_and_what_they_say_is_done(name: str, data_dir: Path, models: Models) -> None:
    person = Person()
    async with scene_of(name, data_dir, models, person) as scene:
        echo = await scene.turn("hello there")
        await chosen(scene, person, "allow_once", "%bash touch made")
        made = (scene.cwd / "made").exists()
        await chosen(scene, person, "reject_once", "%bash touch refused")
        refused = (scene.cwd / "refused").exists()
        after = await scene.turn("and then")
        events = scene.events()

    assert (echo, after) == ("echo: hello there", "echo: and then")
    assert (made, refused) == (True, False)
    assert all(isinstance(one, Permission) and "touch" in one.shown for one in person.questions)
    assert Said(Speaker.USER, "hello there") in events
    assert Said(Speaker.ASSISTANT, "echo: hello there") in events
    assert any(isinstance(one, ToolUsed) and "touch made" in one.title for one in events)


async def test_esc_stops_it_and_a_kill_loses_only_the_turn(name: str, data_dir: Path, models: Models) -> None:
    async with scene_of(name, data_dir, models, person := Person()) as scene:
        await scene.turn("remember me")
        await scene.say("%slow 60 a b c d e f g h")
        stopped = await scene.esc()
        await scene.say("%bash touch asked")
        await eventually(lambda: person.questions, SLOW)
        voided = await scene.esc()
        await scene.rests()
        await scene.say("%slow 60 a b c d e f g h")
        before = scene.notes.talk
        await scene.killed()
        await scene.rests()
        told = scene.notes.texts[-1]
        await eventually(scene.is_free, A_MINUTE)
        # One of them gives its model the text that was cut together with the next one.
        words = await scene.turn("%slow 0 again")
        after = scene.notes.talk

    assert (stopped, voided, person.withdrawn) == (Outcome.done(), Outcome.done(), 1)
    assert "ended in the middle of a turn" in told
    assert words == "again"
    assert before
    assert after
    assert before.conversation_id == after.conversation_id
    assert scene.notes.texts == ["echo: remember me", told, "again"]  # and nothing that was said before


async def test_texts_that_come_in_a_turn_stop_nothing(name: str, data_dir: Path, models: Models) -> None:
    dice = random.Random(name)
    expected = []
    async with scene_of(name, data_dir, models) as scene:
        await scene.turn("first")
        for number in range(8):
            slow = f"%slow 0.4 a{number} b c d e f"
            texts = [slow, f"second {number}"]
            saying = [asyncio.create_task(scene.say(texts[0]))]
            loop = asyncio.get_running_loop()
            moment: asyncio.Future[None] = loop.create_future()
            loop.call_later(dice.random() * 0.6, moment.set_result, None)
            await moment
            await asyncio.gather(*saying)
            assert await scene.say(texts[1]) == Outcome.done()
            await scene.rests()
            expected += [f"a{number} b c d e f", f"echo: second {number}"]

    assert scene.notes.texts == ["echo: first", *expected]


async def test_an_error_of_its_model_is_told(name: str, data_dir: Path, models: Models) -> None:
    async with scene_of(name, data_dir, models) as scene:
        outcome = await scene.say("%fail 400")
        told = outcome.detail
        if outcome.ending is Ending.DONE:
            await scene.rests()
            told = scene.notes.texts[-1]
        words = await scene.turn("well again")

    assert "ill" in told or "400" in told
    assert words == "echo: well again"

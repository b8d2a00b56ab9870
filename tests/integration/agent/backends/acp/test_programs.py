"""Real coding agents over ACP, with a stand-in for their models: what they tell, and what can be changed about them.

That they keep what every backend promises is judged beside the others (test_promises.py).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.backends.acp.table import KNOWN
from agent.domain.command import Ending, Outcome
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session_event import Described, Said, Speaker, ToolUsed, Used
from tests.fakes.acp_programs import AcpHome, wanted
from tests.fakes.model_dialects import Models
from tests.integration.agent.backends.acp.test_deltas import heard
from tests.integration.agent.backends.acp_scene import Person, Scene
from tests.rigs.agent_rig import eventually

SLOW = 120.0  # seconds; the largest take 20 to start on busy cores
MODEL = {
    "gemini": "gemini-3.8-flash",
    "opencode": "stub/stub",
    "codex": "gpt-6-sol[low]",
    "qwen": "stub",
}

pytestmark = [pytest.mark.parametrize("name", wanted(short=("codex", "opencode"))), pytest.mark.timeout(400)]


@pytest.fixture
def models() -> Iterator[Models]:
    with Models() as one:
        yield one


def scene_of(name: str, folder: Path, models: Models, person: Person | None = None) -> Scene:
    home = AcpHome(name, folder, models.url)
    return Scene(folder, KNOWN[name], person, home.environ, patience=SLOW)


async def test_what_it_does_is_told_and_recorded(name: str, data_dir: Path, models: Models) -> None:
    async with scene_of(name, data_dir, models, person := Person()) as scene:
        echo = await scene.turn("hello there, how are you")
        assert await scene.say("%bash touch made") == Outcome.done()
        await eventually(lambda: person.questions, SLOW)
        person.choose("allow_once")
        await scene.rests()
        events = scene.events()

    assert echo == "echo: hello there, how are you"
    assert heard(scene.notes.asides)[0].strip() == echo
    assert Said(Speaker.USER, "hello there, how are you") in events
    assert Said(Speaker.ASSISTANT, echo) in events
    assert any(isinstance(one, ToolUsed) and "touch made" in one.title for one in events)
    assert any(isinstance(one, Used) for one in events)
    assert any(isinstance(one, Described) and one.mode == "default" for one in events)


async def test_its_mode_and_model_are_chosen(name: str, data_dir: Path, models: Models) -> None:
    other = next(mode for mode in reversed(KNOWN[name].modes) if mode != "default")
    async with scene_of(name, data_dir, models) as scene:
        await scene.turn("first")
        chosen = [
            await scene.deliver(ControlSignal(ControlKind.MODE, other)),
            await scene.deliver(ControlSignal(ControlKind.MODE, "default")),
            await scene.deliver(ControlSignal(ControlKind.MODEL, MODEL[name])),
        ]
        strange = await scene.deliver(ControlSignal(ControlKind.MODEL, "of-nobody"))
        after = await scene.turn("second")

    assert chosen == [Outcome.done()] * 3
    assert [mode for mode, _ in scene.notes.modes if mode][:1] == ["default"]
    assert other in [mode for mode, _ in scene.notes.modes]
    assert (strange.ending, after) == (Ending.FAILED, "echo: second")
    assert scene.notes.texts == ["echo: first", after]  # what it says of its mode is no answer


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

"""What can be changed from afar about how a coding agent over ACP works, and what cannot."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import SessionState
from agent.domain.session_event import Described
from tests.integration.agent.backends.acp_scene import Person, Scene, StandIn

MODES: Mapping[str, str] = MappingProxyType({"default": "ask", "acceptEdits": "autoEdit", "plan": "planning"})
OFFERED = {
    "sessionId": "one",
    "modes": {"availableModes": [{"id": own} for own in ("yolo", *MODES.values())], "currentModeId": "yolo"},
    "models": {"availableModels": [{"modelId": "m1", "name": "One"}, {"modelId": "m2"}], "currentModelId": "m1"},
}
AS_OPTIONS = {
    "sessionId": "one",
    "configOptions": [
        {
            "id": "how",
            "category": "mode",
            "currentValue": "yolo",
            "options": [{"value": own} for own in MODES.values()],
        },
        {
            "id": "which",
            "category": "model",
            "currentValue": "m1",
            "options": [{"group": "g", "options": [{"value": "m1"}, {"value": "m2"}]}],
        },
    ],
}


def mode(value: str) -> ControlSignal:
    return ControlSignal(ControlKind.MODE, value)


def model(value: str) -> ControlSignal:
    return ControlSignal(ControlKind.MODEL, value)


@pytest.fixture(params=[OFFERED, AS_OPTIONS], ids=["by methods", "by options"])
def stand_in(request: pytest.FixtureRequest, data_dir: Path) -> StandIn:
    one = StandIn(data_dir)
    behaves(one, request.param)
    return one


def behaves(stand_in: StandIn, offered: dict[str, Any], **more: Any) -> None:
    stand_in.behaves(answers={"session/new": offered, "session/resume": offered}, **more)


async def test_what_it_does_now_can_be_stopped_and_what_it_has_not_is_refused(data_dir: Path) -> None:
    stand_in = StandIn(data_dir)
    refused = [mode("plan"), model("opus"), ControlSignal(ControlKind.COMPACT), ControlSignal(ControlKind.CLEAR)]
    async with Scene(data_dir, stand_in.kind(), Person()) as scene:
        await scene.say("%ask make it")
        await scene.waits()
        outcomes = [await scene.deliver(signal) for signal in refused]
        before = scene.notes.states[-1]
        stopped = await scene.deliver(ControlSignal(ControlKind.INTERRUPT))
        await scene.rests()

    assert [one.ending for one in outcomes] == [Ending.FAILED] * 4
    assert (before, stopped) == (SessionState.WAITING, Outcome.done())
    assert stand_in.prompts == ["%ask make it"]


async def test_a_mode_is_chosen_by_our_name_and_told_by_it(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(modes=MODES)) as scene:
        await scene.turn("first")
        outcome = await scene.deliver(mode("plan"))
        events = scene.events()

    assert outcome == Outcome.done()
    assert stand_in.settings == ["mode ask", "mode planning"]
    assert [one for one, _ in scene.notes.modes if one] == ["default", "plan"]
    assert Described(model="m1", mode="default") in events


async def test_what_was_chosen_holds_for_each_program_of_the_session(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(modes=MODES)) as scene:
        before = [await scene.deliver(signal) for signal in (mode("plan"), model("m2"))]
        scene.chooses(mode="plan", model="m2")  # as is kept then
        await scene.turn("first")
        await scene.killed()
        await scene.turn("second")

    assert before == [Outcome.done("from its next text on")] * 2
    assert stand_in.settings == ["mode planning", "model m2"] * 2


@pytest.mark.parametrize("kept", ["yolo", "bypassPermissions", "of another version"])
async def test_a_mode_that_cannot_be_chosen_is_not_taken_up_again(stand_in: StandIn, data_dir: Path, kept: str) -> None:
    async with Scene(data_dir, stand_in.kind(modes=MODES)) as scene:
        scene.chooses(mode=kept)
        await scene.turn("first")

    assert stand_in.settings == ["mode ask"]


@pytest.mark.parametrize("chosen", ["yolo", "bypassPermissions", "autoEdit"])
async def test_a_mode_that_asks_nothing_cannot_be_chosen(stand_in: StandIn, data_dir: Path, chosen: str) -> None:
    async with Scene(data_dir, stand_in.kind(modes=MODES)) as scene:
        await scene.turn("first")
        outcome = await scene.deliver(mode(chosen))

    assert outcome.ending is Ending.FAILED
    assert outcome.reason in (Reason.UNSUPPORTED, Reason.MODE_NOT_ALLOWED)
    assert stand_in.settings == ["mode ask"]


async def test_one_that_does_not_offer_the_mode_that_asks_gets_no_text(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(mode="aks")) as scene:
        outcome = await scene.say("text")

    assert outcome.ending is Ending.FAILED
    assert "it has no mode aks; it offers ask, autoEdit" in outcome.detail
    assert (stand_in.prompts, stand_in.settings) == ([], [])


async def test_a_model_is_one_of_those_that_it_offers(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(modes=MODES)) as scene:
        await scene.turn("first")
        chosen, strange = [await scene.deliver(model(name)) for name in ("m2", "opus")]

    assert (chosen, strange.ending) == (Outcome.done(), Ending.FAILED)
    assert strange.detail == "it offers no model opus; it has m1, m2"
    assert stand_in.settings == ["mode ask", "model m2"]
    assert scene.notes.modes[-1] == ("", "m2")


async def test_a_model_is_found_by_its_name_too(data_dir: Path) -> None:
    stand_in = StandIn(data_dir)
    behaves(stand_in, OFFERED)
    async with Scene(data_dir, stand_in.kind()) as scene:
        await scene.turn("first")
        outcome = await scene.deliver(model("one"))

    assert outcome == Outcome.done()
    assert stand_in.settings == ["mode ask", "model m1"]


async def test_what_it_says_of_a_mode_that_is_set_in_a_turn_is_no_word_of_the_turn(data_dir: Path) -> None:
    stand_in = StandIn(data_dir)
    behaves(stand_in, OFFERED, echoes=True)
    async with Scene(data_dir, stand_in.kind(modes=MODES), person := Person()) as scene:
        await scene.say("%ask it")
        await scene.waits()
        await scene.deliver(mode("plan"))
        person.choose("reject_once")
        await scene.rests()

    assert scene.notes.texts == ["told: no"]

"""A session with a model alone: what it says and remembers, and how each trouble ends in a clear word."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.backends.model.dialect import Api, Turn
from agent.backends.model.history import MOST_TURNS, History
from agent.domain.aside import Begun, Chunk, Whole
from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import SessionState
from agent.domain.session_event import Said, Speaker, Used
from tests.fakes.model_endpoint import KEY, SUMMARY
from tests.integration.agent.backends.model_scene import ModelScene
from tests.integration.agent.backends.notes import Notes
from tests.rigs.agent_rig import eventually

BUSY, IDLE = SessionState.BUSY, SessionState.IDLE
SOON = 2.0  # seconds, of tests that wait for nothing else: more than a busy machine takes for what comes


@pytest.fixture(params=Api, ids=lambda api: api.value)
def scene(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[ModelScene]:
    with ModelScene(data_dir, api=request.param) as made:
        yield made


async def test_it_answers_and_knows_what_was_said(scene: ModelScene) -> None:
    words = [await scene.turn("My name is Ada"), await scene.turn("日本語 'quotes'\n\ttwo")]

    assert words == ["echo: My name is Ada", "echo: 日本語 'quotes'\n\ttwo"]
    assert [text for _, text in scene.shown()][-3:] == ["My name is Ada", words[0], "日本語 'quotes'\n\ttwo"]
    assert scene.notes.states == [BUSY, IDLE] * 2


async def test_what_was_said_outlives_the_agent(scene: ModelScene) -> None:
    await scene.turn("My name is Ada")
    await scene.backend.close()
    scene.backend = scene.another()
    await scene.turn("Who am I?")

    assert [text for _, text in scene.shown()][-3:] == ["My name is Ada", "echo: My name is Ada", "Who am I?"]
    assert scene.modes() == {0o600}


async def test_it_is_told_first_what_its_instructions_say(scene: ModelScene) -> None:
    await scene.turn("hello")
    body = scene.endpoint.bodies[-1]

    assert (body.get("system") or body["messages"][0]["content"]) == "Be kind."


async def test_what_it_says_is_told_while_it_says_it_and_recorded(scene: ModelScene) -> None:
    await scene.turn("%slow 0 one two three")
    (begun, *chunks, whole) = scene.notes.asides

    assert (type(begun), whole) == (Begun, Whole())
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, Chunk)) == "one two three"
    assert scene.events() == [
        Said(Speaker.USER, "%slow 0 one two three"),
        Said(Speaker.ASSISTANT, "one two three"),
        Used("m-1", 10, 5),
    ]
    assert scene.notes.modes[-1] == ("", "m-1")


async def test_a_text_that_comes_meanwhile_waits(scene: ModelScene) -> None:
    await scene.say("%slow 60 on and on")
    why = await scene.backend.obstacle(scene.session, Input("next"))
    urgent = await scene.backend.obstacle(scene.session, KeyPress("esc"))
    await scene.esc()

    assert "m-1 is answering" in why
    assert urgent == ""
    assert await scene.backend.obstacle(scene.session, Input("next")) == ""


async def test_a_stop_ends_the_answer_and_it_knows_how_far_it_came(scene: ModelScene) -> None:
    await scene.say("%slow 60 " + "on " * 600)
    await eventually(lambda: any(isinstance(aside, Chunk) for aside in scene.notes.asides))
    stopped = await scene.esc()
    await scene.turn("What did you say?")

    assert stopped == Outcome.done()
    assert scene.notes.texts == ["echo: What did you say?"]
    assert scene.shown()[-2][1].startswith("on")
    assert scene.shown()[-2][1].endswith("[…]")


REFUSED = {
    "%fail 429 30": ("takes no more for now (429", "come again in 30 s"),
    "%fail 429 1800": ("takes no more for now (429", "come again in 30 minutes"),
    "%fail 529": ("is overloaded (529", "Send it again in a while"),
    "%fail 529 soon": ("is overloaded (529", "Send it again in a while"),
    "%fail 401": ("does not take the key", "POINTSMAN_MODEL_KEY"),
    "%fail 400": ("does not take this for the model m-1 (400: it is ill", ""),
    "%fail 302": ("points elsewhere", "POINTSMAN_MODEL_URL"),
}


@pytest.mark.parametrize("text", REFUSED)
async def test_what_the_endpoint_refuses_is_not_asked_and_says_why(
    scene: ModelScene, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = await scene.say(text)
    await scene.turn("hello")

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
    assert all(words in outcome.detail for words in REFUSED[text])
    assert [words for _, words in scene.shown()][-1:] == ["hello"]
    assert text not in scene.written()  # it may be sent again: nothing is known of it
    assert KEY not in outcome.detail + caplog.text + scene.written() + repr(scene.backend.__dict__)


CUT = {
    "%cut 2 one two three": ("one two", "the connection ended"),
    "%silent one two": ("one two", "nothing came for"),
    "%odd json": ("", "no JSON"),
    "%odd lines": ("", "no end"),
    "%odd error": ("", "overloaded"),
}


@pytest.mark.parametrize("text", CUT)
@pytest.mark.parametrize("api", Api)
async def test_an_answer_that_breaks_off_is_told_with_what_came_and_the_talk_goes_on(
    data_dir: Path, api: Api, text: str
) -> None:
    with ModelScene(data_dir, api=api, silence=SOON) as scene:
        said = await scene.turn(text)
        after = await scene.turn("And now?")

    came, why = CUT[text]
    assert said.startswith(came or "The answer ended")
    assert "The answer ended before it was whole" in said
    assert why in said
    assert KEY not in said
    assert after == "echo: And now?"


async def test_a_page_in_the_place_of_an_answer_is_none(scene: ModelScene) -> None:
    assert "text/html" in await scene.turn("%odd type")


async def test_who_never_begins_to_answer_may_have_been_asked(data_dir: Path) -> None:
    with ModelScene(data_dir, patience=SOON, silence=SOON) as scene:
        outcome = await scene.say("%mute")

    assert outcome.ending is Ending.UNCERTAIN
    assert "may have been asked" in outcome.detail
    assert scene.notes.states == []


async def test_nobody_at_the_address_is_no_doubt(data_dir: Path) -> None:
    with ModelScene(data_dir) as scene:
        pass
    outcome = await scene.say("hello")

    assert outcome.ending is Ending.FAILED
    assert "Not asked" in outcome.detail


async def test_without_a_model_it_says_how_to_set_one(data_dir: Path) -> None:
    with ModelScene(data_dir) as scene:
        scene.backend._source = None
        outcome = await scene.say("hello")

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.UNSUPPORTED)
    assert "POINTSMAN_MODEL_URL" in outcome.detail


async def test_of_a_long_talk_it_makes_a_summary_itself_and_goes_on_with_that(scene: ModelScene) -> None:
    long = History(tuple(Turn(bool(at % 2 == 0), f"word {at}") for at in range(MOST_TURNS)))
    scene.histories.write("s1", long)
    await scene.turn("next")
    kept = scene.histories.read("s1")
    await scene.turn("more")
    body = scene.endpoint.bodies[-1]

    assert kept.summary == SUMMARY
    assert [turn.text for turn in kept.turns][-2:] == ["next", "echo: next"]
    assert len(kept.turns) <= MOST_TURNS // 2
    assert SUMMARY in (body.get("system") or body["messages"][0]["content"])
    assert scene.endpoint.prompts == ["next", "more"]


async def test_a_clear_forgets_and_so_does_the_end(scene: ModelScene) -> None:
    await scene.turn("My name is Ada")
    cleared = await scene.backend.deliver(scene.session, ControlSignal(ControlKind.CLEAR))
    await scene.turn("Who am I?")
    shown = [text for _, text in scene.shown()]
    await scene.backend.release(scene.session)

    assert cleared.ending is Ending.DONE
    assert shown[-1:] == ["Who am I?"]
    assert "My name is Ada" not in shown
    assert scene.histories.read("s1") == History()


async def test_two_sessions_know_nothing_of_each_other(scene: ModelScene, data_dir: Path) -> None:
    await scene.turn("My name is Ada")
    notes = Notes()
    other = scene.another(notes)
    await other.deliver(replace(scene.session, session_id="s2", conversation=None), Input("Who am I?"))
    await eventually(lambda: notes.states[-1:] == [IDLE])

    assert [text for _, text in scene.shown()][-1] == "Who am I?"
    assert all("Ada" not in text for _, text in scene.shown())
    assert len(list((data_dir / "histories").iterdir())) == 2

"""A model hands work over by its one tool: people are told, nothing is done."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.backends.model.dialect import Api
from agent.domain.command import Outcome
from agent.domain.proposal import Proposal
from tests.integration.agent.backends.model_scene import ModelScene

WHOLE = json.dumps({"prompt": "fix it", "machine": "devbox", "folder": "~/src/"})


@pytest.fixture(params=Api, ids=lambda api: api.value)
def scene(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[ModelScene]:
    with ModelScene(data_dir, api=request.param) as made:
        yield made


async def test_it_is_told_with_the_answer(scene: ModelScene) -> None:
    said = await scene.turn(f"%propose {WHOLE}")

    assert said == "This is work for a coding agent."
    assert scene.notes.proposals == [Proposal("fix it", "devbox", folder="~/src/")]
    assert scene.notes.tokens == 5


async def test_it_knows_later_that_it_proposed(scene: ModelScene) -> None:
    await scene.turn(f"%propose {WHOLE}")
    await scene.turn("And now?")

    assert scene.shown()[-2] == ("assistant", f"[proposed to the person: {WHOLE}]")
    assert len(scene.notes.proposals) == 1


@pytest.mark.parametrize("given", ["{}", "nonsense", json.dumps({"prompt": "x" * 3001})], ids=range(3))
async def test_what_cannot_be_shown_is_not_offered_and_that_is_said(scene: ModelScene, given: str) -> None:
    said = await scene.turn(f"%propose {given}")

    assert "did not say what" in said
    assert scene.notes.proposals == []


async def test_a_summary_is_asked_without_it(scene: ModelScene) -> None:
    for _ in range(21):
        await scene.turn("hello")
    offered = ["tools" in body for body in scene.endpoint.bodies]

    assert False in offered
    assert offered.count(True) == 21


async def test_a_model_that_takes_no_tools_is_asked_without_and_answers(scene: ModelScene) -> None:
    scene.endpoint.takes_tools = False
    words = [await scene.turn("one"), await scene.turn("two")]

    assert words == ["echo: one", "echo: two"]
    assert scene.endpoint.prompts == ["one", "two"]
    assert scene.endpoint.refused == 1  # once it is known, it is not tried again


async def test_what_else_it_refuses_is_not_asked_again(scene: ModelScene) -> None:
    outcome = await scene.say("%fail 400")

    assert outcome != Outcome.done()
    assert len(scene.endpoint.bodies) == 1

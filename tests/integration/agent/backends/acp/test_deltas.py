"""What a coding agent over ACP says is told while it says it, to whoever follows."""

from pathlib import Path

from agent.domain.aside import Begun, Chunk, Whole
from agent.domain.permission import Decision
from tests.integration.agent.backends.acp_scene import Person, Scene, StandIn


def heard(asides: list[object]) -> list[str]:
    """The answers, as they were told."""
    told: list[str] = []
    for one in asides:
        if isinstance(one, Begun):
            told.append("")
        elif isinstance(one, Chunk):
            told[-1] += one.text
    return told


async def test_words_are_told_as_they_come_and_each_answer_is_one_of_its_own(data_dir: Path) -> None:
    stand_in = StandIn(data_dir)
    async with Scene(data_dir, stand_in.kind(), Person(Decision("option-2"))) as scene:
        await scene.turn("one two three")
        await scene.turn("%ask it")
    asides = scene.notes.asides
    names = [one.answer_id for one in asides if isinstance(one, Begun)]

    assert heard(asides) == ["echo: one two three", "told: yes_once"]
    assert [type(one) for one in asides] == [Begun, Chunk, Chunk, Whole] * 2
    assert len(set(names)) == 2


async def test_nobody_is_told_who_does_not_follow(data_dir: Path) -> None:
    async with Scene(data_dir, StandIn(data_dir).kind()) as scene:
        scene.notes.is_read = False
        await scene.turn("one two three")

    assert scene.notes.asides == []

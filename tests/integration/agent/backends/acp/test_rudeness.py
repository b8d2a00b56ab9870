"""A program that dies, falls silent or talks nonsense at any point: texts are given once at most, doubts are told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.backends.acp.table import Load
from agent.domain.command import Ending, Outcome, Reason
from agent.domain.permission import Decision
from tests.integration.agent.backends.acp_scene import IDLE, LONG, Person, Scene, StandIn
from tests.rigs.agent_rig import eventually

BEFORE = ("started", "initialize", "session/new", "session/set_mode")
AFTER = ("session/prompt", "asked", "told", "said", "ended")
NONSENSE = {
    "no json": "%%% warming up",
    "half a message": '{"jsonrpc":"2.0","id":',
    "a list": "[]",
    "a batch": '[{"jsonrpc":"2.0","id":1,"result":{}}]',
    "null": "null",
    "deep": "[" * 100_000,
    "an id of ours, too early": '{"jsonrpc":"2.0","id":9000,"result":{}}',
    "an answer without an id": '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}',
    "an id that is a list": '{"jsonrpc":"2.0","id":[1],"method":"fs/read_text_file","params":{}}',
    "params that are a list": '{"jsonrpc":"2.0","id":"p","method":"session/request_permission","params":[1]}',
    "a method that was not offered": '{"jsonrpc":"2.0","id":"f","method":"fs/write_text_file","params":{"path":"/x"}}',
    "an update of nothing": '{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":7}}}',
    "an update of another": '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"other","update":{}}}',
    "numbers": '{"jsonrpc":"2.0","id":1e400,"method":3,"params":NaN}',
    "a lone surrogate": '{"jsonrpc":"2.0","id":"s","method":"elicitation/create","params":{"message":"\\ud800"}}',
}


@pytest.fixture
def stand_in(data_dir: Path) -> StandIn:
    return StandIn(data_dir)


def check(outcome: Outcome, stand_in: StandIn, text: str) -> None:
    """What the outcome says is true."""
    given = stand_in.prompts.count(text)
    assert given <= 1
    if outcome.ending is Ending.DONE:
        assert given == 1
    elif outcome.ending is Ending.FAILED:
        assert given == 0
    else:
        assert outcome.ending is Ending.UNCERTAIN


async def settled(scene: Scene) -> None:
    """It rests, or has ended."""
    await eventually(lambda: not scene.backend.pids or scene.notes.states[-1:] == [IDLE], LONG)


@pytest.mark.parametrize("point", BEFORE + AFTER)
async def test_one_that_dies_anywhere_loses_no_word_and_gets_none_twice(
    stand_in: StandIn, data_dir: Path, point: str
) -> None:
    stand_in.behaves(dies=point)
    async with Scene(data_dir, stand_in.kind(), Person(Decision("option-2"))) as scene:
        outcome = await scene.say("%ask first")
        await eventually(lambda: not scene.backend.pids, LONG)
        told = list(scene.notes.texts)
        stand_in.behaves()
        again = await scene.say("second")
        await settled(scene)

    check(outcome, stand_in, "%ask first")
    assert again == Outcome.done()
    assert scene.notes.texts[-1] == "echo: second"
    if point in BEFORE:
        assert (outcome.ending, told) == (Ending.FAILED, [])
        assert "SIGKILL" in outcome.detail
    elif outcome.ending is Ending.DONE:
        assert any("ended in the middle of a turn" in words for words in told)
    else:
        assert (outcome.ending, outcome.reason) == (Ending.UNCERTAIN, Reason.TARGET_GONE)


@pytest.mark.parametrize("point", ["initialize", "session/resume", "session/load", "session/set_mode"])
async def test_one_that_dies_while_it_takes_a_conversation_up_does_so_at_the_next_text(
    stand_in: StandIn, data_dir: Path, point: str
) -> None:
    load = Load.LOAD if point == "session/load" else Load.RESUME
    async with Scene(data_dir, stand_in.kind(load=load)) as scene:
        await scene.turn("first")
        before = scene.notes.talk
        await scene.killed()
        stand_in.behaves(dies=point)
        outcome = await scene.say("second")
        stand_in.behaves()
        words = await scene.turn("third")
        after = scene.notes.talk

    assert outcome.ending is Ending.FAILED
    assert words == "echo: third"
    assert stand_in.prompts == ["first", "third"]
    assert before
    assert after
    assert after.conversation_id == before.conversation_id


async def test_one_that_has_lost_its_conversation_is_said_to_and_what_to_do(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind()) as scene:
        await scene.turn("first")
        await scene.killed()
        stand_in.behaves(fails={"session/resume": {"code": -32603, "message": "No sessions found."}})
        outcome = await scene.say("second")

    assert (outcome.ending, stand_in.prompts) == (Ending.FAILED, ["first"])
    assert outcome.detail == (
        "Stand-in does not take its conversation up again: No sessions found."
        " If that stays so, end this session and start another"
    )


async def test_one_that_offers_a_way_back_that_it_has_not_is_taken_up_by_the_other(
    stand_in: StandIn, data_dir: Path
) -> None:
    stand_in.behaves(fails={"session/resume": {"code": -32601, "message": "Method not found"}})
    async with Scene(data_dir, stand_in.kind()) as scene:
        await scene.turn("first")
        await scene.killed()
        words = await scene.turn("second")

    assert words == "echo: second"
    assert [one for one in stand_in.points if one in ("session/resume", "session/load")] == [
        "session/resume",
        "session/load",
    ]


@pytest.mark.parametrize("point", [*BEFORE, "session/prompt"])
async def test_one_that_falls_silent_is_not_waited_for_for_ever(
    stand_in: StandIn, data_dir: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.backends.acp.process.AcpProcess.stopping", 0.1)
    stand_in.behaves(hangs=point)
    # Before the text it is all the same which step took too long.
    async with Scene(data_dir, stand_in.kind(), patience=1.0 if point in BEFORE else 4.0) as scene:
        outcome = await scene.say("text")
        left = scene.backend.pids

    check(outcome, stand_in, "text")
    if point in BEFORE:
        assert (outcome.ending, left) == (Ending.FAILED, ())
        assert "did not answer within 1 s" in outcome.detail
    else:
        assert outcome.ending is Ending.UNCERTAIN
        assert "It may still" in outcome.detail


async def test_a_late_no_is_told_all_the_same(stand_in: StandIn, data_dir: Path) -> None:
    gate = data_dir / "gate"
    fails = {"session/prompt": {"code": 1, "message": "the model is ill"}}
    stand_in.behaves(waits=["session/prompt", str(gate)], fails=fails)
    async with Scene(data_dir, stand_in.kind(mode=""), patience=4.0) as scene:
        outcome = await scene.say("text")
        gate.touch()
        await scene.rests()

    assert outcome.ending is Ending.UNCERTAIN
    assert scene.notes.texts == ["Stand-in did not take this text: the model is ill\n\ntext"]


async def test_one_that_is_slow_in_everything_is_waited_for(stand_in: StandIn, data_dir: Path) -> None:
    stand_in.behaves(slow=0.2)
    async with Scene(data_dir, stand_in.kind(), Person(Decision("option-2"))) as scene:
        words = await scene.turn("%ask it")
        await scene.say("%wait")
        stopped = await scene.esc()
        after = await scene.turn("plain")

    assert (words, stopped, after) == ("told: yes_once", Outcome.done(), "echo: plain")


async def test_what_comes_late_is_told_all_the_same(stand_in: StandIn, data_dir: Path) -> None:
    gate = data_dir / "gate"
    stand_in.behaves(waits=["session/prompt", str(gate)])
    async with Scene(data_dir, stand_in.kind(), patience=0.5) as scene:
        scene.backend._patience = LONG
        opened = asyncio.create_task(scene.say("text"))
        await eventually(lambda: stand_in.prompts == ["text"], LONG)
        opened.cancel()
        gate.touch()
        await eventually(lambda: scene.notes.texts == ["echo: text"], LONG)
        await scene.rests()


@pytest.mark.parametrize("line", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("point", ["initialize", "session/prompt", "asked"])
async def test_nonsense_is_passed_over(stand_in: StandIn, data_dir: Path, point: str, line: str) -> None:
    stand_in.behaves(odd=point, line=line)
    async with Scene(data_dir, stand_in.kind(), Person(Decision("option-2"), Decision("deny"))) as scene:
        outcome = await scene.say("%ask it")
        await settled(scene)

    assert outcome == Outcome.done()
    assert scene.notes.texts[-1] == "told: yes_once"


@pytest.mark.parametrize("point", ["initialize", "session/prompt", "asked"])
async def test_a_line_that_is_far_too_long_is_passed_over(stand_in: StandIn, data_dir: Path, point: str) -> None:
    stand_in.behaves(odd=point, huge=20_000_000)
    async with Scene(data_dir, stand_in.kind(), Person(Decision("option-2"))) as scene:
        assert await scene.say("%ask it") == Outcome.done()
        await settled(scene)

    assert scene.notes.texts[-1] == "told: yes_once"


async def test_words_of_many_megabytes_are_cut_and_not_lost(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind()) as scene:
        words = await scene.turn("%big 8000000")

    assert set(words) == {"b"}
    assert len(words) == 256 * 1024


ODD: dict[str, dict[str, Any]] = {
    "a session without a name": {"answers": {"session/new": {}}},
    "a name that is none": {"answers": {"session/new": {"sessionId": 7}}},
    "another version": {"answers": {"initialize": {"protocolVersion": 2}}},
    "no version": {"answers": {"initialize": {}}},
    "an error without words": {"fails": {"session/new": {}}},
    "an error of lists": {"fails": {"session/new": {"code": [], "message": {}}}},
    "nothing is known": {"fails": {"initialize": {"code": -32601, "message": "Method not found"}}},
}


@pytest.mark.parametrize("manners", ODD.values(), ids=ODD)
async def test_odd_answers_are_a_no_and_no_harm(stand_in: StandIn, data_dir: Path, manners: dict[str, Any]) -> None:
    stand_in.behaves(**manners)
    async with Scene(data_dir, stand_in.kind()) as scene:
        outcome = await scene.say("text")
        left = scene.backend.pids

    assert outcome.ending is Ending.FAILED
    assert outcome.detail.startswith("Stand-in does not start: ")
    assert (stand_in.prompts, left) == ([], ())

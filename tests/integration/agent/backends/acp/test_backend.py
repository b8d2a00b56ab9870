"""Sessions over ACP with a stand-in: texts, words, questions, stops, ends, and the way back into a conversation."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.backends.acp.locks import Locks
from agent.backends.acp.table import Load
from agent.domain.acp_question import Form, Permission
from agent.domain.command import Ending, Outcome, Reason
from agent.domain.permission import Decision
from agent.domain.session import SessionState
from agent.domain.session_event import Described, Said, Speaker, ToolKind, ToolUsed, Used, WorkState
from tests.integration.agent.backends.acp_scene import LONG, Person, Scene, StandIn
from tests.rigs.agent_rig import eventually

BUSY, IDLE, WAITING = SessionState.BUSY, SessionState.IDLE, SessionState.WAITING


@pytest.fixture
def stand_in(data_dir: Path) -> StandIn:
    return StandIn(data_dir)


async def test_a_text_is_taken_exactly_and_the_last_words_come_back(stand_in: StandIn, data_dir: Path) -> None:
    texts = ["hello", "!touch made", "/tmp/x is a path", "one\n\n  two;\n\tthree 日本語 'quotes'"]
    async with Scene(data_dir, stand_in.kind()) as scene:
        words = [await scene.turn(text) for text in texts]

    assert words == [f"echo: {text}" for text in texts]
    assert stand_in.prompts == texts
    assert scene.notes.states == [BUSY, IDLE] * 4
    assert stand_in.points.count("started") == 1


async def test_people_are_asked_after_every_beginning(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind()) as scene:
        await scene.turn("one")
        await scene.killed()
        await scene.turn("two")
        await scene.killed()
        scene.backend._launcher.kinds = {"stand-in": stand_in.kind(load=Load.LOAD)}
        await scene.turn("three")
    beginnings = [one for one in stand_in.points if one.startswith("session/") and one != "session/prompt"]

    assert beginnings == [
        *("session/new", "session/set_mode", "session/resume", "session/set_mode"),
        *("session/load", "session/set_mode"),
    ]


async def test_a_program_that_cannot_be_made_to_ask_gets_no_text(stand_in: StandIn, data_dir: Path) -> None:
    stand_in.behaves(fails={"session/set_mode": {"code": -32602, "message": "no such mode"}})
    async with Scene(data_dir, stand_in.kind()) as scene:
        outcome = await scene.say("text")
        left = scene.backend.pids

    assert (outcome.ending, outcome.detail) == (Ending.FAILED, "Stand-in does not start: no such mode")
    assert stand_in.prompts == []
    assert left == ()


async def test_a_text_in_a_turn_waits_on_our_side_and_stops_nothing(stand_in: StandIn, data_dir: Path) -> None:
    stand_in.behaves(busy="stops")
    async with Scene(data_dir, stand_in.kind(), Person()) as scene:
        await scene.say("%ask make it")
        await scene.waits()
        why = await scene.obstacle()
        second = asyncio.create_task(scene.say("second"))
        await scene.esc()
        outcome = await second
        await scene.rests()

    assert "it goes in when this turn is over" in why
    assert outcome == Outcome.done()
    assert stand_in.prompts == ["%ask make it", "second"]
    assert not stand_in.collided


@pytest.mark.parametrize("seed", range(4))
async def test_texts_at_any_moment_are_each_given_once_in_order_and_in_turns_of_their_own(
    stand_in: StandIn, data_dir: Path, seed: int
) -> None:
    dice = random.Random(seed)
    stand_in.behaves(busy="stops", ids=dice.random() < 0.5)
    texts = [f"text {number}" if dice.random() < 0.7 else "%wait" for number in range(15)]
    async with Scene(data_dir, stand_in.kind()) as scene:
        for text in texts:
            saying = asyncio.create_task(scene.say(text))
            for _ in range(dice.randrange(200)):
                await asyncio.sleep(0)
            if text == "%wait":
                await saying
                assert await scene.esc() == Outcome.done()
            assert await saying == Outcome.done()
        await scene.rests()

    assert stand_in.prompts == texts
    assert not stand_in.collided
    assert scene.notes.texts == [f"echo: {text}" for text in texts if text != "%wait"]


@pytest.mark.parametrize(("option", "told"), [("option-1", "yes_always"), ("option-2", "yes_once"), ("deny", "no")])
async def test_a_question_is_answered_by_the_program_s_own_options(
    stand_in: StandIn, data_dir: Path, option: str, told: str
) -> None:
    async with Scene(data_dir, stand_in.kind(), person := Person(Decision(option))) as scene:
        words = await scene.turn("%ask touch it")

    assert words == f"told: {told}"
    [asked] = person.questions
    assert isinstance(asked, Permission)
    assert [way.words for way in asked.ways] == ["Allow for this session", "Allow", "Reject"]
    assert "touch it" in asked.shown
    assert scene.notes.states == [BUSY, WAITING, BUSY, IDLE]


async def test_what_a_person_says_with_a_no_is_the_next_text(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(), Person(Decision("deny", "use pnpm"))) as scene:
        await scene.say("%ask npm install")
        await eventually(lambda: scene.notes.texts[-1:] == ["echo: use pnpm"], LONG)
        await scene.rests()

    assert stand_in.prompts == ["%ask npm install", "use pnpm"]
    assert scene.notes.states[-1] is IDLE
    assert scene.notes.texts == ["told: no", "echo: use pnpm"]


async def test_what_a_person_said_with_a_no_is_told_where_it_is_refused_or_in_doubt(
    stand_in: StandIn, data_dir: Path
) -> None:
    refusing = {"fails": {"session/prompt": {"code": 1, "message": "too long"}}, "only": "use pnpm"}
    for manners, told in [
        (refusing, "Stand-in did not take this text: too long\n\nuse pnpm"),
        ({"dies_of": "use pnpm"}, "Whether it has what you wrote with your no cannot be known: use pnpm"),
    ]:
        stand_in.behaves(**manners)
        async with Scene(data_dir, stand_in.kind(), Person(Decision("deny", "use pnpm"))) as scene:
            await scene.say("%ask npm install")
            await eventually(lambda told=told, scene=scene: told in (scene.notes.texts or [""])[-1], LONG)
            await scene.rests()


async def test_esc_stops_a_turn_and_voids_what_it_asks(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(), person := Person()) as scene:
        await scene.say("%ask touch it")
        await scene.waits()
        await eventually(lambda: person.questions, LONG)
        stopped = await scene.esc()
        words = await scene.turn("next")

    assert (stopped, words, person.withdrawn) == (Outcome.done(), "echo: next", 1)
    assert scene.notes.texts == ["echo: next"]


async def test_esc_that_comes_before_anybody_began_to_ask_stops_it_too(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(), person := Person()) as scene:
        begin, stopping = scene.backend._questions.begin, asyncio.Queue[asyncio.Task[Outcome]]()

        def begun(*args: Any, **more: Any) -> None:
            stopping.put_nowait(asyncio.create_task(scene.esc()))  # it runs before what is begun here
            begin(*args, **more)

        scene.backend._questions.begin = begun  # type: ignore[method-assign]
        await scene.say("%ask touch it")
        stopped = await (await stopping.get())
        await scene.rests()

    assert (stopped, person.questions) == (Outcome.done(), [])


async def test_esc_with_nothing_to_stop_says_so(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind()) as scene:
        before = await scene.esc()
        await scene.turn("text")
        after = await scene.esc()

    assert before == after == Outcome.done("nothing was running")


async def test_one_that_does_not_stop_is_ended(
    stand_in: StandIn, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.backends.acp.conversation.CANCEL_PATIENCE", 0.2)
    monkeypatch.setattr("agent.backends.acp.process.AcpProcess.stopping", 0.2)
    stand_in.behaves(hangs="session/cancel", deaf=True)
    async with Scene(data_dir, stand_in.kind()) as scene:
        await scene.say("%wait")
        outcome = await scene.esc()
        stand_in.behaves()
        words = await scene.turn("next")

    assert outcome.ending is Ending.DONE
    assert "was ended" in outcome.detail
    assert words == "echo: next"


async def test_a_form_is_filled_in_field_by_field(stand_in: StandIn, data_dir: Path) -> None:
    person = Person(Decision("text", "Green"), Decision("text", "s, L"))
    async with Scene(data_dir, stand_in.kind(), person) as scene:
        words = await scene.turn("%form")

    [asked] = person.questions
    assert isinstance(asked, Form)
    assert words == 'told: {"action": "accept", "content": {"colour_custom": "Green", "sizes": ["S", "L"]}}'


async def test_what_was_said_before_is_not_said_again(stand_in: StandIn, data_dir: Path) -> None:
    for late in (False, True):
        stand_in.behaves(replays_late=late)
        async with Scene(data_dir, stand_in.kind(load=Load.LOAD, late_replay=late)) as scene:
            scene.resumes(f"earlier-{late}")
            words = await scene.turn("go on")

            assert words == "echo: go on"
            assert scene.notes.texts == ["echo: go on"]
            assert Said(Speaker.ASSISTANT, "old words") not in scene.events()


async def test_a_kill_in_the_middle_is_told_and_the_next_text_takes_it_up(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind()) as scene:
        await scene.say("%wait")
        before = scene.notes.talk
        await scene.killed()
        await scene.rests()
        told = scene.notes.texts[-1]
        words = await scene.turn("again")
        after = scene.notes.talk

    assert "ended in the middle of a turn (ended by SIGKILL)" in told
    assert words == "echo: again"
    assert before
    assert after
    assert before.conversation_id == after.conversation_id
    assert stand_in.points.count("session/resume") == 1


async def test_a_turn_that_fails_says_why(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind()) as scene:
        words = await scene.turn("%fail")

    assert words == "echo: %fail\n\nStand-in stopped: the model is ill"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("refusal", "Stand-in refuses to go on with this."),
        ("max_tokens", "Stand-in stopped at its limit (max_tokens). Write to go on."),
        ("cancelled", "Stand-in ended its turn with that. Write to go on."),
        ("of a later version", "Stand-in stopped: of a later version"),
    ],
)
async def test_ends_that_are_none_are_told_in_words(stand_in: StandIn, data_dir: Path, reason: str, told: str) -> None:
    stand_in.behaves(answers={"session/prompt": {"stopReason": reason}})
    async with Scene(data_dir, stand_in.kind()) as scene:
        assert await scene.turn("text") == told


async def test_one_that_is_not_logged_in_says_what_to_do(stand_in: StandIn, data_dir: Path) -> None:
    for method in ("session/new", "session/prompt"):
        stand_in.behaves(fails={method: {"code": -32000, "message": "Authentication required"}})
        async with Scene(data_dir, stand_in.kind()) as scene:
            outcome = await scene.say("text")

        assert outcome.ending is Ending.FAILED
        assert outcome.detail.startswith("Stand-in is not logged in here. Log in with it in a terminal")


async def test_two_agents_are_never_in_one_conversation(stand_in: StandIn, data_dir: Path) -> None:
    stand_in.behaves(name="the-only-one")
    async with Scene(data_dir, stand_in.kind()) as scene, Scene(data_dir, stand_in.kind()) as other:
        await scene.turn("mine")
        other.resumes("the-only-one")
        refused = await other.say("theirs")
        await scene.backend.close()
        taken = await other.say("now it is")

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.CONVERSATION_OPEN)
    assert taken == Outcome.done()
    assert stand_in.prompts == ["mine", "now it is"]


async def test_one_that_a_load_would_destroy_waits_for_the_next_minute(stand_in: StandIn, data_dir: Path) -> None:
    now = [1_000_000_020.0]  # the clock's seconds are 0 there
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    stand_in.behaves(name="careful")
    async with Scene(data_dir, stand_in.kind(load=Load.NEXT_MINUTE), now=clock) as scene:
        now[0] += 10
        await scene.turn("first")
        await scene.killed()
        now[0] += 49
        early = await scene.obstacle()
        now[0] += 1
        on_time = await scene.obstacle()
        words = await scene.turn("second")

    assert "before, it would lose it" in early
    assert on_time == ""
    assert words == "echo: second"
    assert Locks({"HOME": str(data_dir / "home")}).opened("stand-in", "careful") == now[0]


@pytest.mark.parametrize("place", ["project", "."], ids=["in it", "above it"])
async def test_a_folder_that_brings_commands_along_must_be_trusted(
    stand_in: StandIn, data_dir: Path, place: str
) -> None:
    kind = stand_in.kind(brings=(".stand-in",))
    async with Scene(data_dir, kind) as scene:
        (data_dir / place / ".stand-in").mkdir()
        refused = await scene.say("text")
    async with Scene(data_dir, kind, trusted=(data_dir / "project",)) as scene:
        trusted = await scene.say("text")
    async with Scene(data_dir, stand_in.kind(brings=None)) as scene:
        strange = await scene.say("text")

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.FOLDER_NOT_ALLOWED)
    assert "POINTSMAN_TRUSTED_FOLDERS" in refused.detail
    assert trusted == Outcome.done()
    assert strange.reason is Reason.FOLDER_NOT_ALLOWED


async def test_what_it_does_is_recorded_as_events(stand_in: StandIn, data_dir: Path) -> None:
    async with Scene(data_dir, stand_in.kind(), Person(Decision("option-2"))) as scene:
        await scene.turn("%ask touch it")
        events = scene.events()
    given = '{"command": "touch it"}'

    assert events == [
        Described(model="stub", mode="ask"),
        Said(Speaker.USER, "%ask touch it"),
        ToolUsed("t1", WorkState.PENDING, "execute", ToolKind.RUN, "touch it", given),
        ToolUsed("t1", WorkState.DONE, "execute", ToolKind.RUN, "touch it", given),
        Said(Speaker.ASSISTANT, "told: yes_once"),
        Used("stub", 10, 5, 0, 0),
    ]

"""Programs that wait for a person for long are ended, and their conversations go on by the answer, once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.domain.claude_question import ToolUse
from agent.domain.command import Outcome, Reason
from agent.domain.session import Session, SessionState
from agent.services import parking
from agent.services.claude_questions import StreamQuestions
from agent.services.parking import REST
from tests.integration.agent.test_questions import decision
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, Router, running_router

PUSH = ToolUse("Bash", {"command": "git push origin main"})
FORM = ToolUse("AskUserQuestion", {"questions": [{"question": "Which?", "options": [{"label": "a"}]}]})
SESSION = "s1"
NO_PLACE = Outcome.failed(Reason.TOO_MANY_SESSIONS, "32 run here")


@dataclass
class Scene:
    """An agent with a session whose program we are."""

    rig: Rig
    link: Link
    stream: StreamQuestions
    outcomes: list[Outcome] = field(default_factory=list)  # of what the session is told; done where none is left
    told: list[str] = field(default_factory=list)  # to the session
    people: list[str] = field(default_factory=list)  # told of it
    states: list[SessionState] = field(default_factory=list)

    def asks(self, use: ToolUse = PUSH, name: str = "r1") -> "asyncio.Task[Mapping[str, object]]":
        async def hears() -> Mapping[str, object]:
            heard, _ = await self.stream.ask(SESSION, name, use)
            return heard

        return asyncio.create_task(hears())

    async def asked(self) -> pb.PermissionRequest:
        asked: pb.PermissionRequest = await self.link.next("permission_request")
        return asked

    async def parked(self, name: str = "r1") -> pb.PermissionRequest:
        """A question that nobody has answered for long; its program has been told to rest."""
        late = asyncio.Event()
        self.rig.agent.parking.long_enough = late.wait
        hearing = self.asks(name=name)
        asked = await self.asked()
        late.set()
        assert await hearing == REST
        return asked

    async def answer(self, frame: pb.CommandFrame) -> int:
        await self.link.commands([frame])
        (result,) = await self.link.results(1)
        return int(result.outcome)

    async def say(self, session: Session, words: str) -> Outcome:
        assert session.session_id == SESSION
        self.told.append(words)
        return self.outcomes.pop(0) if self.outcomes else Outcome.done()

    async def tell(self, session_id: str, words: str) -> None:
        assert session_id == SESSION
        self.people.append(words)

    async def became(self, session_id: str, state: SessionState) -> None:
        assert session_id == SESSION
        self.states.append(state)

    async def is_over(self) -> bool:
        return not await self.open()

    async def open(self) -> list[str]:
        return [name for (name,) in await self.rig.sql("SELECT permission_id FROM questions")]


@asynccontextmanager
async def scene(rigs: Rigs, router: Router) -> AsyncIterator[Scene]:
    async with rigs.running(router.address) as rig:
        link = await router.welcomed()
        agent = rig.agent
        here = Scene(rig, link, StreamQuestions(agent.permissions, agent.sessions.find, agent.parking))
        agent.parking.connect(here.say, here.tell, here.became)
        if agent.sessions.find(SESSION) is None:
            await rig.session(SESSION)
        yield here


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "RETRY", 0.0)


async def test_the_question_stays_and_the_answer_takes_the_conversation_up(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        asked = await here.parked()
        waits = here.rig.agent.parking.is_waiting(SESSION)
        await here.answer(decision(asked, "allow"))
        await eventually(lambda: here.told)

        assert waits
        assert "a person has allowed this" in here.told[0]
        assert "git push origin main" in here.told[0]
        assert here.link.came("permission_withdrawn") == 0
        assert not here.rig.agent.parking.is_waiting(SESSION)
        await eventually(here.is_over)


async def test_what_was_allowed_is_let_through_once_and_nothing_else_is(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        await here.answer(decision(await here.parked(), "allow"))
        await eventually(lambda: here.told)
        here.rig.agent.parking.long_enough = asyncio.Event().wait
        other = here.asks(ToolUse("Bash", {"command": "git push --force"}), "r2")
        await here.answer(decision(await here.asked(), "deny", "never"))
        let_through = await here.asks(name="r3")
        again = here.asks(name="r4")
        await here.answer(decision(await here.asked(), "deny", "once"))

        assert await other == {"behavior": "deny", "message": "never"}
        assert let_through == {"behavior": "allow", "updatedInput": PUSH.given}
        assert await again == {"behavior": "deny", "message": "once"}


async def test_what_was_allowed_long_ago_is_asked_again(rigs: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "LET_THROUGH", 0.0)
    async with running_router() as router, scene(rigs, router) as here:
        await here.answer(decision(await here.parked(), "allow"))
        await eventually(lambda: here.told)
        here.rig.agent.parking.long_enough = asyncio.Event().wait
        hearing = here.asks(name="r2")
        await here.answer(decision(await here.asked(), "deny", "late"))

        assert await hearing == {"behavior": "deny", "message": "late"}


async def test_a_no_is_told_with_its_reason_and_lets_nothing_through(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        await here.answer(decision(await here.parked(), "deny", "open a pull request"))
        await eventually(lambda: here.told)

        assert "denied" in here.told[0]
        assert "open a pull request" in here.told[0]
        assert here.rig.agent.parking.let_through(SESSION, PUSH) is None


async def test_it_outlives_a_restart_of_the_agent(rigs: Rigs) -> None:
    async with running_router() as router:
        async with scene(rigs, router) as here:
            asked = await here.parked()
        async with scene(rigs, router) as here:
            await here.rig.agent.permissions.close_left(patience=0)
            still = await here.open()
            await here.answer(decision(asked, "allow"))
            await eventually(lambda: here.told)

            assert still == [asked.permission_id]
            assert here.link.came("permission_withdrawn") == 0
            assert here.rig.agent.parking.let_through(SESSION, PUSH) is not None


async def test_it_is_open_for_weeks_as_no_program_waits_and_a_form_is_not(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        parked = await here.parked()
        here.rig.agent.parking.long_enough = asyncio.Event().wait
        hearing = here.asks(FORM, "r2")
        form = await here.asked()
        await here.answer(decision(form, "option-1"))
        await hearing
        days = [each.expires_in.seconds / 86400 for each in (parked, form)]

        assert days == [30.0, 7.0]


async def test_the_same_call_asked_by_itself_is_one_question(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        first = await here.parked()
        here.rig.agent.parking.long_enough = asyncio.Event().wait
        hearing = here.asks(name="r2")
        over = await here.link.next("permission_withdrawn")
        second = await here.asked()
        await here.answer(decision(second, "allow"))

        assert over.permission_id == first.permission_id
        assert await hearing == {"behavior": "allow", "updatedInput": PUSH.given}
        assert here.told == []


async def test_where_its_session_ends_it_is_over(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        asked = await here.parked()
        await here.rig.agent.sessions.close(SESSION, "ended")
        await here.rig.agent.parking.look()
        over = await here.link.next("permission_withdrawn")

        assert (over.permission_id, over.state) == (asked.permission_id, types.PERMISSION_STATE_WITHDRAWN)
        assert here.told == []


async def test_without_a_place_it_is_told_later_and_people_hear_where_it_never_is(
    rigs: Rigs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "TRIES", 3)
    async with running_router() as router, scene(rigs, router) as here:
        here.outcomes = [NO_PLACE] * 2
        await here.answer(decision(await here.parked(), "allow"))
        await eventually(lambda: len(here.told) == 3)
        here.outcomes = [NO_PLACE] * 3
        assert here.rig.agent.parking.let_through(SESSION, PUSH) is not None
        await here.answer(decision(await here.parked("r2"), "deny"))
        await eventually(lambda: here.people)

        assert "32 run here" in here.people[0]
        assert len(here.told) == 6
        await eventually(lambda: here.states == [SessionState.IDLE])


async def test_what_is_not_known_to_have_come_is_not_told_twice_and_people_hear_of_it(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        here.outcomes = [Outcome.uncertain(Reason.BACKEND_ERROR, "no word")]
        await here.answer(decision(await here.parked(), "allow"))
        await eventually(here.is_over)

        assert len(here.told) == 1
        assert ["no word" in each for each in here.people] == [True]


async def test_a_form_keeps_its_program(rigs: Rigs) -> None:
    async with running_router() as router, scene(rigs, router) as here:
        late = asyncio.Event()
        late.set()
        here.rig.agent.parking.long_enough = late.wait
        hearing = here.asks(FORM)
        asked = await here.asked()
        await here.answer(decision(asked, "option-1"))

        assert (await hearing)["behavior"] == "allow"

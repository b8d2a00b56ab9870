"""What becomes of a text that was typed into a coding agent: its own hooks say so, and the router hears of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from agentlink.v1 import agent_link_pb2 as pb

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.session import Session, SessionState
from agent.processes import identify
from tests.fakes.hook_caller import Program, program
from tests.rigs.agent_rig import Rig, Rigs
from tests.rigs.scripted_link import Link, Router, running_router, text_command

DONE, TAKEN, FINISHED = (pb.RESULT_OUTCOME_DONE, pb.RESULT_OUTCOME_TAKEN, pb.RESULT_OUTCOME_FINISHED)
NOT_TAKEN = pb.RESULT_OUTCOME_NOT_TAKEN
SOON = 0.05  # seconds


@dataclass
class Desk:
    """A router, an agent with a link to it, and a program with hooks in a session that can be typed into."""

    router: Router
    rig: Rig
    link: Link
    claude: Program

    async def type(self, name: str, text: str, session: str = "s1") -> None:
        await self.link.commands([text_command(name, session, text)])

    async def told(self, count: int) -> list[tuple[str, int]]:
        """The next words on commands, in order."""
        return [(result.command_id, result.outcome) for result in await self.link.results(count)]

    async def awaited(self) -> list[str]:
        """The commands of which more is expected."""
        return [name for (name,) in await self.rig.sql("SELECT command_id FROM prompts ORDER BY position")]


async def seat(rig: Rig, claude: Program, name: str = "s1") -> None:
    """Make the program a session that the recording backend types into."""
    process = identify(claude.pid)
    await rig.agent.sessions.register(Session(name, "command", target={"command": name}, process=process))
    claude.environ["POINTSMAN_SESSION_ID"] = name
    await claude.says("SessionStart", source="startup")


@asynccontextmanager
async def desk(rigs: Rigs, patience: float = 60.0) -> AsyncIterator[Desk]:
    async with running_router() as router, rigs.running(router.address) as rig:
        rig.agent.prompts.patience = patience
        link = await router.link()
        await link.welcome()
        with program(rig.data_dir) as claude:
            await seat(rig, claude)
            yield Desk(router, rig, link, claude)


async def test_a_text_is_taken_and_then_finished(rigs: Rigs) -> None:
    async with desk(rigs) as here:
        await here.type("c1", "go on")
        assert await here.told(1) == [("c1", DONE)]
        await here.claude.says("UserPromptSubmit", prompt="go on", prompt_id="1")
        assert await here.told(1) == [("c1", TAKEN)]
        await here.claude.says("Stop", last_assistant_message="Done.", prompt_id="1")
        assert await here.told(1) == [("c1", FINISHED)]
        assert await here.awaited() == []


async def test_a_program_that_is_quicker_than_the_disk_is_told_of_in_order(rigs: Rigs) -> None:
    async with desk(rigs) as here:
        gate = here.rig.backend.block("go on")
        await here.type("c1", "go on")
        await here.rig.backend.began.wait()
        await here.claude.says("UserPromptSubmit", prompt="go on", prompt_id="1")
        await here.claude.says("Stop", prompt_id="1")
        gate.set()

        assert await here.told(3) == [("c1", DONE), ("c1", TAKEN), ("c1", FINISHED)]
        assert await here.awaited() == []


async def test_what_is_not_taken_in_time_is_told_once_and_a_late_word_still_counts(rigs: Rigs) -> None:
    async with desk(rigs, SOON) as here:
        await here.type("c1", "go on")
        assert await here.told(2) == [("c1", DONE), ("c1", NOT_TAKEN)]
        await here.claude.says("UserPromptSubmit", prompt="go on", prompt_id="1")

        assert await here.told(1) == [("c1", TAKEN)]
        assert here.rig.backend.typed() == ["go on"]


async def test_a_busy_program_has_the_time_it_needs(rigs: Rigs) -> None:
    async with desk(rigs, SOON) as here:
        with program(here.rig.data_dir, conversation_id="other") as idle:
            await seat(here.rig, idle, "s2")
            await here.rig.agent.sessions.update("s1", state=SessionState.BUSY)
            await here.type("busy", "go on")
            await here.told(1)
            await here.type("idle", "go on", "s2")
            assert await here.told(2) == [("idle", DONE), ("idle", NOT_TAKEN)]
            await here.rig.agent.sessions.update("s1", state=SessionState.IDLE)

            assert await here.told(1) == [("busy", NOT_TAKEN)]


async def test_the_work_is_followed_across_a_restart_of_the_agent(rigs: Rigs) -> None:
    async with running_router() as router:
        with program(rigs.data_dir) as claude:
            async with rigs.running(router.address) as rig:
                link = await router.welcomed()
                await seat(rig, claude)
                await link.commands([text_command("c1", "s1", "go on")])
                await link.results(1)
                await claude.says("UserPromptSubmit", prompt="go on", prompt_id="1")
            async with rigs.running(router.address):
                link = await router.welcomed()
                await claude.says("Stop", prompt_id="1")

                assert [result.outcome for result in await link.results(3)] == [DONE, TAKEN, FINISHED]


async def test_texts_that_come_during_a_turn_are_finished_with_the_next(rigs: Rigs) -> None:
    async with desk(rigs) as here:
        for name in ("first", "second", "third"):
            await here.type(name, name)
            assert await here.told(1) == [(name, DONE)]
            await here.claude.says("UserPromptSubmit", prompt=name, prompt_id="1")
            assert await here.told(1) == [(name, TAKEN)]
        await here.claude.says("Stop", last_assistant_message="First.", prompt_id="1")
        assert await here.told(1) == [("first", FINISHED)]
        await here.claude.says("Stop", last_assistant_message="Second and third.", prompt_id="2")

        assert await here.told(2) == [("second", FINISHED), ("third", FINISHED)]


async def test_a_command_of_the_program_itself_is_not_awaited(rigs: Rigs) -> None:
    async with desk(rigs, SOON) as here:
        await here.type("c1", "/clear")
        await here.told(1)

        assert await here.awaited() == []


@pytest.mark.parametrize(
    "outcome",
    [Outcome.failed(Reason.TARGET_GONE), Outcome.uncertain(Reason.BACKEND_ERROR)],
    ids=lambda outcome: outcome.ending.value,
)
async def test_what_was_not_typed_for_sure_is_not_awaited(rigs: Rigs, outcome: Outcome) -> None:
    async with desk(rigs, SOON) as here:
        here.rig.backend.outcomes["go on"] = outcome
        await here.type("c1", "go on")

        assert [result.outcome for result in await here.link.results(1)] == [_OUTCOMES[outcome.ending]]
        assert await here.awaited() == []


_OUTCOMES = {Ending.FAILED: pb.RESULT_OUTCOME_FAILED, Ending.UNCERTAIN: pb.RESULT_OUTCOME_UNCERTAIN}


async def test_nothing_is_awaited_from_a_program_that_has_left(rigs: Rigs) -> None:
    async with desk(rigs) as here:
        await here.type("c1", "go on")
        await here.told(1)
        await here.claude.says("SessionEnd", reason="prompt_input_exit")

        assert await here.awaited() == []


async def test_what_the_person_types_at_the_terminal_is_no_receipt(rigs: Rigs) -> None:
    async with desk(rigs) as here:
        await here.type("c1", "go on")
        await here.told(1)
        await here.claude.says("UserPromptSubmit", prompt="something else", prompt_id="1")
        await here.claude.says("UserPromptSubmit", prompt="<task-notification>go on</task-notification>")
        await here.claude.says("UserPromptSubmit", prompt="go on", prompt_id="2")

        assert await here.told(1) == [("c1", TAKEN)]


async def test_two_hooks_for_one_event_take_one_text(rigs: Rigs) -> None:
    async with desk(rigs) as here:
        await here.type("c1", "y")
        await here.type("c2", "y")
        await here.told(2)
        for scope in ("user", "project"):
            here.claude.scope = scope
            await here.claude.says("UserPromptSubmit", prompt="y", prompt_id="1")
        taken = await here.rig.sql("SELECT command_id FROM prompts WHERE taken_at IS NOT NULL")

        assert taken == [("c1",)]

"""Answers that change what is run, and answers to a whole form, as the program hears them."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.backends.open_questions import NOTHING
from agent.domain.claude_question import ToolUse
from agent.services.claude_questions import StreamQuestions
from tests.fakes.hook_caller import program
from tests.integration.agent.test_questions import DONE, FAILED, TOUCH, Hook, decision, scene
from tests.rigs.agent_rig import Rigs
from tests.rigs.scripted_link import running_router

OTHER = '{"command": "touch z2"}'
COLOUR = {"question": "Which colour?", "header": "Colour", "options": [{"label": "Red"}, {"label": "Blue"}]}
SIZES = {"question": "Which sizes?", "multiSelect": True, "options": [{"label": "S"}, {"label": "L"}]}
FORM = {"tool_name": "AskUserQuestion", "tool_input": {"questions": [COLOUR, SIZES]}}


def with_answers(asked: pb.PermissionRequest, *answers: tuple[list[str], str]) -> pb.CommandFrame:
    frame = decision(asked, "text")
    form = [types.FormAnswer(option_ids=option_ids, text=text) for option_ids, text in answers]
    frame.action.permission_decision.answers.extend(form)
    return frame


async def test_a_question_tells_all_that_it_is_about(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude, **TOUCH, permission_mode="acceptEdits")
        details = (await here.asked()).details
        await hook.killed()

        assert json.loads(details.input_json) == {"command": "touch z1"}
        assert (details.title, details.mode, details.waiting_for) == ("touch z1", "acceptEdits", "permission prompt")
        assert (details.editable, details.not_editable, details.input_cut) == (True, "", False)


async def test_the_program_runs_what_was_allowed_in_the_place_of_what_it_asked(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)

        answered = await here.answer(decision(await here.asked(), "allow", updated_input=OTHER))

        assert answered == (DONE, 0)
        assert await hook.output() == {"behavior": "allow", "updatedInput": {"command": "touch z2"}}


@pytest.mark.parametrize(
    ("option", "updated"),
    [("allow", "no JSON"), ("allow", "[1]"), ("deny", OTHER), ("allow", f'{{"a":"{"x" * 16_384}"}}')],
)
async def test_the_machine_takes_no_other_input_that_does_not_fit(rigs: Rigs, option: str, updated: str) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        assert await here.answer(decision(asked, option, updated_input=updated)) == (
            FAILED,
            types.REASON_INVALID_ARGUMENT,
        )

        await here.answer(decision(asked, "allow"))
        assert await hook.output() == {"behavior": "allow", "updatedInput": {"command": "touch z1"}}


async def test_another_input_that_came_while_nobody_asked_is_heard_by_who_asks_again(rigs: Rigs) -> None:
    async with running_router() as router:
        with program(rigs.data_dir) as claude:
            async with rigs.running(router.address):
                link = await router.welcomed()
                await claude.says("SessionStart", source="startup")
                hook = Hook(claude)
                asked = await link.next("permission_request")
                hook.process.send_signal(signal.SIGSTOP)
            async with rigs.running(router.address):
                link = await router.welcomed()
                await link.commands([decision(asked, "allow", updated_input=OTHER)])
                await link.results(1)
            async with rigs.running(router.address):
                hook.process.send_signal(signal.SIGCONT)

                assert (await hook.output() or {})["updatedInput"] == {"command": "touch z2"}


async def test_a_form_is_answered_whole_and_the_rest_of_it_is_not_asked(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude, **FORM)
        asked = await here.asked()

        assert [each.text for each in asked.details.form] == ["Which colour?", "Which sizes?"]
        assert await here.answer(with_answers(asked, (["option-2"], ""), (["option-1", "option-2"], ""))) == (DONE, 0)

        answers = {"Which colour?": "Blue", "Which sizes?": "S, L"}
        assert (await hook.output() or {})["updatedInput"] == {**FORM["tool_input"], "answers": answers}  # type: ignore[dict-item]
        assert here.link.came("permission_request") == 0


async def test_the_rest_of_a_form_is_answered_from_where_it_stands(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude, **FORM)
        await here.answer(decision(await here.asked(), "option-1"))
        second = await here.asked()

        assert [each.text for each in second.details.form] == ["Which sizes?"]
        assert await here.answer(with_answers(second, (["option-2"], "and M"))) == (DONE, 0)

        told: Any = (await hook.output() or {})["updatedInput"]
        assert told["answers"] == {"Which colour?": "Red", "Which sizes?": "L, and M"}


async def test_half_a_form_is_no_answer(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude, **FORM)
        asked = await here.asked()

        assert await here.answer(with_answers(asked, (["option-1"], ""))) == (FAILED, types.REASON_INVALID_ARGUMENT)
        await hook.killed()


@pytest.mark.parametrize(("where", "shown"), [("inside", "-was\n+is"), ("outside", "--- /dev/null")])
async def test_a_file_is_shown_against_what_it_holds_in_the_sessions_folder_alone(
    rigs: Rigs, tmp_path: Path, where: str, shown: str
) -> None:
    for folder in ("inside", "outside"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_text("was\n")
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "outside" / "a")
    async with scene(rigs) as here:
        here.claude.cwd = str(tmp_path / "inside")
        session = here.rig.agent.sessions.live()[0].session_id
        await here.rig.agent.sessions.update(session, cwd=here.claude.cwd)
        path = tmp_path / ("inside/a" if where == "inside" else "inside/link")
        hook = Hook(here.claude, tool_name="Write", tool_input={"file_path": str(path), "content": "is\n"})
        asked = await here.asked()
        await hook.killed()

        assert shown in asked.details.diff
        assert asked.details.diff in asked.input
        assert ("was" in asked.input) == (where == "inside")


async def test_without_a_terminal_it_is_allowed_with_another_input_too(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        session = here.rig.agent.sessions.live()[0].session_id
        stream = StreamQuestions(here.rig.agent.permissions, here.rig.agent.sessions.find)
        hearing = asyncio.create_task(stream.ask(session, "r1", ToolUse("Bash", {"command": "ls"})))

        await here.answer(decision(await here.asked(), "allow", updated_input='{"command": "ls -l"}'))

        assert await hearing == ({"behavior": "allow", "updatedInput": {"command": "ls -l"}}, NOTHING)


async def test_a_program_that_asks_on_the_socket_takes_a_yes_or_a_no(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        session = here.rig.agent.sessions.live()[0].session_id
        asking = asyncio.create_task(here.rig.ask(op="ask", session_id=session, tool="deploy", input="x", ask_id="d1"))
        asked = await here.asked()

        assert not asked.details.editable
        assert "no other input" in asked.details.not_editable
        assert await here.answer(decision(asked, "allow", updated_input=OTHER)) == (
            FAILED,
            types.REASON_INVALID_ARGUMENT,
        )
        await here.answer(decision(asked, "allow"))
        assert (await asking)["option"] == "allow"

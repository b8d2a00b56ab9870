"""Permission questions of programs on this machine: up to the router, and the answer back to whoever asks."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.backends.open_questions import NOTHING
from agent.domain.claude_question import ToolUse
from agent.domain.frames import Notify
from agent.local.client import socket_path
from agent.services.claude_questions import StreamQuestions
from tests.fakes.hook_caller import FORWARD, Program, program
from tests.integration.agent.test_states import Registry
from tests.rigs.agent_rig import Rig, Rigs
from tests.rigs.scripted_link import Link, Router, running_router

DONE, FAILED = pb.RESULT_OUTCOME_DONE, pb.RESULT_OUTCOME_FAILED
TOUCH: dict[str, object] = {"tool_name": "Bash", "tool_input": {"command": "touch z1"}}


class Hook:
    """A PermissionRequest hook as Claude Code runs it: started with its payload, read at its end."""

    def __init__(self, claude: Program, **payload: object) -> None:
        runs = [sys.executable, "-I", "-S", str(FORWARD)]
        argv = [*runs, socket_path(claude.data_dir), "PermissionRequest", claude.scope]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=claude.variables()
        )
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # without an agent it ends before it reads
            self.process.stdin.write(claude.payload("PermissionRequest", **(payload or TOUCH)))
            self.process.stdin.close()
        self.process.stdin = None

    async def output(self) -> dict[str, Any] | None:
        """What the program reads; None when that is nothing."""
        out, err = await asyncio.to_thread(self.process.communicate, None, 20)
        assert (self.process.returncode, err) == (0, b"")
        return dict(json.loads(out)["hookSpecificOutput"]["decision"]) if out else None

    async def killed(self) -> None:
        """As Claude Code does when its person said no at the terminal."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.communicate)


def decision(asked: pb.PermissionRequest, option: str, text: str = "", **other: str) -> pb.CommandFrame:
    made = types.PermissionDecision(
        permission_id=asked.permission_id, input_digest=asked.input_digest, option_id=option, text=text
    )
    for name, value in other.items():
        setattr(made, name, value)
    return pb.CommandFrame(
        command_id=f"answer {option} {text} {len(other)}",
        session_id=asked.session_id,
        sequence=1,
        attempt=1,
        lane=types.LANE_URGENT,
        action=types.Action(permission_decision=made),
    )


class Scene:
    """A router, an agent, and a program with hooks."""

    def __init__(self, router: Router, rig: Rig, link: Link, claude: Program) -> None:
        self.router, self.rig, self.link, self.claude = router, rig, link, claude
        self.registry: Registry | None = None

    async def asked(self) -> pb.PermissionRequest:
        asked: pb.PermissionRequest = await self.link.next("permission_request")
        return asked

    async def over(self) -> tuple[str, int]:
        ended = await self.link.next("permission_withdrawn")
        return ended.permission_id, ended.state

    async def answer(self, frame: pb.CommandFrame) -> tuple[int, int]:
        await self.link.commands([frame])
        (result,) = await self.link.results(1)
        return result.outcome, result.reason

    async def open(self) -> list[str]:
        return [name for (name,) in await self.rig.sql("SELECT permission_id FROM questions")]


@asynccontextmanager
async def scene(rigs: Rigs, folder: Path | None = None) -> AsyncIterator[Scene]:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        with program(rig.data_dir) as claude:
            here = Scene(router, rig, link, claude)
            if folder:
                here.registry = Registry(claude, folder)
                here.registry.says("waiting", waitingFor="permission prompt")
            await claude.says("SessionStart", source="startup")
            yield here


async def test_an_answer_from_afar_is_what_the_program_hears(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        assert (asked.tool, asked.input) == ("Bash", "```\ntouch z1\n```")
        assert await here.answer(decision(asked, "allow")) == (DONE, 0)
        assert await hook.output() == {"behavior": "allow", "updatedInput": {"command": "touch z1"}}
        assert here.link.came("permission_withdrawn") == 0


async def test_a_no_carries_its_reason_to_the_model(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        await here.answer(decision(asked, "deny", "use z2"))

        assert await hook.output() == {"behavior": "deny", "message": "use z2"}


async def test_a_yes_at_the_terminal_ends_it_for_all(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        await here.claude.says("PostToolUse", **TOUCH, tool_response={})

        assert await here.over() == (asked.permission_id, types.PERMISSION_STATE_ANSWERED_ELSEWHERE)
        assert await hook.output() is None
        assert await here.answer(decision(asked, "allow")) == (FAILED, types.REASON_QUESTION_OVER)


async def test_a_no_at_the_terminal_ends_it_for_all(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        await hook.killed()

        assert await here.over() == (asked.permission_id, types.PERMISSION_STATE_ANSWERED_ELSEWHERE)
        assert await here.open() == []


async def test_a_dialog_that_closed_without_a_word_ends_it(rigs: Rigs, tmp_path: Path) -> None:
    async with scene(rigs, tmp_path) as here:
        assert here.registry
        hook = Hook(here.claude)
        asked = await here.asked()

        here.registry.says("busy")

        assert await here.over() == (asked.permission_id, types.PERMISSION_STATE_ANSWERED_ELSEWHERE)
        assert await hook.output() is None


async def test_another_tool_that_ran_is_no_answer(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        await here.claude.says("PostToolUse", tool_name="Bash", tool_input={"command": "ls"})
        await here.claude.says("PostToolUse", **TOUCH, agent_id="a subagent's")

        assert await here.answer(decision(asked, "deny")) == (DONE, 0)
        assert (await hook.output() or {})["behavior"] == "deny"


@pytest.mark.parametrize(
    ("option", "other", "reason"),
    [
        ("allow", {"input_digest": "another"}, types.REASON_INPUT_CHANGED),
        ("never", {}, types.REASON_INVALID_ARGUMENT),
        ("allow", {"permission_id": "unknown"}, types.REASON_QUESTION_OVER),
    ],
)
async def test_an_answer_to_something_else_is_refused_and_the_question_stays(
    rigs: Rigs, option: str, other: dict[str, str], reason: int
) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        assert await here.answer(decision(asked, option, **other)) == (FAILED, reason)

        assert await here.open() == [asked.permission_id]
        await here.answer(decision(asked, "allow"))
        assert (await hook.output() or {})["behavior"] == "allow"


async def test_only_the_first_answer_counts(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        await here.link.commands([decision(asked, "allow"), decision(asked, "deny")])
        first, second = await here.link.results(2)

        assert (first.outcome, second.outcome, second.reason) == (DONE, FAILED, types.REASON_QUESTION_OVER)
        assert (await hook.output() or {})["behavior"] == "allow"


async def test_a_question_outlives_the_agent_that_was_killed(rigs: Rigs) -> None:
    async with running_router() as router:
        with program(rigs.data_dir) as claude:
            async with rigs.child(router.address) as child:
                link = await router.welcomed()
                await claude.says("SessionStart", source="startup")
                hook = Hook(claude)
                asked = await link.next("permission_request")
                await child.kill()
            async with rigs.running(router.address):
                link = await router.welcomed()

                await link.commands([decision(asked, "allow")])

                assert [result.outcome for result in await link.results(1)] == [DONE]
                assert (await hook.output() or {})["behavior"] == "allow"
                assert (await link.next("permission_request")).permission_id == asked.permission_id


async def test_an_answer_that_came_while_nobody_asked_is_heard_by_who_asks_again(rigs: Rigs) -> None:
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
                await link.commands([decision(asked, "allow")])
                assert [result.outcome for result in await link.results(1)] == [DONE]
            async with rigs.running(router.address):
                hook.process.send_signal(signal.SIGCONT)

                assert (await hook.output() or {})["behavior"] == "allow"


async def test_what_nobody_asks_again_after_a_restart_is_over(rigs: Rigs) -> None:
    async with running_router() as router:
        with program(rigs.data_dir) as claude:
            async with rigs.running(router.address):
                link = await router.welcomed()
                await claude.says("SessionStart", source="startup")
                hook = Hook(claude)
                asked = await link.next("permission_request")
                hook.process.send_signal(signal.SIGSTOP)
            hook.process.kill()
            await asyncio.to_thread(hook.process.communicate)
            async with rigs.running(router.address) as rig:
                link = await router.welcomed()
                await rig.agent.permissions.close_left(0)

                ended = await link.next("permission_withdrawn")

                assert (ended.permission_id, ended.state) == (asked.permission_id, types.PERMISSION_STATE_WITHDRAWN)


async def test_people_are_not_told_of_a_dialog_that_they_are_asked_about(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        notification = {"message": "Claude needs your permission", "notification_type": "permission_prompt"}
        hook = Hook(here.claude)
        asked = await here.asked()

        await here.claude.says("Notification", **notification, prompt_id="1")
        await here.answer(decision(asked, "allow"))
        await hook.output()
        await here.claude.says("Notification", **notification, prompt_id="2")

        rows = await here.rig.agent.outbox.after(0, 100)
        assert [row.item.text for row in rows if isinstance(row.item, Notify)] == ["❗ Claude needs your permission"]


async def test_hooks_in_two_settings_ask_once(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        hook = Hook(here.claude)
        asked = await here.asked()

        here.claude.scope = "project"
        assert await Hook(here.claude).output() is None

        await here.answer(decision(asked, "allow"))
        assert (await hook.output() or {})["behavior"] == "allow"


async def test_without_an_agent_the_dialog_is_left_alone(rigs: Rigs) -> None:
    with program(rigs.data_dir) as claude:
        assert await Hook(claude).output() is None


async def test_any_program_can_ask_on_the_socket(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        session = here.rig.agent.sessions.live()[0].session_id
        asking = asyncio.create_task(
            here.rig.ask(op="ask", session_id=session, tool="deploy", input="to production", ask_id="d1")
        )
        asked = await here.asked()

        assert (asked.permission_id, [option.option_id for option in asked.options]) == ("d1", ["allow", "deny"])
        await here.answer(decision(asked, "deny", "on Monday"))

        assert await asking == {"ok": True, "option": "deny", "text": "on Monday"}


async def test_without_a_terminal_people_are_asked_too(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        session = here.rig.agent.sessions.live()[0].session_id
        stream = StreamQuestions(here.rig.agent.permissions)
        hearing = asyncio.create_task(stream.ask(session, "r1", ToolUse("Bash", {"command": "ls"})))

        await here.answer(decision(await here.asked(), "allow"))

        assert await hearing == ({"behavior": "allow", "updatedInput": {"command": "ls"}}, NOTHING)


async def test_a_turn_that_is_stopped_asks_no_more(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        session = here.rig.agent.sessions.live()[0].session_id
        stream = StreamQuestions(here.rig.agent.permissions)
        hearing = asyncio.create_task(stream.ask(session, "r1", ToolUse("Bash", {"command": "ls"})))
        asked = await here.asked()

        hearing.cancel()

        assert await here.over() == (asked.permission_id, types.PERMISSION_STATE_WITHDRAWN)

"""What a session does, as its program's registry says, with its hooks heard first."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.domain.session import Session, SessionState
from tests.fakes.hook_caller import Program, program
from tests.integration.agent.test_prompt_tracking import DONE, FINISHED, TAKEN, seat
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import running_router, text_command

NOBODY = "127.0.0.1:1"


class Registry:
    """What Claude Code writes of itself."""

    def __init__(self, claude: Program, folder: Path) -> None:
        claude.environ["CLAUDE_CONFIG_DIR"] = str(folder)
        self._pid = claude.pid
        self._file = folder / "sessions" / f"{claude.pid}.json"
        self._file.parent.mkdir(parents=True)

    def says(self, status: str, **fields: Any) -> None:
        record = {"pid": self._pid, "startedAt": 1000, "status": status, **fields}
        whole = self._file.with_suffix(".new")
        whole.write_text(json.dumps(record))
        whole.replace(self._file)

    def says_nothing(self) -> None:
        self._file.unlink()


def only(rig: Rig) -> Session:
    (session,) = rig.agent.sessions.live()
    return session


async def becomes(rig: Rig, state: SessionState, waiting_for: str = "") -> None:
    await eventually(lambda: (only(rig).state, only(rig).waiting_for) == (state, waiting_for))


async def test_the_state_is_what_the_registry_says(rigs: Rigs, tmp_path: Path) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            registry = Registry(claude, tmp_path / "claude")
            registry.says("idle")
            await claude.says("SessionStart", source="startup")
            await becomes(rig, SessionState.IDLE)
            registry.says("waiting", waitingFor="permission prompt")
            await becomes(rig, SessionState.WAITING, "permission prompt")
            registry.says("busy")
            await becomes(rig, SessionState.BUSY)


async def test_the_router_hears_of_it(rigs: Rigs, tmp_path: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        with program(rig.data_dir) as claude:
            Registry(claude, tmp_path / "claude").says("waiting", waitingFor="input needed")
            await claude.says("SessionStart", source="startup")
            begun: pb.SessionUpdate = await link.next("session_update")
            waits: pb.SessionUpdate = await link.next("session_update")

    assert begun.state == types.SESSION_STATE_UNSPECIFIED
    assert (waits.state, waits.waiting_for) == (types.SESSION_STATE_WAITING, "input needed")


async def test_without_a_registry_the_hooks_tell(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("UserPromptSubmit", prompt="hi")
            assert only(rig).state is SessionState.BUSY
            await claude.says("Stop", last_assistant_message="Hello!")
            assert only(rig).state is SessionState.IDLE


@pytest.mark.parametrize("record", ["", "[]", '{"pid": 1, "status": "busy"}', '{"status": 7}'])
async def test_a_registry_of_another_format_says_nothing(rigs: Rigs, tmp_path: Path, record: str) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            Registry(claude, tmp_path)
            (tmp_path / "sessions" / f"{claude.pid}.json").write_text(record)
            await claude.says("UserPromptSubmit", prompt="hi")
            await rig.agent.states.look()

            assert only(rig).state is SessionState.BUSY


async def test_an_interrupted_turn_is_finished_when_the_program_is_at_rest(rigs: Rigs, tmp_path: Path) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        with program(rig.data_dir) as claude:
            registry = Registry(claude, tmp_path / "claude")
            registry.says("idle")
            await seat(rig, claude)
            await link.commands([text_command("c1", "s1", "go on")])
            registry.says("busy")
            await eventually(lambda: rig.backend.typed())
            await claude.says("UserPromptSubmit", prompt="go on", prompt_id="1")
            registry.says("idle")

            assert [result.outcome for result in await link.results(3)] == [DONE, TAKEN, FINISHED]


async def test_a_program_that_died_in_a_terminal_with_a_shell_leaves_no_state(rigs: Rigs, tmp_path: Path) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.ask(op="attach_pty", session_id="terminal", cwd="/srv", pid=os.getpid())
        with program(rig.data_dir, environ={"POINTSMAN_SESSION_ID": "terminal"}) as claude:
            Registry(claude, tmp_path / "claude").says("busy")
            await claude.says("SessionStart", source="startup")
            await becomes(rig, SessionState.BUSY)
        await becomes(rig, SessionState.UNKNOWN)

        assert only(rig).conversation is None


async def test_a_program_that_died_is_no_session_any_more(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup")

        await eventually(lambda: not rig.agent.sessions.live())


def limited_record(until: float) -> str:
    """The last line of a conversation that came to its usage limit."""
    info = {"status": "rejected", "resetsAt": until, "rateLimitType": "five_hour", "isUsingOverage": False}
    return (
        json.dumps({"type": "assistant", "isApiErrorMessage": True, "error": "rate_limit", "quotaLimits": info}) + "\n"
    )


async def test_its_usage_limit_is_read_of_its_record_once_its_hook_tells(rigs: Rigs, tmp_path: Path) -> None:
    record, until = tmp_path / "record.jsonl", 1_900_000_000.0
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            Registry(claude, tmp_path / "claude").says("idle")
            await claude.says("SessionStart", source="startup", transcript_path=str(record))
            await becomes(rig, SessionState.IDLE)
            before = only(rig).limited_until
            record.write_text(limited_record(until))
            await claude.says("StopFailure", error="rate_limit", transcript_path=str(record))
            await eventually(lambda: only(rig).limited_until == until)
            await claude.says("UserPromptSubmit", prompt="go on", transcript_path=str(record))
            await eventually(lambda: only(rig).limited_until == 0.0)

    assert before == 0.0

"""Control signals in a whole agent: carried out once and in order, and what they change is known and told."""

import json
import os
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.backends.claude import control
from agent.backends.claude.control import as_typed
from agent.backends.claude.registry_file import ClaudeCode
from agent.backends.command import CommandBackend
from agent.domain.command import Action, Command, Ending, Input, KeyPress, Lane, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.frames import CommandResult, SessionChanged
from agent.domain.session import Process, Session
from tests.fakes.hook_caller import program
from tests.integration.agent.test_headless import headless
from tests.integration.agent.test_states import only
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import running_router

NOBODY = "127.0.0.1:1"
PLAN, SONNET = ControlSignal(ControlKind.MODE, "plan"), ControlSignal(ControlKind.MODEL, "sonnet")
CLEAR, INTERRUPT = ControlSignal(ControlKind.CLEAR), ControlSignal(ControlKind.INTERRUPT)


def command(name: str, action: Action) -> Command:
    return Command(name, "s1", 0, 1, Lane.NORMAL, action)


async def outcome(rig: Rig, name: str, action: Action) -> Outcome:
    await rig.agent.link_handler.store((command(name, action),))

    async def found() -> Outcome | None:
        rows = await rig.agent.outbox.after(0, 1000)
        ends = [row.item for row in rows if isinstance(row.item, CommandResult)]
        return next((one.outcome for one in ends if one.command_id == name), None)

    ended: Outcome = await eventually(found)
    return ended


async def told(rig: Rig) -> list[tuple[str, str]]:
    """The mode and the model that the router hears of, each once."""
    rows = await rig.agent.outbox.after(0, 1000)
    changes = [row.item.session for row in rows if isinstance(row.item, SessionChanged)]
    return list(dict.fromkeys((one.mode, one.model) for one in changes))


async def test_a_signal_is_a_command_like_any_other(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await rig.session("s1")
        frames = [
            pb.CommandFrame(command_id=f"c{kind}", session_id="s1", sequence=kind, attempt=1, action=action)
            for kind, action in enumerate(
                [
                    types.Action(control=types.ControlSignal(kind=types.CONTROL_KIND_MODE, value="plan")),
                    types.Action(control=types.ControlSignal(kind=types.CONTROL_KIND_CLEAR)),
                ],
                start=1,
            )
        ]
        await link.commands([*frames, frames[0]])

        assert [one.outcome for one in await link.results(2)] == [pb.RESULT_OUTCOME_DONE] * 2
        assert rig.backend.typed() == ["/mode plan", "/clear"]
        assert "control" in link.hello.capabilities


@pytest.mark.parametrize(
    "signal",
    [
        types.ControlSignal(kind=types.CONTROL_KIND_MODEL, value="two words"),
        types.ControlSignal(kind=types.CONTROL_KIND_CLEAR, value="x"),
        types.ControlSignal(kind=9),
    ],
)
async def test_what_is_no_signal_is_refused_for_good(rigs: Rigs, signal: types.ControlSignal) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await rig.session("s1")
        frame = pb.CommandFrame(command_id="c1", session_id="s1", sequence=1, attempt=1)
        frame.action.control.CopyFrom(signal)
        await link.commands([frame])

        [receipt] = (await link.next("receipt")).items
        assert receipt.outcome == pb.RECEIPT_OUTCOME_REFUSED
        assert rig.backend.typed() == []


async def test_what_was_chosen_without_a_terminal_is_told_and_outlives_the_agent(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        done = [await outcome(rig, "c1", PLAN), await outcome(rig, "c2", SONNET)]
        await eventually(lambda: rig.agent.sessions.known("s1").model == "sonnet")
        assert await told(rig) == [("", ""), ("plan", ""), ("plan", "sonnet")]
    async with rigs.running(NOBODY) as rig:
        session = rig.agent.sessions.known("s1")

    assert [one.ending for one in done] == [Ending.DONE] * 2
    assert (session.mode, session.model) == ("plan", "sonnet")
    assert (session.target["mode"], session.target["model"]) == ("plan", "sonnet")
    assert session.modes == ("default", "acceptEdits", "plan")


def _says_how_it_was_started(program: Path, file: Path) -> None:
    program.write_text(program.read_text().replace("exec ", f'echo "$@" >{file}\nexec '))


async def test_the_next_program_is_started_so(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        session = await headless(rig, rigs.data_dir)
        _says_how_it_was_started(Path(session.target["program"]), rigs.data_dir / "said")
        await outcome(rig, "c1", PLAN)
        await outcome(rig, "c2", SONNET)
        await eventually(lambda: rig.agent.sessions.known("s1").model == "sonnet")
        assert (await outcome(rig, "c3", Input("hello"))).ending is Ending.DONE

    assert "--permission-mode plan --model sonnet" in (rigs.data_dir / "said").read_text()


async def test_what_it_goes_on_to_by_itself_is_where_the_next_one_begins(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        await rig.agent.sessions.works("s1", "acceptEdits", "opus")
        before = dict(rig.agent.sessions.known("s1").target)
        await outcome(rig, "c1", PLAN)
        await eventually(lambda: rig.agent.sessions.known("s1").mode == "plan")
        await rig.agent.sessions.works("s1", "default")
        after = rig.agent.sessions.known("s1")

    assert "mode" not in before
    assert (after.mode, after.target["mode"], after.model) == ("default", "default", "opus")


@pytest.mark.parametrize("mode", ["bypassPermissions", "auto", "none"])
async def test_without_a_terminal_there_are_no_other_modes(rigs: Rigs, mode: str) -> None:
    async with rigs.running(NOBODY) as rig:
        await headless(rig, rigs.data_dir)
        done = await outcome(rig, "c1", ControlSignal(ControlKind.MODE, mode))

    reason = Reason.MODE_NOT_ALLOWED if mode == "bypassPermissions" else Reason.UNSUPPORTED
    assert (done.ending, done.reason) == (Ending.FAILED, reason)


async def test_hooks_tell_the_mode_and_the_model(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup", model="claude-opus-5")
            await claude.says("UserPromptSubmit", prompt="hi", permission_mode="plan")
            session = only(rig)
            await claude.says("SubagentStop")

            assert (session.mode, session.model) == ("plan", "claude-opus-5")
            assert (only(rig).mode, only(rig).model) == ("plan", "claude-opus-5")


async def test_where_its_program_has_left_nobody_says_how_it_works(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup", model="claude-opus-5")
            await claude.says("UserPromptSubmit", prompt="hi", permission_mode="plan")
            gone = await rig.agent.sessions.converse(only(rig).session_id, None)

            assert (gone.mode, gone.model, only(rig).controls) == ("", "", ())


@pytest.mark.parametrize(
    ("signal", "status", "typed"),
    [
        (INTERRUPT, "busy", KeyPress("esc")),
        (INTERRUPT, "idle", Outcome.done("nothing was running")),
        (CLEAR, "idle", Input("/clear")),
        (SONNET, "busy", Input("/model sonnet")),
    ],
)
def test_at_a_terminal_that_nobody_sees_a_signal_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: ControlSignal, status: str, typed: Action | Outcome
) -> None:
    claude = ClaudeCode(os.getpid(), tmp_path, tmp_path)
    claude.file.parent.mkdir()
    claude.file.write_text(json.dumps({"pid": os.getpid(), "status": status}))
    monkeypatch.setattr(control, "in_front", lambda pid: claude if pid == os.getpid() else None)

    assert as_typed(Process(os.getpid(), 0.0), signal) == typed


def test_its_mode_is_nobodys_to_change_and_another_program_knows_no_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "in_front", lambda pid: ClaudeCode(pid, tmp_path, tmp_path) if pid == 1 else None)

    said = [as_typed(Process(1, 0.0), PLAN), as_typed(Process(2, 0.0), CLEAR), as_typed(None, CLEAR)]

    assert [one.reason for one in said if isinstance(one, Outcome)] == [Reason.UNSUPPORTED] * 3


async def test_a_command_line_knows_no_mode_and_can_be_interrupted(tmp_path: Path) -> None:
    backend, session = CommandBackend({}), Session("s1", "command", target={"command": "cat"}, cwd=str(tmp_path))

    assert (await backend.deliver(session, PLAN)).reason is Reason.UNSUPPORTED
    assert (await backend.deliver(session, INTERRUPT)) == (await backend.deliver(session, KeyPress("ctrl-c")))


async def test_a_session_without_claude_code_in_it_offers_nothing(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")

        assert (rig.agent.sessions.known("s1").controls, rig.agent.sessions.known("s1").modes) == ((), ())

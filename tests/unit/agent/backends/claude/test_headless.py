"""What the program may see of the agent's environment, and programs that do not start."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.backends.claude.headless import HeadlessBackend
from agent.backends.claude.launch import environment
from agent.backends.open_questions import NOTHING, Beside
from agent.backends.programs import Places
from agent.domain.claude_question import ToolUse
from agent.domain.command import Ending, Input, Outcome, Reason
from agent.domain.session import Session, SessionState
from agent.services.parking import REST
from tests.integration.agent.backends.notes import Notes
from tests.rigs.agent_rig import eventually


def test_what_tells_of_another_session_and_the_agent_s_secrets_are_not_passed_on() -> None:
    hidden = ["CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "AI_AGENT", "TMUX_PANE", "NVIM", "POINTSMAN_API_KEY"]
    hidden += ["TELEGRAM_BOT_TOKEN", "ALLOWED_CHAT_IDS"]
    shown = ["PATH", "HOME", "ANTHROPIC_API_KEY", "CLAUDE_CONFIG_DIR", "HTTPS_PROXY"]

    seen = environment(dict.fromkeys(hidden + shown, "x"))

    assert seen.keys() - {"CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS"} == set(shown)


def deliver(script: str, folder: Path, patience: float = 30.0) -> Outcome:
    """What becomes of a text for a program that is this shell script; for none when it is empty."""

    async def scene() -> Outcome:
        backend = HeadlessBackend({"HOME": str(folder)}, patience)
        backend.connect(Notes())
        target = {"program": str(folder / "program")}
        outcome = await backend.deliver(Session("s1", "headless", cwd=str(folder), target=target), Input("text"))
        await backend.close()
        return outcome

    if script:
        (folder / "program").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "program").chmod(0o700)
    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("script", "ending", "reason", "words"),
    [
        ("", Ending.FAILED, Reason.BACKEND_ERROR, "install Claude Code"),
        ("echo log in first >&2; exit 1", Ending.FAILED, Reason.BACKEND_ERROR, "exit code 1: log in first"),
        (
            """echo '{"type":"system","subtype":"session_state_changed","state":"running"}'; kill -9 $$""",
            *(Ending.UNCERTAIN, Reason.TARGET_GONE, "ended by SIGKILL"),
        ),
    ],
    ids=["not there", "ends before it began", "ends in the middle"],
)
def test_how_it_ended_before_it_took_the_text_is_told(
    script: str, ending: Ending, reason: Reason, words: str, data_dir: Path
) -> None:
    outcome = deliver(script, data_dir)

    assert (outcome.ending, outcome.reason) == (ending, reason)
    assert words in outcome.detail


def test_a_program_that_says_nothing_leaves_it_uncertain(data_dir: Path) -> None:
    outcome = deliver("exec sleep 60", data_dir, patience=0.1)

    assert (outcome.ending, outcome.reason) == (Ending.UNCERTAIN, Reason.BACKEND_ERROR)


def test_lines_that_are_no_messages_are_passed_over(data_dir: Path) -> None:
    script = """read line
    printf 'no json\\n[]\\n{"type":"result"\\n{"type":7}\\n\\377\\n'
    head -c 20000000 /dev/zero; echo
    uuid=${line#*'"uuid": "'}; echo '{"type":"user","isReplay":true,"uuid":"'${uuid%%'"'*}'"}'; read line"""

    assert deliver(script, data_dir) == Outcome.done()


ASKS = """read line
uuid=${line#*'"uuid": "'}; echo '{"type":"user","isReplay":true,"uuid":"'${uuid%%'"'*}'"}'
state() { echo '{"type":"system","subtype":"session_state_changed","state":"'$1'"}'; }
state requires_action
echo '{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{}}}'
read answer
state idle
read more"""


class Late:
    """Nobody answers: the program is to rest."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> tuple[Mapping[str, object], Beside]:  # noqa: ARG002
        return REST, NOTHING


def test_a_program_that_is_told_to_rest_is_ended_when_it_does_and_its_person_is_waited_for(data_dir: Path) -> None:
    async def scene() -> tuple[Notes, tuple[int, ...]]:
        backend, notes = HeadlessBackend({"HOME": str(data_dir)}), Notes()
        backend.connect(notes, Late())
        (data_dir / "program").write_text(f"#!/bin/sh\n{ASKS}\n")
        (data_dir / "program").chmod(0o700)
        session = Session("s1", "headless", cwd=str(data_dir), target={"program": str(data_dir / "program")})
        await backend.deliver(session, Input("text"))
        await eventually(lambda: notes.states[-1:] == [SessionState.WAITING] and not backend.pids)
        left = backend.pids
        await backend.close()
        return notes, left

    notes, left = asyncio.run(scene())

    assert left == ()
    assert SessionState.IDLE not in notes.states
    assert notes.texts == []


def test_one_more_than_may_run_at_once_is_refused(data_dir: Path) -> None:
    async def scene() -> list[Outcome]:
        backend = HeadlessBackend({"HOME": str(data_dir)}, patience=0.05, places=Places(1))
        backend.connect(Notes())
        (data_dir / "program").write_text("#!/bin/sh\nexec sleep 60\n")
        (data_dir / "program").chmod(0o700)
        target = {"program": str(data_dir / "program")}
        sessions = [Session(name, "headless", cwd=str(data_dir), target=target) for name in ("s1", "s2")]
        outcomes = [await backend.deliver(session, Input("text")) for session in sessions]
        await backend.close()
        return outcomes

    _, refused = asyncio.run(scene())

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.TOO_MANY_SESSIONS)
    assert "1 run here" in refused.detail

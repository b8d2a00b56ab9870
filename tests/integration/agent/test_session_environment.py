"""What Claude Code runs, in a terminal that was there before us, finds its session, and what lets it speak for that."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import psutil

from agent.hooks import forward
from tests.fakes.hook_caller import Program, program
from tests.rigs.agent_rig import Rigs
from tests.waiting import wait_until

NOBODY = "127.0.0.1:1"


def found(file: Path, what: str) -> str:
    """What a shell command of Claude Code prints."""
    return subprocess.run(["sh", "-c", f'. "$0"; {what}', file], check=True, capture_output=True, text=True).stdout


@contextmanager
def nested() -> Iterator[tuple[int, int]]:
    """A program that runs another one."""
    with subprocess.Popen(["sh", "-c", "sleep 1000; exit"]) as outer:
        [inner] = wait_until(psutil.Process(outer.pid).children)
        yield outer.pid, inner.pid
        inner.kill()


async def test_it_finds_its_session_and_a_token_for_it(rigs: Rigs, tmp_path: Path) -> None:
    file = tmp_path / "hook-1.sh"
    file.write_text("export OTHER=kept\n")  # of another hook
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir, environ={"CLAUDE_ENV_FILE": str(file)}) as claude:
            await claude.says("SessionStart", source="startup")
            [session] = rig.agent.sessions.live()
            told = found(file, 'echo "$OTHER $POINTSMAN_SESSION_ID"')
            token = found(file, 'cat "$POINTSMAN_WORKER_TOKEN_FILE"').strip()

    assert told == f"kept {session.session_id}\n"
    assert jwt.decode(token, options={"verify_signature": False})["session"] == session.session_id


async def test_nothing_is_written_behind_the_start(rigs: Rigs, tmp_path: Path) -> None:
    file = tmp_path / "hook-1.sh"
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir, environ={"CLAUDE_ENV_FILE": str(file)}) as claude:
            await claude.says("UserPromptSubmit", prompt="hi")

    assert not file.exists()


async def test_a_program_that_inherits_it_does_not_take_the_talks_place(rigs: Rigs) -> None:
    with nested() as (outermost, within):
        async with rigs.running(NOBODY) as rig:
            outer = Program(rig.data_dir, outermost)
            await outer.says("SessionStart", source="startup")
            [before] = rig.agent.sessions.live()
            inherited = {"POINTSMAN_SESSION_ID": before.session_id, "CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}
            inner = Program(rig.data_dir, within, "99999999-2222-3333-4444-555555555555", environ=inherited)
            await inner.says("SessionStart", source="startup")
            after = rig.agent.sessions.live()

    assert after == (before,)


def test_no_word_of_it_is_taken_for_the_shells_own() -> None:
    odd = 'it\'s $HOME `id` \\ "x"\n; exit'

    told = subprocess.run(["sh", "-c", f"printf %s {forward._quoted(odd)}"], capture_output=True, text=True).stdout

    assert told == odd

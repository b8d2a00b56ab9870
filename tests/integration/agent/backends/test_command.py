"""Shell lines: what they are given, what comes back, how they are stopped."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from agent.backends.command import LAST_WORDS, CommandBackend
from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason
from agent.domain.session import Session
from tests.waiting import wait_until

ENVIRON = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "POINTSMAN_API_KEY": "pmk_secret", "CLAUDE_X": "1", "TERM": "dumb"}


def session(line: str, cwd: Path | None = None) -> Session:
    return Session("s1", "command", cwd=str(cwd or ""), target={"command": line})


def run(line: str, text: str = "", cwd: Path | None = None) -> Outcome:
    return asyncio.run(CommandBackend(ENVIRON).deliver(session(line, cwd), Input(text)))


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("cat", Outcome.done("the text")),
        ("true", Outcome.done()),
        ("echo out; echo err >&2", Outcome.done("out")),
        ("exit 3", Outcome.failed(Reason.EXIT_CODE, "exit code 3")),
        ("echo why; exit 1", Outcome.failed(Reason.EXIT_CODE, "exit code 1: why")),
        ("echo why >&2; exit 1", Outcome.failed(Reason.EXIT_CODE, "exit code 1: why")),
        ("kill -9 $$", Outcome.failed(Reason.EXIT_CODE, "ended by SIGKILL")),
        ("nosuchprogram 2>/dev/null", Outcome.failed(Reason.EXIT_CODE, "exit code 127")),
        ("printf 'a\\033[31mred\\007'", Outcome.done("a[31mred")),
        ("printf '\\377\\376ok'", Outcome.done("ok")),
    ],
)
def test_how_a_run_ends_is_told(line: str, outcome: Outcome) -> None:
    assert run(line, "the text") == outcome


def test_of_much_output_the_end_is_kept() -> None:
    outcome = run("seq 1 100000")

    assert outcome.detail.endswith("99999\n100000")
    assert len(outcome.detail) <= LAST_WORDS


def test_a_text_that_nobody_reads_harms_nothing() -> None:
    assert run("true", "x" * 65536) == Outcome.done()


def test_the_whole_of_a_long_text_arrives() -> None:
    assert run("wc -c", "x" * 65536) == Outcome.done("65536")


def test_it_runs_in_the_session_s_folder(data_dir: Path) -> None:
    assert run("pwd", cwd=data_dir) == Outcome.done(str(data_dir.resolve()))


def test_without_its_folder_nothing_runs(data_dir: Path) -> None:
    outcome = run("pwd", cwd=data_dir / "gone")

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)


def test_of_the_environment_it_sees_only_what_a_shell_needs() -> None:
    outcome = run("env | sed 's/=.*//' | sort | xargs")

    assert set(outcome.detail.split()) - {"_", "PWD", "OLDPWD", "SHLVL"} == {
        *("HOME", "LC_ALL", "PATH", "POINTSMAN_SESSION_ID", "TERM")
    }


def test_it_knows_its_session() -> None:
    assert run("echo $POINTSMAN_SESSION_ID") == Outcome.done("s1")


Runner = Callable[[Coroutine[Any, Any, Outcome]], Outcome]


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_what_it_leaves_in_the_background_does_not_hold_it_up(runner: Runner, data_dir: Path) -> None:
    line = f"sleep 60 & echo $! > {data_dir / 'pid'}; echo started"

    outcome = runner(CommandBackend(ENVIRON).deliver(session(line), Input("")))
    os.kill(int((data_dir / "pid").read_text()), 9)

    assert outcome == Outcome.done("started")


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_ctrl_c_interrupts_the_run_and_all_it_started(runner: Runner, data_dir: Path) -> None:
    async def scene() -> Outcome:
        backend = CommandBackend(ENVIRON)
        inner = "trap 'touch child; exit' INT; touch up; while :; do sleep 0.01; done"
        here = session(f"({inner}); true", data_dir)
        running = asyncio.create_task(backend.deliver(here, Input("")))
        await asyncio.to_thread(wait_until, (data_dir / "up").exists)
        assert await backend.deliver(here, KeyPress("ctrl-c")) == Outcome.done()
        return await running

    outcome = runner(scene())

    assert outcome == Outcome.failed(Reason.EXIT_CODE, "ended by SIGINT")
    assert wait_until((data_dir / "child").exists)


def test_ctrl_c_while_a_run_starts_interrupts_it(data_dir: Path) -> None:
    async def scene() -> Outcome:
        backend = CommandBackend(ENVIRON)
        here = session("touch up; while :; do sleep 0.01; done", data_dir)
        running = asyncio.create_task(backend.deliver(here, Input("")))
        await asyncio.sleep(0)  # to the start of the process
        await asyncio.sleep(0)  # the process is there, asyncio has not said so yet
        wait_until((data_dir / "up").exists)  # and cannot: this blocks its loop
        assert await backend.deliver(here, KeyPress("ctrl-c")) == Outcome.done()
        return await running

    assert asyncio.run(scene()) == Outcome.failed(Reason.EXIT_CODE, "ended by SIGINT")


def test_ctrl_c_without_a_run_says_so() -> None:
    outcome = asyncio.run(CommandBackend(ENVIRON).deliver(session("true"), KeyPress("ctrl-c")))

    assert outcome == Outcome.done("nothing was running")


@pytest.mark.parametrize("trap", ["touch ended; exit", "touch ended"], ids=["in time", "never"])
def test_an_agent_that_stops_ends_the_run(data_dir: Path, trap: str) -> None:
    async def scene() -> bool:
        here = session(f"trap '{trap}' TERM; touch up; while :; do sleep 0.01; done", data_dir)
        running = asyncio.create_task(CommandBackend(ENVIRON).deliver(here, Input("")))
        await asyncio.to_thread(wait_until, (data_dir / "up").exists)
        running.cancel()
        await asyncio.wait([running])
        return running.cancelled()

    assert asyncio.run(scene())
    assert wait_until((data_dir / "ended").exists)


def test_an_agent_that_stops_while_a_run_starts_ends_it_as_gently(data_dir: Path) -> None:
    async def scene() -> bool:
        here = session("trap 'touch ended; exit' TERM; touch up; while :; do sleep 0.01; done", data_dir)
        running = asyncio.create_task(CommandBackend(ENVIRON).deliver(here, Input("")))
        await asyncio.sleep(0)  # to the start of the process
        await asyncio.sleep(0)  # the process is there, asyncio has not said so yet
        wait_until((data_dir / "up").exists)  # and cannot: this blocks its loop
        running.cancel()
        await asyncio.wait([running])
        return running.cancelled()

    assert asyncio.run(scene())
    assert (data_dir / "ended").exists()


def test_a_line_can_always_be_run() -> None:
    assert asyncio.run(CommandBackend(ENVIRON).alive(session("true")))

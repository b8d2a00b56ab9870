"""Panes: found, checked before every write, typed into through whatever mode tmux is in."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from agent import processes
from agent.backends.terminals import tmux
from agent.backends.terminals.tmux import TmuxBackend
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Action, Ending, Input, KeyPress, Outcome, Reason
from agent.domain.errors import Refusal
from agent.domain.session import Process, Session
from tests.integration.agent.backends.stages import QUICK, TmuxServerFixture, TmuxStage
from tests.programs import needed
from tests.waiting import wait_until


@pytest.fixture
def stage(data_dir: Path) -> Iterator[TmuxStage]:
    with closing(TmuxStage(data_dir)) as made:
        yield made


@contextmanager
def pane(folder: Path, *command: str) -> Iterator[TmuxServerFixture]:
    with closing(TmuxServerFixture(folder, command)) as made:
        yield made


def deliver(session: Session, action: Action, backend: TmuxBackend | None = None) -> Outcome:
    return asyncio.run((backend or TmuxBackend(QUICK)).deliver(session, action))


def alive(session: Session) -> bool:
    return asyncio.run(TmuxBackend(QUICK).alive(session))


@pytest.mark.parametrize(
    "modes",
    [
        ["copy-mode"],
        ["clock-mode"],
        ["choose-tree"],
        ["copy-mode", "choose-tree"],
        ["copy-mode", "clock-mode"],
    ],
    ids="+".join,
)
def test_a_pane_is_taken_out_of_tmux_modes_first(stage: TmuxStage, modes: list[str]) -> None:
    pane_id = stage.server.pane
    assert [stage.server.run(mode, "-t", pane_id) for mode in modes]

    outcome = stage.deliver(Input("hello"))

    assert outcome == Outcome.done()
    assert stage.submissions() == [b"hello"]


def test_a_pane_that_is_gone_fails(stage: TmuxStage) -> None:
    session = stage.server.session()
    stage.server.run("split-window", "-t", stage.server.pane, "cat")
    stage.server.run("kill-pane", "-t", stage.server.pane)

    assert not alive(session)
    assert deliver(session, Input("hello")).reason is Reason.TARGET_GONE


def test_another_program_in_the_same_pane_gets_nothing(stage: TmuxStage, data_dir: Path) -> None:
    session = stage.server.session()
    stage.server.run("respawn-pane", "-k", "-t", stage.server.pane, f"cat > {data_dir / 'other'}")
    wait_until((data_dir / "other").exists)

    outcome = deliver(session, Input("hello"))

    assert not alive(session)
    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.TARGET_GONE)
    assert (data_dir / "other").read_bytes() == b""


def test_a_dead_pane_that_tmux_keeps_is_gone(data_dir: Path) -> None:
    with pane(data_dir, "sh", "-c", "echo READY; cat") as server:
        server.run("set-option", "-g", "remain-on-exit", "on")
        server.shows("READY")
        session = server.session()
        deliver(session, KeyPress("ctrl-d"))
        wait_until(lambda: server.run("display-message", "-p", "#{pane_dead}") == "1")

        assert not alive(session)
        assert deliver(replace(session, process=None), Input("x")).reason is Reason.TARGET_GONE


def test_a_program_started_inside_the_pane_may_be_the_registered_one(data_dir: Path) -> None:
    with pane(data_dir, "sh", "-c", f"cat > {data_dir / 'got'}; exit") as server:
        wait_until((data_dir / "got").exists)
        shell = server.session()
        assert shell.process is not None
        inner = child_of(shell.process.pid)

        outcome = deliver(replace(shell, process=inner), Input("hello"))

        assert outcome == Outcome.done()
        wait_until(lambda: (data_dir / "got").read_bytes() == b"hello\n")


def child_of(pid: int) -> Process:
    children = wait_until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    child = processes.identify(int(children[0]))
    assert child is not None
    return child


def test_a_suspended_program_s_shell_gets_nothing(data_dir: Path) -> None:
    got = data_dir / "got"
    rc = data_dir / "rc"
    rc.write_text("PS1='READY$ '; HISTFILE=\n")
    with pane(data_dir, "bash", "--noprofile", "--rcfile", str(rc), "-i") as server:
        server.shows("READY$")
        shell = server.session()
        deliver(shell, Input(f"cat > {got}"))
        wait_until(got.exists)
        assert shell.process is not None
        inner = replace(shell, process=child_of(shell.process.pid))
        deliver(inner, Input("awake"))
        wait_until(lambda: got.read_text() == "awake\n")  # the key throws away what is not read

        suspended = deliver(inner, KeyPress("ctrl-z"))
        outcome = deliver(inner, Input(f"touch {data_dir / 'asleep'}"))
        wait_until(lambda: deliver(shell, Input("fg")) == Outcome.done())  # refused until the shell has noticed
        wait_until(lambda: deliver(inner, Input("again")) == Outcome.done())

        assert suspended == Outcome.done()
        assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
        assert "suspended" in outcome.detail
        wait_until(lambda: got.read_text() == "awake\nagain\n")
        assert not (data_dir / "asleep").exists()


TIDY = """
import os, signal, sys, termios, time, tty
print("UP", flush=True)
before = termios.tcgetattr(0)
tty.setraw(0)
while os.read(0, 1) != b"\\x1a":
    pass
time.sleep(0.3)
termios.tcsetattr(0, termios.TCSANOW, before)
os.kill(0, signal.SIGTSTP)
"""
"""A full-screen program that suspends itself when it has put its screen in order."""


def test_what_follows_a_ctrl_z_waits_until_the_program_has_suspended_itself(data_dir: Path) -> None:
    rc = data_dir / "rc"
    rc.write_text("PS1='READY$ '; HISTFILE=\n")
    (data_dir / "tidy").write_text(TIDY)
    with pane(data_dir, "bash", "--noprofile", "--rcfile", str(rc), "-i") as server:
        server.shows("READY$")
        shell = server.session()
        deliver(shell, Input(f"{sys.executable} -I -S {data_dir / 'tidy'}"))
        server.shows("UP")
        assert shell.process is not None
        inner = replace(shell, process=child_of(shell.process.pid))

        deliver(inner, KeyPress("ctrl-z"))
        outcome = deliver(inner, Input(f"touch {data_dir / 'asleep'}"))
        server.shows("Stopped")

        assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
        assert alive(inner)
        deliver(shell, Input(f"echo > {data_dir / 'seen'}"))
        wait_until((data_dir / "seen").exists)
        assert not (data_dir / "asleep").exists()


def test_a_program_that_ends_while_it_is_typed_into_leaves_doubt(data_dir: Path) -> None:
    with pane(data_dir, "sh", "-c", "stty raw; echo READY; head -c 1") as server:
        server.shows("READY")

        outcome = deliver(server.session(), Input("x" * 401), TmuxBackend(Pace(between=0.5, before_enter=0.0)))

        assert (outcome.ending, outcome.reason) in {
            (Ending.UNCERTAIN, Reason.BACKEND_ERROR),
            (Ending.UNCERTAIN, Reason.TARGET_GONE),
        }


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_server_that_hangs_fails_before_anything_is_typed(
    stage: TmuxStage, runner: Callable[[Coroutine[Any, Any, Outcome]], Outcome]
) -> None:
    session = stage.server.session()
    os.kill(stage.server.pid, signal.SIGSTOP)

    outcome = runner(TmuxBackend(QUICK, limit=0.3).deliver(session, Input("hello")))
    os.kill(stage.server.pid, signal.SIGCONT)

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
    assert stage.submissions() == []


@pytest.mark.parametrize("target", ["main", "main:0", "main:0.0", "main:", "%0", "=main:0"])
def test_any_name_that_tmux_takes_names_the_pane(stage: TmuxStage, target: str) -> None:
    address, found, cwd = tmux.resolve(target, f"{stage.server.socket},{stage.server.pid},0")

    assert address == {"pane": stage.server.pane, "server": stage.server.socket}
    assert found == stage.server.session().process
    assert cwd == str(Path.cwd())


@pytest.mark.parametrize("target", ["%77", "nosuch", "main:9", "main:0.5"])
def test_a_name_without_a_pane_is_refused(stage: TmuxStage, target: str) -> None:
    with pytest.raises(Refusal) as refused:
        tmux.resolve(target, f"{stage.server.socket},{stage.server.pid},0")

    assert refused.value.reason is Reason.TARGET_GONE


def test_a_pane_must_be_named(stage: TmuxStage) -> None:
    with pytest.raises(Refusal) as refused:
        tmux.resolve("", f"{stage.server.socket},{stage.server.pid},0")

    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_without_a_server_a_name_is_refused(data_dir: Path) -> None:
    needed("tmux")
    with pytest.raises(Refusal) as refused:
        tmux.resolve("main", f"{data_dir}/none,1,0")

    assert refused.value.reason is Reason.TARGET_GONE

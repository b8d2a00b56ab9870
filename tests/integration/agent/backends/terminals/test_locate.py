"""Finding the terminal of a program that nobody registered, with real terminals around it."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import processes
from agent.backends.terminals.locate import NOWHERE, Location, locate
from agent.domain.session import Process
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.programs import needed
from tests.waiting import wait_until

# Starts a program and says its pid, as a shell in a terminal does.
STARTS = (
    "import subprocess, sys; p = subprocess.Popen(sys.argv[2:]); open(sys.argv[1], 'w').write(str(p.pid)); p.wait()"
)


@pytest.fixture
def pid_file(data_dir: Path) -> Path:
    return data_dir / "pid"


@pytest.fixture
def tmux(data_dir: Path, pid_file: Path) -> Iterator[TmuxServerFixture]:
    server = TmuxServerFixture(data_dir, [sys.executable, "-I", "-c", STARTS, str(pid_file), "sleep", "1000"])
    yield server
    server.close()


def environ(tmux: TmuxServerFixture) -> dict[str, str]:
    return {"TMUX": f"{tmux.socket},{tmux.pid},0", "TMUX_PANE": tmux.pane}


def started(pid_file: Path) -> Process:
    wait_until(lambda: pid_file.exists() and pid_file.read_text())
    found = processes.identify(int(pid_file.read_text()))
    assert found is not None
    return found


def found(program: Process, environ: dict[str, str]) -> Location:
    return asyncio.run(locate(program, environ))


def test_a_program_below_a_panes_shell_is_in_that_pane(tmux: TmuxServerFixture, pid_file: Path) -> None:
    location = found(started(pid_file), environ(tmux))

    assert location == Location("tmux", {"pane": tmux.pane, "server": tmux.socket})


def test_a_pane_that_the_program_only_inherited_is_not_taken(tmux: TmuxServerFixture) -> None:
    elsewhere = processes.identify(tmux.pid)
    assert elsewhere is not None

    assert found(elsewhere, environ(tmux)) == NOWHERE


@pytest.mark.parametrize("wrong", [{"TMUX_PANE": "%99"}, {"TMUX_PANE": ""}, {"TMUX": "/nonexistent,1,0"}, {"TMUX": ""}])
def test_a_pane_that_is_not_there_is_not_taken(tmux: TmuxServerFixture, pid_file: Path, wrong: dict[str, str]) -> None:
    assert found(started(pid_file), {**environ(tmux), **wrong}) == NOWHERE


def test_the_nearer_of_nvim_and_tmux_is_taken(data_dir: Path, pid_file: Path) -> None:
    script = f"call jobstart(['{sys.executable}', '-I', '-c', \"{STARTS}\", '{pid_file}', 'sleep', '1000'])"
    needed("nvim")
    tmux = TmuxServerFixture(data_dir, ["nvim", "--clean", "--listen", str(data_dir / "nvim"), "-c", script])
    try:
        program = started(pid_file)
        location = found(program, {**environ(tmux), "NVIM": str(data_dir / "nvim")})
        job = processes.lineage(program)[1][0]
    finally:
        tmux.close()

    assert location == Location("nvim", {"socket": str(data_dir / "nvim"), "job": str(job)})

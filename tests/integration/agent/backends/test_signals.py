"""`pointsman run` started where signals are ignored: its program is as usual, and is left alone as we are."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.ignoring import LAUNCHER, kept_from_process
from tests.integration.agent.backends.terminal import Terminal
from tests.waiting import wait_until

RUN = (sys.executable, "-I", "-m", "pointsman", "run", "--", "sh", "-c")


@pytest.fixture(params=["cat"])
def terminal(data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    launched = [*LAUNCHER, "env", f"POINTSMAN_DATA_DIR={data_dir}", *RUN, f"echo READY; exec {request.param}"]
    with closing(Terminal(launched)) as one:
        one.shows(b"READY")
        yield one


def program(terminal: Terminal, name: str = "cat") -> psutil.Process:
    """What runs in the terminal."""
    found: psutil.Process = wait_until(
        lambda: [one for one in psutil.Process(terminal.pid).children(recursive=True) if one.name() == name]
    )[0]
    return found


def test_the_program_ignores_nothing(terminal: Terminal) -> None:
    assert kept_from_process(program(terminal).pid) == set()


def test_ctrl_c_reaches_it(terminal: Terminal) -> None:
    program(terminal)
    terminal.type(b"\x03")

    assert terminal.exit_code() == 128 + signal.SIGINT


@pytest.mark.parametrize("terminal", ["sleep 600"], indirect=True)
def test_the_end_of_its_host_hangs_up_on_it(terminal: Terminal) -> None:
    running = program(terminal, "sleep")
    terminal.signal(signal.SIGKILL)

    wait_until(lambda: not running.is_running() or running.status() == psutil.STATUS_ZOMBIE)


def test_a_hang_up_that_does_not_concern_us_does_not_concern_it(terminal: Terminal) -> None:
    program(terminal)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        terminal.signal(number)
    terminal.type(b"still here\r")

    terminal.shows(b"still here\r\nstill here")

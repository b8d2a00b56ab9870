"""Which programs people have open, found among all processes."""

import os
import pty
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.backends.joined.programs import ALL_AGAIN, YOUNG, Programs
from tests.waiting import wait_until

NAME = "pm-sought"  # of no other program here


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """One that is called so, and waits for what is typed."""
    made = tmp_path / NAME
    shutil.copy(shutil.which("cat") or "/bin/cat", made)
    return made


Opened = Callable[[list[str]], tuple[int, int]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens a terminal with a program: its pid, and the other end."""
    begun: list[tuple[int, int]] = []

    def open_it(argv: list[str]) -> tuple[int, int]:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(argv[0], argv)
        begun.append((pid, terminal))
        return pid, terminal

    yield open_it
    for pid, terminal in begun:
        os.close(terminal)  # the end of its input, and a hangup
        os.waitpid(pid, 0)


def pids(programs: Programs) -> list[int]:
    return [one.process.pid for one in programs.look()]


def test_one_that_is_opened_between_two_looks_is_found_and_gone_when_it_has_ended(
    opened: Opened, program: Path
) -> None:
    programs = Programs({NAME})
    before = pids(programs)

    pid, terminal = opened([str(program)])
    wait_until(lambda: pids(programs) == [pid])
    os.write(terminal, b"\x04")
    wait_until(lambda: pids(programs) == [])

    assert before == []


def test_a_shell_that_has_become_one_after_long_is_found(opened: Opened, program: Path) -> None:
    programs = Programs({NAME})
    pid, terminal = opened(["/bin/sh", "-c", f"read -r _; exec {program}"])
    old = [pids(programs) for _ in range(YOUNG + 1)]

    os.write(terminal, b"go on\n")
    wait_until(lambda: Path(f"/proc/{pid}/comm").read_text().strip() == NAME)
    looked = [pids(programs) for _ in range(ALL_AGAIN)]

    assert not any(old)
    assert [pid] in looked

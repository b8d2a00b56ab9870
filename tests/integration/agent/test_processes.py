"""Processes and who is above and below them."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent import processes
from tests.waiting import wait_until


@pytest.fixture
def shell(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A shell that waits for one in which a program runs."""
    line = f"sh -c 'sleep 600 & echo $! > {tmp_path / 'pid'}; wait'; true"
    with subprocess.Popen(["sh", "-c", line], start_new_session=True) as process:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        yield process
        os.killpg(process.pid, 9)


@pytest.mark.parametrize("by_kernel", [True, False])
def test_all_below_a_process_are_found(
    shell: "subprocess.Popen[bytes]", tmp_path: Path, by_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = int((tmp_path / "pid").read_text())
    if not by_kernel:
        monkeypatch.setattr(processes, "below", processes._below)

    found = processes.below(shell.pid)

    assert (len(found), program in found, shell.pid in found) == (2, True, False)
    assert processes.below(program) == []


def test_a_process_is_within_itself_and_all_that_are_above_it(shell: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    program = int((tmp_path / "pid").read_text())

    within = [processes.is_within_tree(program, root) for root in (program, shell.pid, os.getpid())]
    others = [processes.is_within_tree(pid, root) for pid, root in ((shell.pid, program), (os.getpid(), shell.pid))]

    assert (within, others) == ([True] * 3, [False] * 2)


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()

    assert processes.below(gone.pid) == []
    assert not processes.is_within_tree(gone.pid, os.getpid())
    assert not processes.is_within_tree(os.getpid(), gone.pid)


def test_a_process_stays_the_same_though_somebody_sets_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    before = processes.identify(os.getpid())
    assert before is not None
    boot_time, told = psutil.boot_time(), psutil.Process().create_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot_time + 3600)

    assert processes.is_running(before)
    assert before.started == pytest.approx(told, abs=2)

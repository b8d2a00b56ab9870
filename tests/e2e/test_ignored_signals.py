"""Started by `nohup pointsman up &`: it outlives its terminal, and what it starts can be stopped as always."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import System, running
from tests.ignoring import LAUNCHER, kept_from, kept_from_process
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

REPORT = "cat /proc/self/status > '{file}.new'; mv '{file}.new' '{file}'; exec sleep 600"
NO_TERMINAL = {signal.SIGTTOU}  # says nothing to those that have none


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    claude = tmp_path / "claude"
    claude.write_text(f"#!/bin/sh\n{REPORT.format(file=tmp_path / 'of claude')}")
    claude.chmod(0o700)
    with running(tmp_path, ("setsid", *LAUNCHER), PATH=f"{tmp_path}:{os.environ['PATH']}") as system:
        yield system


def test_what_it_starts_ignores_nothing_and_ctrl_c_from_afar_ends_it(system: System, tmp_path: Path) -> None:
    status = tmp_path / "of a command"
    name = system.cli("session", "register", "--command", REPORT.format(file=status)).split()[-1]
    system.cli("send", name, "go")
    headless = system.cli("session", "register", "--headless", PATH=f"{tmp_path}:{os.environ['PATH']}").split()[-1]
    system.cli("send", headless, "go")
    wait_until(lambda: status.exists() and (tmp_path / "of claude").exists(), 20)
    programs = [system.programs(name)[0].pid for name in ("router", "agent", "courier", "adapter-http")]
    system.cli("key", name, "ctrl-c")
    [ended] = wait_until(lambda: system.cli("commands", "--json", "--state", "failed"), 20)

    assert kept_from(status.read_text()) <= NO_TERMINAL
    assert kept_from((tmp_path / "of claude").read_text()) <= NO_TERMINAL
    assert [kept_from_process(pid) - NO_TERMINAL for pid in programs] == [set()] * len(programs)
    assert "SIGINT" in ended["detail"]


def test_the_end_of_its_terminal_does_not_end_it(system: System) -> None:
    before = [one.pid for one in system.programs("agent")]
    os.killpg(os.getpgid(system.pid), signal.SIGHUP)

    assert system.cli("session", "register", "--command", "cat")
    assert [one.pid for one in system.programs("agent")] == before

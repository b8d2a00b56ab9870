"""The program: what it says, how it ends."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from agent.cli import main
from tests.rigs.agent_rig import ROOT, Rigs
from tests.rigs.scripted_link import running_router
from tests.waiting import PATIENCE


def test_a_machine_that_is_not_enrolled_is_told_how(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main({"POINTSMAN_DATA_DIR": str(data_dir)})

    assert code == 4
    expected = "This machine is not enrolled yet. Run `pointsman enroll ROUTER TOKEN`.\n"
    assert capsys.readouterr().err == expected


def test_a_wrong_setting_is_named(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main({"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_ROUTER": "nowhere"})

    assert code == 2
    assert "POINTSMAN_ROUTER" in capsys.readouterr().err


async def start(data_dir: Path) -> asyncio.subprocess.Process:
    program = "import os, sys; from agent.cli import main; sys.exit(main(os.environ))"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env={**os.environ, "POINTSMAN_DATA_DIR": str(data_dir)},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ready(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await asyncio.wait_for(process.stdout.readline(), PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_when_it_is_ready_and_a_signal_ends_it_cleanly(rigs: Rigs, number: signal.Signals) -> None:
    async with running_router() as router:
        rigs.enrol(router.address)
        process = await start(rigs.data_dir)
        line = await ready(process)
        link = await router.welcomed()
        process.send_signal(number)
        goodbye = await link.next("goodbye")
        await asyncio.wait_for(process.communicate(), PATIENCE)

    assert line == b"ready agent devbox\n"
    assert goodbye.will_return
    assert process.returncode == 0


async def test_a_second_program_on_the_same_data_says_so_and_fails(rigs: Rigs) -> None:
    async with running_router() as router, rigs.child(router.address):
        process = await start(rigs.data_dir)
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)

    assert process.returncode == 1
    assert b"already running" in said

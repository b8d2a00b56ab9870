"""Programs that are run for their answer."""

import asyncio
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from agent.backends.spawning import exit_code

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
LONG = ["sleep", "1000.25"]  # nobody else's


def sleepers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            if child.cmdline() == LONG:
                found.append(child)
    return found


async def gone() -> bool:
    """Whether all programs are gone within ten seconds."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, sleepers(), 10)
    return not alive


async def test_a_programs_code_and_words_come_back(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+b") as said:
        code = await exit_code(["sh", "-c", "echo hello; exit 3"], 10, stdout=said, stderr=said)

    assert (code, (tmp_path / "said").read_bytes()) == (3, b"hello\n")


async def test_what_cannot_be_started_says_so() -> None:
    with pytest.raises(FileNotFoundError):
        await exit_code(["/nonexistent/program"], 10, **QUIET)


async def test_what_takes_too_long_is_killed() -> None:
    with pytest.raises(TimeoutError):
        await exit_code(LONG, 0.01, **QUIET)

    assert await gone()


async def test_what_nobody_waits_for_any_more_is_killed() -> None:
    waiting = asyncio.create_task(exit_code(LONG, 100, **QUIET))
    while not sleepers():
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await gone()


async def test_many_that_hang_hold_up_no_other() -> None:
    hanging = [asyncio.create_task(exit_code(LONG, 100, **QUIET)) for _ in range(40)]
    while len(sleepers()) < len(hanging):
        await asyncio.sleep(0)

    assert await exit_code(["true"], 10, **QUIET) == 0

    for one in hanging:
        one.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert await gone()

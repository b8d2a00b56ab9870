"""Programs that are run for their answer, one after the other while somebody waits for a text to be typed."""

import asyncio
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO


def unavailable(program: str, package: str, error: OSError) -> str:
    """What to tell a person whose program cannot be started."""
    if isinstance(error, FileNotFoundError):
        return f"{program} is not installed here, or not on the PATH: install {package}"
    return f"{program} cannot be started: {error.strerror}"


async def exit_code(
    command: Sequence[str],
    limit: float,
    *,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> int:
    """Run it to its end, within `limit` seconds; it is killed if that passes, or if nobody waits any more.

    Raises OSError when it cannot be started, and TimeoutError. uvloop's own way to start a program forks, which copies
    the agent's page tables while the loop waits; subprocess takes vfork(2), and a quarter of the time.
    """
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)  # noqa: ASYNC220 -- not for long
    waiting = ThreadPoolExecutor(1)  # its own: programs that hang must not use up threads that others wait for
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(waiting, process.wait), limit)
    finally:
        if process.returncode is None:
            process.kill()  # it would answer nobody
        waiting.shutdown(wait=False)

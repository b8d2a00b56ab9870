"""Programs that are run for their answer, one after the other while somebody waits for a text to be typed."""

import asyncio
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

PATIENCE = 5.0  # seconds for a version, which mostly takes 0.1 s; the router waits for a hello for 10
_VERSION = re.compile(rb"[0-9][0-9A-Za-z.+-]{0,40}")
# What tells of the session that the agent was started from, or is the agent's own and no business of others.
_STRIPPED = ("CLAUDE", "AI_AGENT", "TMUX", "NVIM", "POINTSMAN_", "TELEGRAM_", "ALLOWED_")
# How a person has set their programs up, all the same.
_KEPT = (
    *("CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"),
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
)


def shown(environ: Mapping[str, str]) -> dict[str, str]:
    """What a coding agent that we start gets to see of our environment."""
    return {name: value for name, value in environ.items() if name in _KEPT or not name.startswith(_STRIPPED)}


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


async def version_of(program: str, environ: Mapping[str, str]) -> str:
    """What it says of its version; empty where it does not, or not in time."""
    silent = asyncio.subprocess.DEVNULL
    try:
        asked = await asyncio.create_subprocess_exec(
            program, "--version", env=environ, stdin=silent, stdout=asyncio.subprocess.PIPE, stderr=silent
        )
    except OSError:
        return ""
    try:
        said, _ = await asyncio.wait_for(asked.communicate(), PATIENCE)
    except TimeoutError:
        return ""
    finally:
        if asked.returncode is None:  # it hangs, or the agent stops
            asked.kill()
            await asked.wait()
    match = _VERSION.search(said)
    return match[0].decode() if match else ""

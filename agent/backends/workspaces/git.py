"""git as we call it: with arguments alone, no hooks, no questions, a time limit, and of two in one place one waits."""

import asyncio
import fcntl
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from agent.domain.command import Reason
from agent.domain.errors import Refusal
from agent.processes import give_limits_back

QUICK, SLOW = 120.0, 1800.0
"""Seconds for what looks at the disk, and for what comes over a network or copies a repository."""

_LOOK_AGAIN = 0.2  # seconds between tries to get a lock
_SEEN = frozenset({
    "HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "HTTP_PROXY",
    "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS",
})  # fmt: skip
_OURS = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "GIT_OPTIONAL_LOCKS": "0"}
# What is checked out may bring attributes, and whoever was in a tree settings: neither runs anything in our calls.
_FLAGS = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never",
    "-c", "protocol.file.allow=user", "-c", "submodule.recurse=false", "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
)  # fmt: skip
_MOST_WORDS = 600  # characters of its complaint that people are told


class GitFailed(Refusal):
    """git did not do it; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(Reason.WORKSPACE_FAILED, text)


@dataclass(frozen=True)
class Git:
    """Runs it in a folder, with a part of the agent's environment.

    `held` are descriptors of locks. A git that outlives an agent which was killed has them, too: so the next agent
    waits for it, and two never write in one place.
    """

    environ: Mapping[str, str]
    at: Path = Path("/")
    slow: float = SLOW
    held: tuple[int, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)

    def within(self, folder: Path, **more: str) -> "Git":
        """The same in another folder, with more in its environment."""
        return replace(self, at=folder, more={**self.more, **more})

    @asynccontextmanager
    async def alone(self, lock: Path) -> AsyncIterator["Git"]:
        """The same while nobody else has this lock. Raises GitFailed where somebody has it for too long."""
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await self._locked(descriptor, lock)
            yield replace(self, held=(*self.held, descriptor))
        finally:
            os.close(descriptor)

    async def run(self, *words: str, is_slow: bool = False, given: bytes = b"") -> bytes:
        """Its output. Raises GitFailed."""
        environ = {name: value for name, value in self.environ.items() if name in _SEEN} | dict(self.more)
        # A file, as a pipe would be closed by a git that has ended, and uvloop takes that for our mistake.
        source = _file(given) if given else None
        try:
            process = await asyncio.create_subprocess_exec(
                "git", *_FLAGS, *words,
                cwd=self.at, env=environ | _OURS, preexec_fn=give_limits_back, pass_fds=self.held,
                stdin=source or asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # without a terminal nothing in it can ask for a password
            )  # fmt: skip
        except OSError as error:
            raise GitFailed(f"git cannot be started: {error.strerror}") from None
        finally:
            if source is not None:
                source.close()
        limit = self.slow if is_slow else QUICK
        try:
            said, complaint = await asyncio.wait_for(process.communicate(), limit)
        except TimeoutError:
            raise GitFailed(f"git {words[0]} did not end within {limit:.0f} s.") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            why = complaint.decode(errors="replace").strip()[-_MOST_WORDS:] or f"exit code {process.returncode}"
            raise GitFailed(f"git {words[0]} failed: {why}")
        return said

    async def line(self, *words: str) -> str:
        """Its output, where that is one line; empty where it fails."""
        try:
            return (await self.run(*words)).decode(errors="replace").strip()
        except GitFailed:
            return ""

    async def _locked(self, descriptor: int, lock: Path) -> None:
        try:
            async with asyncio.timeout(self.slow):
                while True:
                    with suppress(BlockingIOError):
                        return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            raise GitFailed(f"Something else has {lock.name} for {self.slow:.0f} s already.") from None


def _file(content: bytes) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- whoever asks closes it
    file.write(content)
    file.seek(0)
    return file

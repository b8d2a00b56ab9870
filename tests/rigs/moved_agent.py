"""The real agent as a process of its own, whose time a test moves on.

`python -m tests.rigs.moved_agent` takes its settings from the environment, as `pointsman agent` does, and seconds to
move on from its standard input, a line each.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from agent.app import run
from agent.backends.acp.table import table
from agent.backends.registry import backends
from agent.config import Config
from tests.integration.router.movable import MovableLoop, MovableTime

ROOT = Path(__file__).resolve().parents[2]
# As `pointsman` starts one: beside load a program that it forks else dies of gRPC's handlers, once in ten times.
_FORKS = {"GRPC_ENABLE_FORK_SUPPORT": "0", "PYTHONPATH": str(ROOT)}


class MovedAgent:
    """Such a process, begun anew as often as one likes on its data."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self._environ, self._log = dict(environ), log
        self._skipped = 0.0
        self._process: subprocess.Popen[str]

    def start(self) -> None:
        """Come back once it works."""
        with self._log.open("ab") as log:
            argv = [sys.executable, "-m", "tests.rigs.moved_agent"]
            self._process = subprocess.Popen(
                argv, env=self._environ | _FORKS, cwd="/", text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._heard("ready")
        if self._skipped:
            self._say(self._skipped)

    def advance(self, seconds: float) -> None:
        """Come back once its time is later."""
        self._skipped += seconds
        self._say(seconds)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate(timeout=60)

    def log(self) -> str:
        return self._log.read_text()

    def _say(self, seconds: float) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        self._heard("moved")

    def _heard(self, word: str) -> None:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith(word), f"{line!r}\n{self.log()[-3000:]}"


def _move(loop: asyncio.AbstractEventLoop, time: MovableTime) -> None:
    for line in sys.stdin:
        time.skipped += float(line)
        loop.call_soon_threadsafe(lambda: print("moved", flush=True))  # wakes the loop, which then looks at its timers


def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    config, time = Config.from_environ(os.environ), MovableTime()
    hands = backends(
        os.environ, config.max_sessions, config.trusted_folders, config.workers, table(config.agents), config.records,
        None, config.model, config.histories, config.prompts,
    )  # fmt: skip
    with asyncio.Runner(loop_factory=lambda: MovableLoop(time)) as runner:
        threading.Thread(target=_move, args=(runner.get_loop(), time), daemon=True).start()
        runner.run(run(config, hands, lambda name: print(f"ready {name}", flush=True), time))


if __name__ == "__main__":
    main()

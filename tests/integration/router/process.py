"""The router as a process of its own, for what only a process can do: be told to stop, and be killed."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.integration.router.harness import API_KEY
from tests.waiting import PATIENCE

PROGRAM = "import os, sys; from router.cli import main; sys.exit(main(os.environ))"


class RouterProcess:
    """One started router."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "POINTSMAN_DATA_DIR": str(data_dir),
            "POINTSMAN_ROUTER_LISTEN": "127.0.0.1:0",
            "POINTSMAN_API_KEY": API_KEY,
        }
        self.log = data_dir / "stderr.txt"
        with self.log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", PROGRAM],
                env=environ | settings,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def address(self) -> str:
        """Where it serves; comes once it says that it is ready."""
        assert self._process.stdout
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        line = self._process.stdout.readline()
        watchdog.cancel()
        watchdog.join()
        assert line.startswith("ready router "), self.log.read_text()
        return line.removeprefix("ready router ").strip()

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, signal_number: int) -> None:
        """Send a signal to it."""
        self._process.send_signal(signal_number)

    def file_limit(self, size: int) -> None:
        """How large a file it may write, in bytes; 1 is a full disk for it, -1 as much as there is."""
        process = psutil.Process(self._process.pid)
        process.rlimit(psutil.RLIMIT_FSIZE, (size, process.rlimit(psutil.RLIMIT_FSIZE)[1]))

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def code(self) -> int:
        """Its exit code, once it is over."""
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.wait(PATIENCE)
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def started(data_dir: Path, **settings: str) -> Iterator[RouterProcess]:
    """A router process that is gone after the block."""
    process = RouterProcess(data_dir, **settings)
    try:
        yield process
    finally:
        process.close()

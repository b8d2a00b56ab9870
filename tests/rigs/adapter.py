"""The adapter's HTTP process, as its supervisor starts it, and settings for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import psutil

from tests.integration.router.harness import API_KEY
from tests.waiting import wait_until

PATH_SECRET, HEADER_SECRET = "path-secret", "header-secret"
WEBHOOK = f"/webhook/telegram/{PATH_SECRET}"
SECRET_HEADER = {"X-Telegram-Bot-Api-Secret-Token": HEADER_SECRET}
CHAT = 99
BOT_TOKEN = "4711:token"
NOWHERE = "http://127.0.0.1:9"  # nobody listens there

PATIENT_HEALTH = "from webhook_adapter.http import health; health._PATIENCE = 60.0"
"""Of one that must not say within two seconds whether its router answers: a busy machine's may take longer."""

_SHORT = """
from webhook_adapter.http.gunicorn import connection, request
connection._WITHIN = request._WITHIN = 0.5
"""
_START = "import os, sys; from webhook_adapter.cli import http; sys.exit(http(os.environ))"


def environment(router: str, telegram: str = NOWHERE, **changes: str) -> dict[str, str]:
    """A complete environment for the adapter."""
    return {
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_ROUTER": router,
        "POINTSMAN_HTTP_LISTEN": "127.0.0.1:0",
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": HEADER_SECRET,
        "TELEGRAM_WEBHOOK_PATH_SECRET": PATH_SECRET,
        "TELEGRAM_API_BASE": telegram,
        "ALLOWED_CHAT_IDS": str(CHAT),
        **changes,
    }


class AdapterProcess:
    """One HTTP process; `folder` is where it runs and where its log goes. An impatient one waits for no slow client.
    `first` is what it does before it begins.
    """

    def __init__(self, environ: dict[str, str], folder: Path, *, is_patient: bool = True, first: str = "") -> None:
        self._folder = folder
        self._said = folder / "stdout"
        self._logged = folder / "stderr"
        with self._said.open("w") as out, self._logged.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", f"{first if is_patient else _SHORT}\n{_START}"],
                env={"PATH": os.environ["PATH"], **environ},
                cwd=folder,
                stdout=out,
                stderr=err,
            )

    @property
    def stdout(self) -> str:
        return self._said.read_text()

    @property
    def log(self) -> str:
        return self._logged.read_text()

    @property
    def port(self) -> int:
        """Where it listens; waits for the line that tells."""
        wait_until(lambda: "\n" in self.stdout or self._process.poll() is not None, 30)
        if not self.stdout.startswith("ready adapter http://127.0.0.1:"):
            raise AssertionError(f"not ready: {self.stdout}{self.log}")
        return int(self.stdout.strip().rpartition(":")[2])

    def memory(self) -> int:
        """Bytes that it and its worker hold."""
        started = psutil.Process(self._process.pid)
        return sum(each.memory_info().rss for each in (started, *started.children()))

    def ports_of_clients(self) -> set[int]:
        """At the other ends of its connections."""
        [worker] = psutil.Process(self._process.pid).children()
        return {each.raddr.port for each in worker.net_connections() if each.raddr}

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self._process.send_signal(number)
        return self._process.wait(30)

    def wait(self) -> int:
        """Its exit code, once it ends by itself."""
        return self._process.wait(30)

    def __enter__(self) -> "AdapterProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(30)

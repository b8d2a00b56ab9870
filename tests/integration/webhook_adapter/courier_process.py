"""A courier in a process of its own, between the stand-ins for Telegram and for the router."""

import os
import queue
import signal
import subprocess
import sys
import threading
from types import TracebackType

from tests.fakes.telegram import TelegramStandIn
from tests.rigs.scripted_outbox import ChatLinkStandIn

PROGRAM = "import os, sys; from webhook_adapter.cli import courier; sys.exit(courier(os.environ))"
API_KEY = "pmk_courier"


def environment(telegram: TelegramStandIn, router: str, **settings: str) -> dict[str, str]:
    return {
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_ROUTER": router,
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_BASE": telegram.base_url,
        "TELEGRAM_WEBHOOK_SECRET": "s3cret",
        "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th-s3cret",
        "ALLOWED_CHAT_IDS": "4711",
        **settings,
    }


class CourierProcess:
    """Started at once; `stderr` and `ready` fill while it runs."""

    def __init__(self, environ: dict[str, str]) -> None:
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        command = [sys.executable, "-I", "-c", PROGRAM]
        self.process = subprocess.Popen(
            command, env=base | environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.stderr = ""
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._readers = [threading.Thread(target=self._read_stdout), threading.Thread(target=self._read_stderr)]
        for reader in self._readers:
            reader.start()

    def wait_ready(self) -> str:
        """The line it prints when it is ready."""
        return self._lines.get(timeout=30)

    def terminate(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> int:
        """Kill it where it stands."""
        self.process.kill()
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=30)
        for reader in self._readers:
            reader.join()
        return code

    def __enter__(self) -> "CourierProcess":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.process.kill()
        self.wait()
        sys.stderr.write(self.stderr)

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self._lines.put(line.strip())

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as err:
            for line in err:
                self.stderr += line


def start(telegram: TelegramStandIn, router: ChatLinkStandIn, **settings: str) -> CourierProcess:
    """Start a courier and wait until it is ready."""
    courier = CourierProcess(environment(telegram, router.address, **settings))
    courier.wait_ready()
    return courier

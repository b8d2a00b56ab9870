"""Posts Telegram updates over kept-alive connections and notes when each was sent and answered.

Run as `python -m tests.bench.webhooks BASE FIRST COUNT THREADS`, in a process of its own, so that the poster and
the machine that it waits for do not share one interpreter. Prints {"sent": {text: seconds}, "latencies": […],
"elapsed": seconds}; the clock is CLOCK_MONOTONIC, the same in every process.
"""

import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench.figures import Run
from tests.bench.programs import CHAT_ID, HEADER_SECRET, PATH_SECRET, ROOT

HEADERS = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": HEADER_SECRET}


@dataclass(frozen=True)
class Posted:
    """A run, and when each text was sent."""

    run: Run
    sent: dict[str, float]


class Door:
    """One webhook address; every thread keeps its own connection."""

    def __init__(self, base: str, first: int = 0) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname, parts.port
        self._local = threading.local()
        self._numbers = itertools.count(2_000_001 + first)
        self.sent: dict[str, float] = {}

    def post(self) -> float:
        """Post one message; returns seconds until its 200."""
        number = next(self._numbers)
        text = f"message {number}"
        self.sent[text] = time.perf_counter()
        return self.say(text, number)

    def say(self, text: str, number: int = 0) -> float:
        """Post this text; returns seconds until its 200."""
        body = json.dumps(_update(number or next(self._numbers), text))
        connection = self._connection()
        started = time.perf_counter()
        connection.request("POST", f"/webhook/telegram/{PATH_SECRET}", body, HEADERS)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"webhook answered {response.status}")
        return time.perf_counter() - started

    def get(self, path: str) -> float:
        """Get something that costs nothing; returns seconds."""
        connection = self._connection()
        started = time.perf_counter()
        connection.request("GET", path)
        connection.getresponse().read()
        return time.perf_counter() - started

    def close(self) -> None:
        """Close the connection of the thread that says so."""
        self._connection().close()

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._host or "", self._port)
            self._local.connection.connect()
            self._local.connection.sock.setsockopt(6, 1, 1)  # TCP_NODELAY: measure the server, not Nagle
        connection: http.client.HTTPConnection = self._local.connection
        return connection


def flood(base: str, first: int, count: int, threads: int) -> Posted:
    """Post `count` messages from so many threads of another process."""
    argv = [sys.executable, "-m", "tests.bench.webhooks", base, str(first), str(count), str(threads)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr)
    told = json.loads(done.stdout)
    return Posted(Run(told["latencies"], told["elapsed"]), told["sent"])


def _flood(base: str, first: int, count: int, threads: int) -> None:
    door = Door(base, first)
    if threads == 1:
        started = time.perf_counter()
        latencies = [door.post() for _ in range(count)]
    else:
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            latencies = list(pool.map(lambda _: door.post(), range(count)))
    elapsed = time.perf_counter() - started
    json.dump({"sent": door.sent, "latencies": latencies, "elapsed": elapsed}, sys.stdout)


def _update(number: int, text: str) -> dict[str, object]:
    person = {"id": CHAT_ID, "is_bot": False, "first_name": "Ada"}
    chat = {"id": CHAT_ID, "type": "private", "first_name": "Ada"}
    message = {"message_id": number, "date": 1_700_000_000, "from": person, "chat": chat, "text": text}
    return {"update_id": number, "message": message}


if __name__ == "__main__":
    _flood(sys.argv[1], *map(int, sys.argv[2:5]))

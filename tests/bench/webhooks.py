"""Posts Telegram updates over kept-alive connections and notes when each was sent and answered."""

import http.client
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.bench.figures import Run
from tests.bench.programs import CHAT_ID, HEADER_SECRET, PATH_SECRET

HEADERS = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": HEADER_SECRET}


class Door:
    """One webhook address; every thread keeps its own connection."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname, parts.port
        self._local = threading.local()
        self._numbers = itertools.count(2_000_001)
        self.sent: dict[str, float] = {}  # by text: perf_counter seconds

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

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._host or "", self._port)
            self._local.connection.connect()
            self._local.connection.sock.setsockopt(6, 1, 1)  # TCP_NODELAY: measure the server, not Nagle
        connection: http.client.HTTPConnection = self._local.connection
        return connection


def flood(door: Door, count: int, threads: int) -> Run:
    """Post `count` messages from so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        latencies = list(pool.map(lambda _: door.post(), range(count)))
        return Run(latencies, time.perf_counter() - started)


def _update(number: int, text: str) -> dict[str, object]:
    person = {"id": CHAT_ID, "is_bot": False, "first_name": "Ada"}
    chat = {"id": CHAT_ID, "type": "private", "first_name": "Ada"}
    message = {"message_id": number, "date": 1_700_000_000, "from": person, "chat": chat, "text": text}
    return {"update_id": number, "message": message}

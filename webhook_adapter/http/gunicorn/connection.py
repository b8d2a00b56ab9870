"""A client's connection, for which no thread waits: its request comes in, and its answer goes out, by itself."""

import json
import socket
import tempfile
import time
from contextlib import suppress
from io import SEEK_END
from typing import Any

from gunicorn.config import Config
from gunicorn.workers import gthread

from webhook_adapter.auth import peer_of
from webhook_adapter.http.gunicorn.request import Refused, Request

_PIECE = 64 * 1024  # bytes that go to the kernel at once, and that an answer may hold in memory
_UNSENT = 16 * 1024  # bytes that the kernel may hold beside those that a client has room for
_PIECES = 16  # at most before others have their turn
_WITHIN = 30.0  # seconds to take an answer, and beside them
_LEAST_RATE = 16 * 1024  # a second for so many bytes of it


def keep_little_unsent(listener: Any) -> None:  # noqa: ANN401 - gunicorn's wrapper of a socket
    """Of answers that its clients do not read the kernel is to take few, not some megabytes.

    Who asks far ahead and reads nothing is served no further then, and has cost two answers and not two hundred.
    """
    with suppress(AttributeError, OSError):  # a system or a kind of socket without it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)


class AnswerSocket(socket.socket):
    """A socket that never waits: what the kernel does not take at once is kept, in a file where it is much."""

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(fileno=taken.detach())
        super().setblocking(False)  # noqa: FBT003
        self._parts: list[bytes] = []  # of an answer, not given to the kernel yet
        self._size = 0
        self._kept: Any = None  # a file, and at its end what is left of it
        self._left = 0
        self._gone = 0  # bytes of the answer

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001
        """It stays as it is, whatever gunicorn wants for its threads."""

    def settimeout(self, value: float | None, /) -> None:
        """As above."""

    def sendall(self, data: Any, _flags: int = 0, /) -> None:  # noqa: ANN401 - whatever holds bytes
        """Take a part of an answer. A small one is sent as one piece when `flush` is called."""
        self._parts.append(part := bytes(data))
        self._size += len(part)
        if self._size >= _PIECE:
            self.flush()

    def flush(self) -> bool:
        """Give the kernel what it takes; whether all has gone. Raises OSError where the client has."""
        data, self._size = b"".join(self._parts), 0
        self._parts.clear()
        if not self._left:
            data = data[self._give(data) :]
        if data:
            self._keep(data)
        for _ in range(_PIECES):
            if not self._left or not self._send_kept():
                break
        if not self._left:
            self._gone = 0
        return not self._left

    def is_slow(self, since: float, now: float) -> bool:
        """Whether its client takes longer for the answer than it may."""
        return now > since + _WITHIN + self._gone / _LEAST_RATE

    def say_go_on(self) -> None:
        """Ask for the body that the client holds back. An interim answer is the first thing sent, so there is room."""
        self._give(b"HTTP/1.1 100 Continue\r\n\r\n")

    def close(self) -> None:
        """With what was kept for it."""
        if self._kept is not None:
            self._kept.close()
        super().close()

    def _give(self, data: bytes) -> int:
        try:
            sent = super().send(data) if data else 0
        except BlockingIOError:
            return 0
        self._gone += sent
        return sent

    def _keep(self, data: bytes) -> None:
        if self._kept is None:
            self._kept = tempfile.SpooledTemporaryFile(max_size=_PIECE)  # noqa: SIM115 - closed with the socket
        self._kept.seek(0, SEEK_END)
        self._kept.write(data)
        self._left += len(data)

    def _send_kept(self) -> bool:
        """Send a piece of it; whether the kernel took it whole."""
        self._kept.seek(-self._left, SEEK_END)
        piece = self._kept.read(_PIECE)
        sent = self._give(piece)
        self._left -= sent
        if not self._left:
            self._kept.close()
            self._kept = None
        return sent == len(piece)


class Connection(gthread.TConn):  # type: ignore[misc]
    """One client, with the request that it sends."""

    def __init__(self, cfg: Config, taken: socket.socket, client: Any, server: Any) -> None:  # noqa: ANN401
        super().__init__(cfg, AnswerSocket(taken), client, server)
        self.initialized = self.data_ready = True  # a thread has nothing to wait for
        self.peer = peer_of(client[0])
        self.request = Request(b"", time.monotonic())
        self.is_kept = True  # for another request
        self.is_ahead = False  # the request came before the answer to the one before it went
        self.pool: Any = None  # where it waits
        self.events = 0  # that the poller looks for; kept while it is served, which is mostly soon over
        self.since = 0.0  # when it began to
        self.read_away = 0  # bytes behind the last answer


def refusal(refused: Refused) -> bytes:
    """An answer to a request that no thread has seen, as the application's own."""
    body = json.dumps({"error": str(refused), "code": refused.status.name}).encode()
    head = (
        f"HTTP/1.1 {refused.status} {refused.status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body

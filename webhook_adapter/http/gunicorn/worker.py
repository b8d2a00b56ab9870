"""gunicorn's threaded worker, made patient: a client that sends slowly occupies no thread.

gunicorn gives a connection a thread as soon as its first byte is there, and lets it keep that thread until the request
is whole. Sixteen slow clients would then be the end of service. Here a thread looks at what the kernel holds, and gives
the connection back to the poller until there is more.
"""

import errno
import logging
import re
import select
import socket
import time

from gunicorn import util
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers import gthread

from webhook_adapter.config import AdapterConfig
from webhook_adapter.logs import log_to_stderr

_HEAD_END = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_NOT_COUNTED = re.compile(rb"\r\n(transfer-encoding|expect):", re.IGNORECASE)

_LOOK = 16 * 1024  # bytes; the kernel takes a multiple of it before it makes the client wait
_WHOLE_WITHIN = 30.0  # seconds to send a request of that size
_READ_WITHIN = 10.0  # seconds that a thread reads, where a request is larger or does not tell its length
_LINGER = 1.0  # seconds to read on after an answer that closes, so that no reset overtakes it
_MOST_LINGERED = 4 * 1024 * 1024  # bytes


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines go where ours go and are formatted there: secrets are blotted out in one place."""

    def setup(self, cfg: Config) -> None:
        """Take gunicorn's own handlers away."""
        super().setup(cfg)
        if not logging.getLogger().handlers:  # gunicorn was started by hand, and nothing of ours has run yet
            log_to_stderr(AdapterConfig.from_process().secrets)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)


class RequestSocket(socket.socket):
    """A connection whose current request is looked at first, and then read by a deadline."""

    whole_by: float | None = None
    _read_by = 0.0

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001
        """The worker sets it to blocking when a thread begins to read."""
        if flag:
            self._read_by = time.monotonic() + _READ_WITHIN
        super().setblocking(flag)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As socket.recv, but a client that is too slow is as good as gone."""
        try:
            return super().recv(bufsize, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            if flags & socket.MSG_PEEK:
                raise
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll(max(0.0, self._read_by - time.monotonic()) * 1000):
            raise ConnectionResetError(errno.ECONNRESET, "the client sends too slowly")
        return super().recv(bufsize)

    def holds_request(self) -> bool:
        """Whether a thread may begin to read. Where it may not, the socket turns readable when more has come."""
        now = time.monotonic()
        self.whole_by = self.whole_by or now + _WHOLE_WITHIN
        try:
            seen = self.recv(_LOOK, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        if seen and not is_readable(seen) and now < self.whole_by and not self._has_hung_up():
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(seen) + 1)
            return False
        self.whole_by = None
        return True

    def _has_hung_up(self) -> bool:
        """Whether nothing more can come: such a socket stays readable, however little there is to read."""
        poll = select.poll()
        poll.register(self, select.POLLRDHUP)
        return bool(poll.poll(0))


def is_readable(seen: bytes) -> bool:
    """Whether these first bytes hold a whole request, or all of it that can be waited for."""
    if len(seen) >= _LOOK:
        return True
    head, end, body = seen.partition(_HEAD_END)
    if not end:
        return False
    if _NOT_COUNTED.search(head):
        return True
    length = _CONTENT_LENGTH.search(head + b"\r\n")
    return length is None or len(body) >= int(length[1]) or len(head) + int(length[1]) >= _LOOK


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """A threaded worker whose threads read only what is there."""

    def handle(self, conn: gthread.TConn) -> object:
        """Serve one request of a connection, or give it back to the poller. Runs in a thread."""
        if not conn.initialized and not isinstance(conn.sock, RequestSocket):
            conn.sock = RequestSocket(fileno=conn.sock.detach())
        ahead = conn.parser is not None and conn.parser.unreader.buf.getvalue()
        if not ahead and not conn.sock.holds_request():
            return gthread._DEFER  # noqa: SLF001
        conn.data_ready = True
        kept = super().handle(conn)
        if kept is False:
            # gunicorn would linger in its one accepting thread, and hold up everyone.
            util.close_graceful(conn.sock, _LINGER, _MOST_LINGERED)
        return kept

"""gunicorn's threaded worker, but that its threads wait for no client, and that what comes most often needs none.

gunicorn gives a connection a thread as soon as its first byte is there, and lets it keep that thread until the request
is whole and its answer taken. Sixteen slow clients would then be the end of service. Here the one loop that accepts
also reads requests, and sends what is left of answers. A thread gets a request that is whole, or is asked whether the
rest of a large one may come, and leaves its answer with the connection. The loop serves by itself what is marked as
`on_loop`: that is short but for waiting for the router, and a change of threads would cost more than all the rest.
"""

import gc
import logging
import selectors
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import get_parser
from gunicorn.http.message import Request as ReadRequest
from gunicorn.workers import gthread

from webhook_adapter.auth import BodyAwaited, BodyToCome
from webhook_adapter.config import AdapterConfig
from webhook_adapter.endpoints import on_loop
from webhook_adapter.http.gunicorn import wsgi
from webhook_adapter.http.gunicorn.connection import Connection, keep_little_unsent, refusal
from webhook_adapter.http.gunicorn.pool import Pool
from webhook_adapter.http.gunicorn.request import Progress, Refused, Request, WholeBody
from webhook_adapter.logs import log_to_stderr
from webhook_adapter.loop import Loop

# Connections at once, and of one peer that is not this machine, where a proxy or a tunnel speaks for everybody.
_REQUESTS, _REQUESTS_OF_A_PEER = 256, 32
_IDLE, _IDLE_OF_A_PEER = 128, 64
_ANSWERS, _ANSWERS_OF_A_PEER = 64, 16

_UNHURRIED = 2  # threads for what crowds do, and hardly anybody else
_READ = 16 * 1024  # bytes at once
_LINGER = 1.0  # seconds to read on after an answer that closes, so that no reset overtakes it
_MOST_LINGERED = 4 * 1024 * 1024  # bytes
_SWEEP = 1.0  # seconds between looks at who is late
_TELL = 60.0  # seconds between lines of log about them

logger = logging.getLogger(__name__)


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


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Waits for clients in its loop, and serves them in its threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own
        super().__init__(*args, **kwargs)
        read, write = selectors.EVENT_READ, selectors.EVENT_WRITE
        self._coming = Pool(read, _REQUESTS, _REQUESTS_OF_A_PEER, self._read, _is_request_late, self._tell_late)
        self._idle = Pool(read, _IDLE, _IDLE_OF_A_PEER, self._read, self._is_idle_for_long, self._end)
        self._going = Pool(write, _ANSWERS, _ANSWERS_OF_A_PEER, self._send, _is_answer_late, self._drop)
        self._closing = Pool(read, _ANSWERS, _ANSWERS_OF_A_PEER, self._read_on, _is_closed_for_long, self._end)
        self._pools = (self._coming, self._idle, self._going, self._closing)
        self._stops_at = float("inf")
        self._notified_at = 0.0
        self._swept_at = self._told_at = time.monotonic()
        self._dropped = 0
        self._on_loop: tuple[bytes, ...] = ()  # how requests begin that it serves

    def init_process(self) -> None:
        """As gunicorn's, after the fork."""
        for listener in self.sockets:
            keep_little_unsent(listener)
        self._unhurried = ThreadPoolExecutor(_UNHURRIED)
        super().init_process()

    def load_wsgi(self) -> None:
        """As gunicorn's; the loop's thread is this one."""
        super().load_wsgi()
        self._on_loop = on_loop(self.wsgi) if isinstance(self.wsgi, Flask) else ()
        self._around = wsgi.surroundings(self.cfg, self.sockets[0].getsockname())
        self._loop = Loop(lambda: self.method_queue.defer(self._loop.go_on), self.tpool)
        gc.collect()
        gc.freeze()  # what is there now stays: a search for garbage among all of it would make requests wait

    def enqueue_req(self, conn: Connection) -> None:
        """Give it to a thread. Nobody waits for strangers with large bodies, and for clients that ask far ahead."""
        is_common = conn.request.is_whole and not conn.is_ahead
        if is_common and conn.request.is_small and conn.request.begins_with(self._on_loop) and self._loop.has_room:
            environ = wsgi.environ(*conn.request.head_and_body(), conn.client, self._around)
            if environ is not None:
                self._loop.run(partial(self._serve_here, conn, environ))
                return
        served = (self.tpool if is_common else self._unhurried).submit(self.handle, conn)
        served.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _serve_here(self, conn: Connection, environ: dict[str, Any]) -> None:
        """In a task of the loop: where it waits for the router, the loop goes on."""
        conn.is_kept = self.alive and wsgi.is_kept(environ)
        try:
            conn.sock.sendall(wsgi.answer(self.wsgi, environ, is_kept=conn.is_kept))
        except Exception:
            logger.exception("request not served")
            refused = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "the adapter failed; its log says why")
            return self._refuse(conn, refused)
        return self._send(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As gunicorn's: a turn of the loop."""
        super().wait_for_and_dispatch_events(timeout)
        self._loop.end_turn()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Control-C. gunicorn's would leave at once, and what the loop serves without an answer."""
        self.handle_exit(sig, frame)

    def notify(self) -> None:
        """As gunicorn's, which sets a file's time at each turn of the loop; once a second is enough."""
        if (now := time.monotonic()) >= self._notified_at + _SWEEP:
            self._notified_at = now
            super().notify()

    def accept(self, listener: socket.socket) -> None:
        """Take a client, which mostly has sent its request already."""
        try:
            taken, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self._read(Connection(self.cfg, taken, client, listener.getsockname()))

    def handle(self, conn: Connection) -> object:
        """Serve a request. Returns whether another may come, or BodyAwaited. Runs in a thread."""
        conn.parser = get_parser(self.cfg, iter(conn.request.head_and_body()), conn.client)
        try:
            kept = super().handle(conn)
            conn.sock.flush()
        except BodyAwaited:
            return BodyAwaited
        # What gunicorn did not read it took for another request: the two of us do not agree on where this one ends.
        return kept and not conn.parser.unreader.read()

    def handle_request(self, req: ReadRequest, conn: Connection) -> object:
        """As gunicorn's; the body is read before the application begins, or is not there."""
        req._expected_100_continue = False  # noqa: SLF001 - the loop says it, where the body has not come by itself
        if conn.request.is_whole:
            _count_body(req)
        else:
            req.body = BodyToCome()
            req.force_close()  # where the application answers without it, the client will not stop sending
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, served: "Future[object]") -> None:
        """A thread is done with it."""
        failed = served.cancelled() or served.exception() is not None
        outcome = not failed and served.result()
        conn.is_kept = outcome is True
        if outcome is not BodyAwaited:
            return self._send(conn)
        try:
            conn.request.let_sender_go_on()
        except Refused as refused:
            return self._refuse(conn, refused)
        return self._look(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's own
        """End those that are late. Called at each turn of the loop."""
        now = time.monotonic()
        if force or now > self._stops_at:
            for conn in [conn for pool in self._pools for conn in pool.members if force or pool.on_ready == self._read]:
                self._end(conn)
        if now < self._swept_at + _SWEEP:
            return
        self._swept_at = now
        self._loop.end_late()
        for pool in self._pools:
            for conn in [each for each in pool.members if pool.is_late(each, now)]:
                pool.on_late(conn)
        if self._dropped and now > self._told_at + _TELL:
            logger.warning("connections ended that were too slow or too many count=%d", self._dropped)
            self._told_at, self._dropped = now, 0

    def murder_pending(self) -> None:
        """There are none of gunicorn's own."""

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: no request begins later than that."""
        self._stops_at = deadline

    def _wait(self, conn: Connection, pool: Pool) -> None:
        """Until it is ready for what the pool does with it."""
        if conn.pool is pool:
            return
        self._leave(conn)
        self._watch(conn, pool.events)
        if has_to_go := pool.join(conn, time.monotonic()):
            self._drop(has_to_go)

    def _leave(self, conn: Connection) -> None:
        if conn.pool is not None:
            conn.pool.leave(conn)

    def _watch(self, conn: Connection, events: int) -> None:
        """Have the poller look for these."""
        if conn.events and not events:
            self.poller.unregister(conn.sock)
        elif conn.events != events:
            watch = self.poller.modify if conn.events else self.poller.register
            watch(conn.sock, events, partial(self._ready, conn))
        conn.events = events

    def _ready(self, conn: Connection, _: object) -> None:
        if conn.pool is not None:
            conn.pool.on_ready(conn)
        else:  # more comes while it is being served; or it had to go since the poller saw it
            self._watch(conn, 0)

    def _read(self, conn: Connection) -> None:
        """Take what has come of a request."""
        try:
            data = conn.sock.recv(_READ)
        except BlockingIOError:
            return self._wait(conn, conn.pool or self._coming)
        except OSError:
            data = b""
        if not data:
            return self._end(conn)
        if conn.pool is self._idle:  # its time begins now
            conn.request = Request(data, time.monotonic())
        else:
            conn.request.add(data)
        return self._look(conn)

    def _look(self, conn: Connection) -> None:
        """Give it to a thread, or wait for more."""
        try:
            progress = conn.request.progress()
        except Refused as refused:
            return self._refuse(conn, refused)
        if progress is not Progress.COMING:
            self._leave(conn)
            return self.enqueue_req(conn)
        if conn.request.is_to_be_told():
            conn.sock.say_go_on()
        return self._wait(conn, self._coming)

    def _send(self, conn: Connection) -> None:
        """Send what is left of its answer; then it is ready for what comes after it."""
        try:
            if not conn.sock.flush():
                return self._wait(conn, self._going)
            if not conn.is_kept:
                conn.sock.shutdown(socket.SHUT_WR)
                return self._wait(conn, self._closing)
        except OSError:  # the client has gone
            return self._end(conn)
        conn.request = conn.request.following(time.monotonic())
        conn.is_ahead = not conn.request.is_silent
        return self._look(conn) if conn.is_ahead else self._wait(conn, self._idle)

    def _read_on(self, conn: Connection) -> None:
        """Read away what its client sends behind the last answer."""
        try:
            data = conn.sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        conn.read_away += len(data)
        if not data or conn.read_away > _MOST_LINGERED:
            self._end(conn)

    def _refuse(self, conn: Connection, refused: Refused) -> None:
        """Answer in place of the application."""
        self._leave(conn)
        conn.is_kept = False
        conn.sock.sendall(refusal(refused))
        self._send(conn)

    def _tell_late(self, conn: Connection) -> None:
        if conn.request.is_silent:
            return self._drop(conn)
        self._dropped += 1
        return self._refuse(conn, Refused(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly; send it again"))

    def _drop(self, conn: Connection) -> None:
        self._dropped += 1
        self._end(conn)

    def _end(self, conn: Connection) -> None:
        self._leave(conn)
        self._watch(conn, 0)
        self.nr_conns -= 1
        conn.close()

    def _is_idle_for_long(self, conn: Connection, now: float) -> bool:
        return now > conn.since + float(self.cfg.keepalive)


def _count_body(req: ReadRequest) -> None:
    """Read it, and tell the application its length, however it came. Raises gunicorn's errors where it is malformed."""
    data = req.body.read()
    req.body = WholeBody(data)
    if any(name == "TRANSFER-ENCODING" for name, _ in req.headers):
        kept = [header for header in req.headers if header[0] != "TRANSFER-ENCODING"]
        req.headers = [*kept, ("CONTENT-LENGTH", str(len(data)))]


def _is_request_late(conn: Connection, now: float) -> bool:
    return conn.request.is_late(now)


def _is_answer_late(conn: Connection, now: float) -> bool:
    return bool(conn.sock.is_slow(conn.since, now))


def _is_closed_for_long(conn: Connection, now: float) -> bool:
    return now > conn.since + _LINGER

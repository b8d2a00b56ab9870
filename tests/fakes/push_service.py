"""A browser vendor's push service on loopback, as strict as real ones are, and as rude: RFC 8030, 8291 and 8292.

What it refuses is kept with the reason: a test that is content with a status would not see a bad signature.
"""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.push_browser import Browser, raw

MAX_BODY = 4096
_DAY = 24 * 3600
_VAPID = re.compile(r"vapid t=([\w.-]+), ?k=([\w-]+)")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_URGENCIES = ("very-low", "low", "normal", "high")


class Refused(Exception):
    """It would not take this; the status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Push:
    """A push that was taken, as its browser reads it."""

    told: dict[str, Any]
    ttl: int
    urgency: str
    topic: str
    subject: str  # who the pusher says they are
    size: int  # bytes of the body


@dataclass(frozen=True, slots=True)
class Rudeness:
    """What is answered in place of taking one."""

    status: int = 0  # 0: nothing at all
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    takes_it: bool = False  # all the same
    drips: bool = False  # the head comes byte by byte


class PushService:
    """Some browsers' service. `offline` ones get what is kept for them when they are back: of a topic the newest."""

    def __init__(self) -> None:
        self.browsers: dict[str, Browser] = {}
        self.key = ""  # of whoever they were subscribed for; empty: nobody looks
        self.refused: list[Refused] = []
        self.tried = 0
        self._pushes: dict[str, list[Push]] = {}
        self._kept: dict[str, list[Push]] = {}
        self._offline: set[str] = set()
        self._rude: deque[Rudeness] = deque()
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> "PushService":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def browser(self, name: str = "phone") -> Browser:
        """A browser with a subscription here."""
        return self.browsers.setdefault(f"/push/{name}", Browser(f"{self.origin}/push/{name}"))

    def pushes(self, name: str = "phone") -> list[Push]:
        """What came to a browser, the oldest first."""
        with self._changed:
            return list(self._pushes.get(f"/push/{name}", ()))

    def wait_for(self, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Wait until something is as it should be, which is looked at after each request."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), (self.refused, self._pushes)
        return condition()

    def is_rude(self, *how: Rudeness) -> None:
        """Answer the next requests so, one each."""
        self._rude.extend(how)

    @contextmanager
    def offline(self, name: str = "phone") -> Iterator[None]:
        """A browser is not there; afterwards it gets what was kept."""
        path = f"/push/{name}"
        self._offline.add(path)
        yield
        with self._changed:
            self._offline.discard(path)
            self._pushes.setdefault(path, []).extend(self._kept.pop(path, ()))
            self._changed.notify_all()

    def goes(self, name: str = "phone") -> None:
        """A browser lets its subscription go."""
        self.browsers.pop(f"/push/{name}")

    # --- one request ---

    def rudeness(self) -> Rudeness | None:
        with self._changed:
            self.tried += 1
            self._changed.notify_all()
            return self._rude.popleft() if self._rude else None

    def hang(self) -> None:
        """Until it stops."""
        self._released.wait()

    def release(self) -> None:
        """Those that hang hang no more."""
        self._released.set()

    def take(self, path: str, headers: Any, body: bytes) -> None:
        try:
            push = self._checked(path, headers, body)
        except Refused as refused:
            self.refused.append(refused)
            raise
        with self._changed:
            kept = (self._kept if path in self._offline else self._pushes).setdefault(path, [])
            if path in self._offline and push.topic:
                kept[:] = [each for each in kept if each.topic != push.topic]
            kept.append(push)
            self._changed.notify_all()

    def _checked(self, path: str, headers: Any, body: bytes) -> Push:
        if (browser := self.browsers.get(path)) is None:
            raise Refused(410, "push subscription has unsubscribed or expired")
        if len(body) > MAX_BODY:
            raise Refused(413, f"{len(body)} bytes")
        if headers.get("Content-Encoding") != "aes128gcm":
            raise Refused(415, "Content-Encoding must be aes128gcm")
        if not (ttl := headers.get("TTL", "")).isdigit():
            raise Refused(400, "TTL is missing")
        topic, urgency = headers.get("Topic", ""), headers.get("Urgency", "normal")
        if (topic and not _TOPIC.fullmatch(topic)) or urgency not in _URGENCIES:
            raise Refused(400, "Topic or Urgency")
        subject = self._vapid(headers.get("Authorization", ""))
        return Push(browser.told(body), int(ttl), urgency, topic, subject, len(body))

    def _vapid(self, words: str) -> str:
        """RFC 8292: who pushes. Raises Refused."""
        if not (found := _VAPID.fullmatch(words)):
            raise Refused(401, "no VAPID")
        token, key = found.groups()
        if self.key and key != self.key:
            raise Refused(403, "the key is not the one of the subscription")
        head, claims, signature = token.split(".")
        if json.loads(raw(head)).get("alg") != "ES256":
            raise Refused(403, "alg")
        numbers = [int.from_bytes(raw(signature)[at : at + 32], "big") for at in (0, 32)]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(key))
        try:
            point.verify(encode_dss_signature(*numbers), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise Refused(403, "signature") from None
        said, now = json.loads(raw(claims)), time.time()
        if said.get("aud") != self.origin:
            raise Refused(403, f"aud is {said.get('aud')}")
        if not now < said.get("exp", 0) <= now + _DAY:
            raise Refused(403, "exp")
        if not said.get("sub", "").startswith(("mailto:", "https://")):
            raise Refused(403, "sub")
        return str(said["sub"])


class _Handler(BaseHTTPRequestHandler):
    service: ClassVar[PushService]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if (rude := self.service.rudeness()) is not None:
            if rude.takes_it:
                self.service.take(self.path, self.headers, body)
            self._be_rude(rude)
            return
        try:
            self.service.take(self.path, self.headers, body)
        except Refused as refused:
            self._answer(refused.status, {}, str(refused).encode())
        else:
            self._answer(201, {"Location": f"{self.service.origin}/message/1"}, b"")

    def _be_rude(self, rude: Rudeness) -> None:
        self.close_connection = True
        if rude.drips:
            self._drip()
        elif not rude.status:
            self.service.hang()
        else:
            self._answer(rude.status, rude.headers, rude.body)

    def _drip(self) -> None:
        try:
            for _ in range(10_000):
                self.wfile.write(b"H")
                self.wfile.flush()
                threading.Event().wait(0.01)
        except OSError:
            pass  # whoever pushed has enough

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # nobody reads it
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""

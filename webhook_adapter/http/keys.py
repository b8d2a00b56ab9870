"""API keys over HTTP: which ones the router took, and who has to come later before it is asked."""

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from flask import g, request

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from webhook_adapter.auth import is_api_key_shaped
from webhook_adapter.limit import AT_ONCE, Limit
from webhook_adapter.router.client import RouterClient

_WRONG_A_SECOND, _WRONG_AT_ONCE = 0.2, 60
_TOO_MANY = "TOO_MANY_WRONG_KEYS"  # also the router's word, to whom all come from one address
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}(?:\.[A-Za-z0-9_-]{1,1024}){2}")  # a JWT
_CALLBACK = re.compile(r"pmc_[A-Za-z0-9_-]{43}")
_REMEMBERED = 1024  # good keys; one that is forgotten is asked about again
# What is answered where the router has looked at the key and taken it.
_TAKEN = frozenset({200, 202, 400, 403, 404, 409, 502})


class Keys:
    """What is known of them here, by their hashes. The router judges each call; threads may share it."""

    def __init__(
        self,
        router: RouterClient,
        calls_a_second: int,
        peer: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._router = router
        self._peer = peer
        self._clock = clock
        self._calls_a_second = calls_a_second
        self._calls = Limit(calls_a_second, AT_ONCE * calls_a_second)
        self._wrong = Limit(_WRONG_A_SECOND, _WRONG_AT_ONCE)
        self._lock = threading.Lock()
        self._taken: OrderedDict[str, None] = OrderedDict()

    def control(self) -> Control:
        """Control with the current request's key. Raises RouterError without one, or where who shows it has to wait."""
        key = request.headers.get("X-API-Key") or _bearer()
        if not is_api_key_shaped(key):
            raise RouterError("UNAUTHENTICATED", "send a valid API key in X-API-Key, or as a bearer token")
        self._let_in(key)
        return self._router.control(key)

    def worker(self) -> Control:
        """Control with the token of a session's program, which the current request shows. Raises as `control`."""
        token = _bearer()
        if not _TOKEN.fullmatch(token):
            raise RouterError("UNAUTHENTICATED", "send the worker token of a session as a bearer token")
        self._let_in(token)
        return self._router.of_worker(token)

    def callback(self) -> Callable[..., None]:
        """What reports with the callback token that the current request shows. Raises as `control`."""
        token = _bearer()
        if not _CALLBACK.fullmatch(token):
            raise RouterError("UNAUTHENTICATED", "send a callback token as a bearer token")
        self._let_in(token)
        return partial(self._router.own.report_back, token)

    def _let_in(self, key: str) -> None:
        g.key = hashlib.sha256(key.encode()).hexdigest()
        now = self._clock()
        # A good key goes on, whoever else tries wrong ones from the same proxy.
        if not self.was_taken() and (wait := self._wrong.wait(self._peer(), now)):
            raise _later("too many wrong API keys came from where you are", wait, _TOO_MANY)
        if wait := self._calls.take(g.key, now):
            raise _later(f"an API key may call {self._calls_a_second} times a second", wait)
        g.is_key_asked_about = True

    def was_taken(self) -> bool:
        """Whether the router took the current request's key before."""
        with self._lock:
            return g.key in self._taken

    def judged(self, status: int) -> None:
        """The current request was answered: the router took its key, or did not."""
        if "is_key_asked_about" not in g:
            return
        is_wrong = status == HTTPStatus.UNAUTHORIZED or g.get("refused") == _TOO_MANY
        with self._lock:
            if status in _TAKEN or is_wrong:
                self._taken.pop(g.key, None)
            if status in _TAKEN:
                self._taken[g.key] = None
            while len(self._taken) > _REMEMBERED:
                self._taken.popitem(last=False)
        if is_wrong:
            self._wrong.spend(self._peer(), self._clock())


def _bearer() -> str:
    """The key that a program sends which knows no header but Authorization, such as Prometheus."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _later(text: str, wait: float, code: str = "") -> RouterError:
    return RouterError("RESOURCE_EXHAUSTED", f"{text}; try again in {max(1, round(wait))} s", code, retry_after=wait)

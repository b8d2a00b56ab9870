"""Calls that people can do without: reactions, topics, typing. Messages wait for some, so they have little time."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from webhook_adapter.transports.telegram.client import ApiRefused, NoAnswer, TelegramClient

ANSWER_S = 5.0
REST_S = 60.0


class Extras:
    """Makes such calls. A method that had no answer rests for a while: each try costs its chat time, and a call."""

    def __init__(self, client: TelegramClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()  # guards _rests
        self._rests: dict[str, float] = {}  # until when

    def call(self, method: str, params: Mapping[str, Any], *, spare: bool = False) -> object:
        """Call a method and return its result; `spare` as the client has it.

        Raises ApiRefused or NoAnswer, the latter also while it rests.
        """
        with self._lock:
            if self._clock() < self._rests.get(method, 0.0):
                raise NoAnswer(f"{method} did not work a moment ago")
        try:
            return self._client.call(method, params, timeout=ANSWER_S, spare=spare)
        except ApiRefused as refused:
            if refused.code >= 500:
                self._rest(method)
            raise
        except NoAnswer:
            self._rest(method)
            raise

    def _rest(self, method: str) -> None:
        with self._lock:
            self._rests[method] = self._clock() + REST_S

"""Calls to Telegram that no request waits for: answers to pressed buttons, and our own name."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from webhook_adapter.transports.telegram.client import TelegramClient, TelegramError

logger = logging.getLogger(__name__)

_CALL_TIMEOUT_S = 5.0
_ASK_AGAIN_S = 60.0  # for our name, where Telegram did not tell it
_MOST_WAITING = 1_000  # the oldest presses have long lost their progress bar by then


class BackgroundCalls:
    """One thread that runs them in order. Starts at the first one."""

    def __init__(self, client: TelegramClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(_MOST_WAITING)
        self._lock = threading.Lock()  # guards _thread and _ask_at
        self._thread: threading.Thread | None = None
        self._username: str | None = None
        self._ask_at = clock()

    def answer(self, callback_id: str, text: str) -> None:
        """Stop the progress bar of a pressed button, and show the text if there is one (answerCallbackQuery)."""
        self._run(lambda: self._answer(callback_id, text))

    def bot_username(self) -> str | None:
        """Our name without its @; None until Telegram told it, which the first call asks for."""
        if self._username is None and self._is_time_to_ask():
            self._run(self._learn_username)
        return self._username

    def close(self) -> None:
        """End the thread after what waits, and the connections."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
        self._client.close()

    def _is_time_to_ask(self) -> bool:
        now = self._clock()
        if now < self._ask_at:  # mostly; what another thread sets meanwhile is seen below
            return False
        with self._lock:
            due = now >= self._ask_at
            self._ask_at = now + _ASK_AGAIN_S if due else self._ask_at
            return due

    def _run(self, call: Callable[[], None]) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="telegram-calls", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            logger.warning("errand dropped: telegram does not answer")

    def _work(self) -> None:
        while (call := self._waiting.get()) is not None:
            try:
                call()
            except TelegramError as error:
                # Of an answer too late Telegram says 400; nothing is lost by it.
                logger.info("errand failed: %s", error)

    def _answer(self, callback_id: str, text: str) -> None:
        said = {"text": text} if text else {}
        self._client.call("answerCallbackQuery", {"callback_query_id": callback_id, **said}, timeout=_CALL_TIMEOUT_S)

    def _learn_username(self) -> None:
        me = self._client.call("getMe", timeout=_CALL_TIMEOUT_S)
        self._username = str(me.get("username") or "") or None if isinstance(me, dict) else None

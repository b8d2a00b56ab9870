"""Long polling: takes updates where Telegram cannot reach us. An update is confirmed only after it is on disk."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from pointsman.client.errors import RouterError
from webhook_adapter.backoff import Backoff
from webhook_adapter.router.errors import http_status
from webhook_adapter.transports.telegram.client import ApiRefused, TelegramClient, TelegramError
from webhook_adapter.transports.telegram.inbound.update import Json
from webhook_adapter.transports.telegram.inbound.webhook_setup import ALLOWED_UPDATES, delete_webhook

logger = logging.getLogger(__name__)

POLL_S = 50
_ANSWER_MARGIN_S = 10.0  # an answer may come as late as the poll lasts, and then has to travel
_ROUTER_RETRY_S = 2.0
_ROUTER_MISTAKES = 3  # of the router's own over one update; then it would hold up all others for ever
EARLY_S = 1.0
"""A server that answers so soon and with nothing does not wait for updates by itself; then we wait so long for it."""


class Polling:
    """One bot's loop. Updates are handed in one by one, in Telegram's order."""

    def __init__(
        self,
        client: TelegramClient,
        take: Callable[[Json], object],
        backoff: Backoff,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`take` raises RouterError when an update was not stored."""
        self._client = client
        self._take = take
        self._backoff = backoff
        self._stop = stop
        self._clock = clock
        self._offset: int | None = None

    def run(self) -> None:
        """Poll until `stop` is set."""
        logger.info("polling started")
        while not self._stop.is_set():
            began, offset = self._clock(), self._offset
            try:
                updates = self._poll()
                self._backoff.reset()
            except TelegramError as error:
                self._stop.wait(self._wait_after(error))
                continue
            self._take_all(updates)
            if self._offset == offset and self._clock() - began < EARLY_S:
                self._stop.wait(EARLY_S)

    def _poll(self) -> Sequence[object]:
        """Wait for updates; asking with an offset confirms all before it."""
        params: dict[str, object] = {"timeout": POLL_S, "allowed_updates": list(ALLOWED_UPDATES)}
        if self._offset is not None:
            params["offset"] = self._offset
        found = self._client.call("getUpdates", params, timeout=POLL_S + _ANSWER_MARGIN_S)
        return found if isinstance(found, list) else []

    def _take_all(self, updates: Sequence[object]) -> None:
        for update in updates:
            if not isinstance(update, Mapping):
                continue
            if not self._is_done_with(update):
                return
            update_id = update.get("update_id")
            if isinstance(update_id, int):
                self._offset = update_id + 1  # the next poll confirms it: whoever dies here gets it again

    def _is_done_with(self, update: Json) -> bool:
        """Once it is on the router's disk, or never will be; False when we are to stop before."""
        mistakes = 0
        while not self._stop.is_set():
            try:
                self._take(update)
                return True
            except RouterError as error:
                mistakes += http_status(error) is HTTPStatus.INTERNAL_SERVER_ERROR
                if mistakes == _ROUTER_MISTAKES:
                    logger.error("update skipped id=%s: the router fails over it", update.get("update_id"))  # noqa: TRY400 -- the router's log has the stack
                    return True
                self._stop.wait(error.retry_after or _ROUTER_RETRY_S)
            except Exception:
                # A fault of ours over this one update: asked for again and again, it would hold up all others for ever.
                logger.exception("update skipped id=%s", update.get("update_id"))
                return True
        return False

    def _wait_after(self, error: TelegramError) -> float:
        """What an unsuccessful poll asks for; seconds to wait before the next."""
        if isinstance(error, ApiRefused) and error.code == 409 and "webhook is active" in error.description:
            return self._end_webhook()
        if isinstance(error, ApiRefused) and error.code == 409:
            logger.error("another program polls with this bot's token, or set its webhook: stop one of the two")
        elif isinstance(error, ApiRefused) and error.code in (401, 404):
            logger.error("telegram does not know this bot: check TELEGRAM_BOT_TOKEN and TELEGRAM_API_BASE")
        else:
            logger.warning("poll failed: %s", error)
        told = error.retry_after if isinstance(error, ApiRefused) else None
        return max(self._backoff.next_wait(), told or 0.0)

    def _end_webhook(self) -> float:
        logger.warning("a webhook is set and POINTSMAN_PUBLIC_URL is not: ending the webhook to poll")
        try:
            delete_webhook(self._client)
        except TelegramError as error:
            logger.warning("webhook not ended: %s", error)
            return self._backoff.next_wait()
        return 0.0

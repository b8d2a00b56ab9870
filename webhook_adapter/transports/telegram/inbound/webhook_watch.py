"""Keeps the webhook ours. Whoever has the bot's token can set it elsewhere, and Telegram complains only when asked."""

import logging
import threading

from webhook_adapter.config import AdapterConfig
from webhook_adapter.transports.telegram.client import TelegramClient, TelegramError
from webhook_adapter.transports.telegram.inbound.webhook_setup import set_webhook, webhook_info

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 300.0  # what people write meanwhile waits at Telegram for a day


class WebhookWatch:
    """Looks at the webhook again and again until `stop` is set."""

    def __init__(
        self, client: TelegramClient, config: AdapterConfig, stop: threading.Event, every: float = LOOK_EVERY_S
    ) -> None:
        self._client = client
        self._config = config
        self._stop = stop
        self._every = every
        self._told_at = 0

    def run(self) -> None:
        """The first look is after a while: the webhook has just been set."""
        while not self._stop.wait(self._every):
            try:
                self._look()
            except TelegramError as error:
                logger.warning("webhook not looked at: %s", error)

    def _look(self) -> None:
        info = webhook_info(self._client, self._config)
        if not info.is_ours:
            where = f"set to {info.origin}" if info.is_set else "ended"
            logger.error("the webhook was %s by somebody else; setting it again. Is the token in use twice?", where)
        elif info.last_error_at > self._told_at:
            self._told_at = info.last_error_at
            logger.warning("telegram could not deliver: %s; %d updates wait", info.last_error, info.pending_updates)
        # Also where it is ours: whether Telegram still knows the secret and what we want to hear, it does not tell.
        set_webhook(self._client, self._config)

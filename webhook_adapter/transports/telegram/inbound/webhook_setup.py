"""Telegram's webhook: telling Telegram where to deliver, reading how it goes, ending it."""

from collections.abc import Mapping
from dataclasses import dataclass

from webhook_adapter.config import AdapterConfig, TelegramConfig
from webhook_adapter.transports.telegram.client import TelegramClient, TelegramError

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""Named one by one: without a list Telegram keeps whatever was set before, and its default holds far more."""


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    """What Telegram says of the webhook. The address is without the path, which is secret."""

    is_set: bool
    is_ours: bool
    origin: str  # scheme and host
    pending_updates: int
    last_error: str
    last_error_at: int  # seconds since 1970; 0 for none


class NotConfigured(TelegramError):
    """A setting that this needs is missing; the text names it."""


def open_client(config: AdapterConfig) -> TelegramClient:
    """A client for the configured bot. The caller closes it."""
    telegram = _telegram(config)
    return TelegramClient(telegram.bot_token, telegram.api_base)


def set_webhook(client: TelegramClient, config: AdapterConfig) -> None:
    """Let Telegram deliver to POINTSMAN_PUBLIC_URL; what waits there is kept. Raises TelegramError."""
    telegram = _telegram(config)
    if not config.public_url:
        raise NotConfigured("POINTSMAN_PUBLIC_URL is missing: give the https address of the adapter")
    params = {
        "url": config.public_url + telegram.webhook_path,
        "secret_token": telegram.webhook_secret,
        "allowed_updates": list(ALLOWED_UPDATES),
        # What people wrote while we were away is wanted.
        "drop_pending_updates": False,
    }
    client.call("setWebhook", params)


def webhook_info(client: TelegramClient, config: AdapterConfig) -> WebhookInfo:
    """Ask Telegram how the webhook stands. Raises TelegramError."""
    answer = client.call("getWebhookInfo")
    found: Mapping[str, object] = answer if isinstance(answer, Mapping) else {}
    url = str(found.get("url") or "")
    wanted = f"{config.public_url}{_telegram(config).webhook_path}"
    return WebhookInfo(
        is_set=bool(url),
        is_ours=url == wanted,
        origin="/".join(url.split("/")[:3]),
        pending_updates=_number(found, "pending_update_count"),
        last_error=str(found.get("last_error_message") or ""),
        last_error_at=_number(found, "last_error_date"),
    )


def delete_webhook(client: TelegramClient) -> None:
    """End the webhook; what waits is kept for polling. Raises TelegramError."""
    client.call("deleteWebhook", {"drop_pending_updates": False})


def _telegram(config: AdapterConfig) -> TelegramConfig:
    if config.telegram is None:
        raise NotConfigured("TELEGRAM_BOT_TOKEN is missing: get one from @BotFather")
    return config.telegram


def _number(found: Mapping[str, object], name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) else 0

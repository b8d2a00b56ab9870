"""Telegram with all its parts, as the table of platforms lists it."""

import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Protocol

from flask import Blueprint

from webhook_adapter.backoff import Backoff
from webhook_adapter.config import TelegramConfig
from webhook_adapter.transports.platform import Host, Platform, Route
from webhook_adapter.transports.telegram.background_calls import BackgroundCalls
from webhook_adapter.transports.telegram.client import TelegramClient, TelegramError
from webhook_adapter.transports.telegram.inbound.files import Files
from webhook_adapter.transports.telegram.inbound.intake import Intake
from webhook_adapter.transports.telegram.inbound.polling import Polling
from webhook_adapter.transports.telegram.inbound.update import Json
from webhook_adapter.transports.telegram.inbound.webhook import create_blueprint
from webhook_adapter.transports.telegram.inbound.webhook_setup import set_webhook
from webhook_adapter.transports.telegram.inbound.webhook_watch import WebhookWatch
from webhook_adapter.transports.telegram.menu import publish_menu
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.telegram.rate_limits import RateLimits
from webhook_adapter.transports.voices import voices

logger = logging.getLogger(__name__)

_SENDERS = 16
_POLL_S = (1.0, 30.0)
_SETUP_S = (1.0, 300.0)


class _WayIn(Protocol):
    def __call__(self, update: Json, request_id: str = "", /) -> None: ...


def webhook(host: Host) -> Blueprint | None:
    """The webhook; None without a bot. It is served in polling mode too, so that switching loses nothing."""
    telegram = host.config.telegram
    if telegram is None:
        return None
    client = TelegramClient(telegram.bot_token, telegram.api_base)
    return create_blueprint(telegram, _way_in(host, telegram, client, BackgroundCalls(client)))


def start_courier(
    host: Host, rate_limits: RateLimits | None = None, client: TelegramClient | None = None
) -> Route | None:
    """The way out, and what keeps the way in open; None without a bot. `rate_limits` pace `client`."""
    telegram = host.config.telegram
    if telegram is None:
        return None
    rate_limits = rate_limits or RateLimits(host.clock)
    client = client or TelegramClient(telegram.bot_token, telegram.api_base, rate_limits)
    way_in = {"telegram-webhook": lambda: _keep_webhook(host, client)}
    if not host.config.public_url:
        way_in = {"telegram-polling": lambda: _poll(host, telegram, client)}
    way_in |= voices(host, "telegram")
    return Route(
        TelegramTransport(client, rate_limits),
        tuple(map(str, telegram.allowed_chat_ids)),
        _SENDERS,
        {"telegram-menu": lambda: _until_done(host, "setMyCommands", lambda: publish_menu(client)), **way_in},
        rate_limits.end_within,
        client.close,
    )


def _way_in(host: Host, telegram: TelegramConfig, client: TelegramClient, background_calls: BackgroundCalls) -> _WayIn:
    """Takes an update, however it came. Raises RouterError when nothing was stored and it must come again."""
    # The same for both ways in: an update may come by each while somebody switches.
    files, router = Files(client, host.router.put_file), host.router
    transcribes = host.config.transcriber is not None
    intake = Intake(
        telegram, router.submit, files.bring, router, background_calls.bot_username, transcribes=transcribes
    )

    def take(update: Json, request_id: str = "") -> None:
        received = host.lifecycle.handle("telegram", partial(intake.receive, update), request_id)
        if received.callback_id:
            # Whatever became of it: else the button shows progress for ever. Nobody waits for that call.
            background_calls.answer(received.callback_id, received.answer)

    return take


def _poll(host: Host, telegram: TelegramConfig, client: TelegramClient) -> None:
    background_calls = BackgroundCalls(client)
    background_calls.bot_username()  # asks, so that it is known when the first command comes
    backoff = Backoff(*_POLL_S, random.Random())  # noqa: S311 - it spreads tries
    Polling(client, _way_in(host, telegram, client, background_calls), backoff, host.stop).run()


def _keep_webhook(host: Host, client: TelegramClient) -> None:
    _until_done(host, "setWebhook", lambda: set_webhook(client, host.config))
    WebhookWatch(client, host.config, host.stop).run()


def _until_done(host: Host, what: str, step: Callable[[], None]) -> None:
    """Try until Telegram takes it: nothing else waits for it."""
    backoff = Backoff(*_SETUP_S, random.Random())  # noqa: S311 - it spreads tries
    while not host.stop.is_set():
        try:
            step()
        except TelegramError as error:
            logger.warning("%s failed, trying again: %s", what, error)
            host.stop.wait(backoff.next_wait())
        else:
            logger.info("%s done", what)
            return


TELEGRAM = Platform("telegram", webhook, start_courier)

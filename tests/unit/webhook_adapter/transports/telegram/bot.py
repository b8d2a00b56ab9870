"""A stand-in for Telegram with a private chat, and the transport that sends to it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.fakes.telegram import TelegramStandIn
from webhook_adapter.transports.telegram.client import TelegramClient
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.telegram.rate_limits import RateLimits

CHAT = 4711


@contextmanager
def telegram_with_chat() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as telegram:
        telegram.add_chat(CHAT)
        yield telegram


@contextmanager
def client_of(telegram: TelegramStandIn, rate_limits: RateLimits | None = None) -> Iterator[TelegramClient]:
    client = TelegramClient(telegram.token, telegram.base_url, rate_limits)
    yield client
    client.close()


@contextmanager
def transport_of(telegram: TelegramStandIn, clock: Callable[[], float] = time.monotonic) -> Iterator[TelegramTransport]:
    """Its budget is not the client's: nothing waits."""
    with client_of(telegram) as client:
        yield TelegramTransport(client, RateLimits(), clock)

"""Telegram's webhook with all its parts, as the table of platforms lists it."""

from collections.abc import Callable

from flask import Blueprint

from webhook_adapter.config import AdapterConfig
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.telegram.background_calls import Errands
from webhook_adapter.transports.telegram.client import TelegramClient
from webhook_adapter.transports.telegram.inbound.files import Files
from webhook_adapter.transports.telegram.inbound.intake import Intake
from webhook_adapter.transports.telegram.inbound.webhook import create_blueprint


def create_door(config: AdapterConfig, router: RouterClient, count: Callable[[str, str], None]) -> Blueprint | None:
    """The webhook; None without a bot. It is served in polling mode too."""
    telegram = config.telegram
    if telegram is None:
        return None
    client = TelegramClient(telegram.bot_token, telegram.api_base)
    errands, files = Errands(client), Files(client, router.put_file)
    intake = Intake(telegram, router.submit, files.bring, router.report_stranger, errands.bot_username)
    return create_blueprint(telegram, intake, errands.answer, lambda outcome: count("telegram", outcome))

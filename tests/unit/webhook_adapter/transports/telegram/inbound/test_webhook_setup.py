from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.unit.webhook_adapter.transports.telegram.bot import telegram_with_chat
from webhook_adapter.config import AdapterConfig
from webhook_adapter.transports.telegram.client import TelegramClient
from webhook_adapter.transports.telegram.inbound.webhook_setup import (
    NotConfigured,
    delete_webhook,
    open_client,
    set_webhook,
    webhook_info,
)
from webhook_adapter.transports.telegram.menu import COMMANDS, publish_menu


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def client(telegram: TelegramStandIn) -> Iterator[TelegramClient]:
    client = open_client(config_for(telegram))
    yield client
    client.close()


def config_for(telegram: TelegramStandIn, public_url: str = "http://127.0.0.1:9") -> AdapterConfig:
    return AdapterConfig.from_environ(
        {
            "POINTSMAN_API_KEY": "pmk_x",
            "POINTSMAN_PUBLIC_URL": public_url,
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base_url,
            "TELEGRAM_WEBHOOK_SECRET": "s3cret",
            "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th",
        }
    )


def test_setting_names_what_we_take_and_keeps_what_waits(client: TelegramClient, telegram: TelegramStandIn) -> None:
    telegram.user_writes("written while we were away")
    set_webhook(client, config_for(telegram))

    hook = telegram.world.webhook
    assert (hook.url, hook.secret_token) == ("http://127.0.0.1:9/webhook/telegram/p4th", "s3cret")
    assert hook.allowed_updates == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert len(telegram.pending_updates) == 1


def test_info_tells_how_it_stands_without_the_secret_path(client: TelegramClient, telegram: TelegramStandIn) -> None:
    config = config_for(telegram)
    before = webhook_info(client, config)
    set_webhook(client, config)
    telegram.user_writes("hello")
    telegram.wait_for(lambda: telegram.world.webhook.last_error_date)

    info = webhook_info(client, config)
    assert (before.is_set, info.is_set, info.is_ours, info.pending_updates) == (False, True, True, 1)
    assert (info.origin, bool(info.last_error), info.last_error_at > 0) == ("http://127.0.0.1:9", True, True)
    assert "p4th" not in repr(info)


def test_deleting_keeps_what_waits(client: TelegramClient, telegram: TelegramStandIn) -> None:
    set_webhook(client, config_for(telegram))
    telegram.user_writes("hello")
    delete_webhook(client)

    assert (telegram.world.webhook.url, len(telegram.pending_updates)) == ("", 1)


def test_a_missing_setting_is_named(client: TelegramClient, telegram: TelegramStandIn) -> None:
    with pytest.raises(NotConfigured, match="POINTSMAN_PUBLIC_URL"):
        set_webhook(client, config_for(telegram, public_url=""))
    with pytest.raises(NotConfigured, match="TELEGRAM_BOT_TOKEN"):
        open_client(AdapterConfig.from_environ({"POINTSMAN_API_KEY": "pmk_x"}))


def test_the_menu_is_one_telegram_takes(client: TelegramClient, telegram: TelegramStandIn) -> None:
    publish_menu(client)

    assert [command["command"] for command in telegram.world.commands] == list(COMMANDS)

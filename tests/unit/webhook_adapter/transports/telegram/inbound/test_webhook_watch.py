"""The webhook stays ours, whatever another holder of the token does to it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.unit.webhook_adapter.transports.telegram.bot import client_of, telegram_with_chat
from tests.unit.webhook_adapter.transports.telegram.inbound.test_webhook_setup import config_for
from webhook_adapter.transports.telegram.inbound.webhook_setup import ALLOWED_UPDATES, set_webhook
from webhook_adapter.transports.telegram.inbound.webhook_watch import WebhookWatch

OURS = "http://127.0.0.1:9/webhook/telegram/p4th"


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram, client_of(telegram) as client:
        set_webhook(client, config_for(telegram))
        yield telegram


@contextmanager
def watched(telegram: TelegramStandIn) -> Iterator[None]:
    """Somebody looks all the time."""
    stop = threading.Event()
    with client_of(telegram) as client:
        watch = threading.Thread(target=WebhookWatch(client, config_for(telegram), stop, every=0.01).run)
        watch.start()
        yield
        stop.set()
        watch.join()


@pytest.mark.parametrize(
    ("method", "params", "log"),
    [
        ("setWebhook", {"url": "http://127.0.0.1:7/theirs"}, "set to http://127.0.0.1:7 by somebody else"),
        ("deleteWebhook", {}, "ended by somebody else"),
        ("setWebhook", {"url": OURS, "secret_token": ""}, ""),
        ("setWebhook", {"url": OURS, "secret_token": "s3cret", "allowed_updates": ["poll"]}, ""),
    ],
    ids=["elsewhere", "ended", "secret lost", "other updates"],
)
def test_what_somebody_else_did_is_undone_and_nothing_dropped(
    telegram: TelegramStandIn, caplog: pytest.LogCaptureFixture, method: str, params: dict[str, object], log: str
) -> None:
    telegram.user_writes("waiting")
    with client_of(telegram) as other:
        other.call(method, params)

    with watched(telegram):
        hook = telegram.world.webhook
        telegram.wait_for(lambda: (hook.url, hook.secret_token) == (OURS, "s3cret"))
        telegram.wait_for(lambda: hook.allowed_updates == list(ALLOWED_UPDATES))

    assert len(telegram.pending_updates) == 1
    assert log in caplog.text
    assert "p4th" not in caplog.text


def test_telegrams_complaint_is_told_once(telegram: TelegramStandIn, caplog: pytest.LogCaptureFixture) -> None:
    hook = telegram.world.webhook
    hook.last_error_date, hook.last_error_message = 1_770_000_000, "Wrong response from the webhook: 500"

    with watched(telegram), caplog.at_level(logging.WARNING):
        telegram.wait_for_calls("getWebhookInfo", 5)

    assert caplog.text.count("Wrong response from the webhook: 500") == 1


def test_a_telegram_that_does_not_answer_is_asked_again(telegram: TelegramStandIn) -> None:
    fault = telegram.fail("getWebhookInfo", Fault(FaultKind.RESET_BEFORE))

    with watched(telegram):
        telegram.wait_for(lambda: fault.struck)
        telegram.wait_for_calls("setWebhook", 2)

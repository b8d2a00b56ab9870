"""The HTTP process and a stand-in for Telegram, which brings it updates and is told things by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.rigs.adapter import CHAT, HEADER_SECRET, WEBHOOK, AdapterProcess, environment
from tests.rigs.faulty_router import FaultyRouter
from tests.waiting import wait_until
from webhook_adapter.transports.telegram.background_calls import BackgroundCalls
from webhook_adapter.transports.telegram.client import TelegramClient

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "cmd:TOKEN:yes"}]]}


@contextmanager
def client_of(telegram: TelegramStandIn) -> Iterator[TelegramClient]:
    client = TelegramClient(telegram.token, telegram.base_url)
    yield client
    client.close()


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as stand_in:
        stand_in.add_chat(CHAT)
        yield stand_in


@pytest.fixture
def adapter(telegram: TelegramStandIn, router: FaultyRouter, tmp_path: Path) -> Iterator[AdapterProcess]:
    environ = environment(router.address, telegram.base_url, TELEGRAM_BOT_TOKEN=telegram.token)
    with AdapterProcess(environ, tmp_path) as process, client_of(telegram) as client:
        url = f"http://127.0.0.1:{process.port}{WEBHOOK}"
        client.call("setWebhook", {"url": url, "secret_token": HEADER_SECRET})
        yield process


@pytest.mark.usefixtures("adapter")
def test_a_pressed_button_is_answered_with_the_routers_words(telegram: TelegramStandIn, router: FaultyRouter) -> None:
    router.door.changes["Submit"] = lambda answer: setattr(answer, "answer", "Sending: y")
    telegram.user_writes("hello")
    with client_of(telegram) as client:
        client.call("sendMessage", {"chat_id": CHAT, "text": "Go on?", "reply_markup": KEYBOARD})

    telegram.press(telegram.wait_for_message("Go on?"), "Yes")

    (answer,) = telegram.wait_for_calls("answerCallbackQuery")
    assert (answer.status, answer.params["text"]) == (200, "Sending: y")
    assert [each.button.data for each in router.door.submitted.values() if each.HasField("button")] == ["cmd:TOKEN:yes"]


@pytest.mark.usefixtures("adapter")
def test_what_was_not_stored_comes_again_from_telegram(telegram: TelegramStandIn, router: FaultyRouter) -> None:
    router.stop()
    telegram.user_writes("hello")
    telegram.wait_for(lambda: telegram.deliveries)
    router.start()

    wait_until(lambda: router.door.submitted, 15)

    assert [each.text for each in router.door.submitted.values()] == ["hello"]


def test_an_answer_without_words_only_stops_the_progress_bar(telegram: TelegramStandIn) -> None:
    background_calls = BackgroundCalls(TelegramClient(telegram.token, telegram.base_url))
    background_calls.answer("12345", "")
    telegram.wait_for_calls("answerCallbackQuery")
    background_calls.close()

    assert telegram.calls("answerCallbackQuery")[0].params == {"callback_query_id": "12345"}


def test_an_answer_that_comes_too_late_stops_nothing(telegram: TelegramStandIn) -> None:
    background_calls = BackgroundCalls(TelegramClient(telegram.token, telegram.base_url))
    background_calls.answer("unknown", "one")
    background_calls.answer("unknown", "two")
    calls = telegram.wait_for_calls("answerCallbackQuery", 2)
    background_calls.close()

    assert [call.status for call in calls] == [400, 400]


def test_our_name_is_asked_for_once_and_kept(telegram: TelegramStandIn) -> None:
    background_calls = BackgroundCalls(TelegramClient(telegram.token, telegram.base_url))
    first = background_calls.bot_username()
    known = wait_until(background_calls.bot_username)
    background_calls.close()

    assert first is None
    assert known == telegram.calls("getMe")[0].answer["result"]["username"]
    assert len(telegram.calls("getMe")) == 1


def test_a_name_that_telegram_did_not_tell_is_asked_for_a_minute_later(telegram: TelegramStandIn) -> None:
    now = [0.0]
    telegram.fail("getMe", Fault(FaultKind.REFUSE))
    background_calls = BackgroundCalls(TelegramClient(telegram.token, telegram.base_url), lambda: now[0])
    background_calls.bot_username()
    telegram.wait_for_calls("getMe")
    now[0] = 59.0
    assert background_calls.bot_username() is None
    now[0] = 60.0
    known = wait_until(background_calls.bot_username)
    background_calls.close()

    assert known
    assert len(telegram.calls("getMe")) == 2

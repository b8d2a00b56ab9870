"""Presses are answered from a thread of its own that nothing stops."""

from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.unit.webhook_adapter.transports.telegram.bot import telegram_with_chat
from webhook_adapter.transports.telegram.background_calls import BackgroundCalls
from webhook_adapter.transports.telegram.client import TelegramClient

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.mark.parametrize(
    "fault",
    [Fault(FaultKind.REFUSE, 400, TOO_OLD), Fault(FaultKind.RESET_BEFORE), Fault(FaultKind.HTML_PAGE)],
    ids=["too old", "reset", "html"],
)
def test_an_answer_that_fails_does_not_keep_the_next_one(telegram: TelegramStandIn, fault: Fault) -> None:
    telegram.fail("answerCallbackQuery", fault)
    background_calls = BackgroundCalls(TelegramClient(telegram.token, telegram.base_url))
    background_calls.answer("1", "Sending")
    background_calls.answer("2", "Sending")
    background_calls.close()

    assert [call.params["callback_query_id"] for call in telegram.calls("answerCallbackQuery")] == ["1", "2"]

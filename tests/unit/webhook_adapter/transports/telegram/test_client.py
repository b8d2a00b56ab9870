import logging
import traceback
from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, client_of, telegram_with_chat
from webhook_adapter.transports.telegram.client import ApiRefused, NoAnswer, TelegramClient, TelegramError
from webhook_adapter.transports.telegram.outbound.upload import Upload
from webhook_adapter.transports.telegram.rate_limits import RateLimits


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def client(telegram: TelegramStandIn) -> Iterator[TelegramClient]:
    with client_of(telegram) as client:
        yield client


def test_a_call_gives_its_result(client: TelegramClient, telegram: TelegramStandIn) -> None:
    client.call("sendMessage", {"chat_id": CHAT, "text": "hi"})
    client.call("sendDocument", {"chat_id": CHAT}, upload=Upload("a.txt", 7, lambda: [b"con", b"tent"]))

    assert [(message.text, message.document) for message in telegram.messages()] == [("hi", b""), ("", b"content")]


@pytest.mark.parametrize("parts", [[b"con"], [b"con", b"tents"]], ids=["less", "more"])
def test_a_file_that_is_not_what_was_said_is_no_answer(
    client: TelegramClient, telegram: TelegramStandIn, parts: list[bytes]
) -> None:
    with pytest.raises(NoAnswer, match="CutShort"):
        client.call("sendDocument", {"chat_id": CHAT}, upload=Upload("a.txt", 7, lambda: parts))

    assert telegram.messages() == []


def test_a_refusal_carries_code_words_and_advice(client: TelegramClient, telegram: TelegramStandIn) -> None:
    telegram.fail("sendMessage", too_many_requests(9))

    with pytest.raises(ApiRefused) as refused:
        client.call("sendMessage", {"chat_id": CHAT, "text": "hi"})

    assert (refused.value.code, refused.value.retry_after) == (429, 9.0)


def test_an_upgraded_group_names_its_new_id(client: TelegramClient, telegram: TelegramStandIn) -> None:
    telegram.add_chat(-100)
    telegram.migrate_chat(-100, -1001)

    with pytest.raises(ApiRefused) as refused:
        client.call("sendMessage", {"chat_id": -100, "text": "hi"})

    assert refused.value.migrate_to == "-1001"


@pytest.mark.parametrize(
    "kind", [FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.HTML_PAGE, FaultKind.MALFORMED, FaultKind.HANG]
)
def test_no_usable_answer_is_said_so(client: TelegramClient, telegram: TelegramStandIn, kind: FaultKind) -> None:
    telegram.fail("getMe", Fault(kind))

    with pytest.raises(NoAnswer):
        client.call("getMe", timeout=0.3)


@pytest.mark.parametrize(
    "kind", [FaultKind.RESET_BEFORE, FaultKind.HTML_PAGE, FaultKind.HANG, FaultKind.REFUSE, FaultKind.MALFORMED]
)
def test_the_token_is_in_no_error_and_no_log(
    client: TelegramClient, telegram: TelegramStandIn, kind: FaultKind, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fail("getMe", Fault(kind))
    caplog.set_level(logging.DEBUG)

    with pytest.raises(TelegramError) as raised:
        client.call("getMe", timeout=0.3)
    client.call("getMe")

    shown = "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None
    assert telegram.token not in shown + repr(raised.value) + caplog.text


def test_a_path_prefix_and_a_closed_port() -> None:
    client = TelegramClient("1:a", "http://127.0.0.1:9/prefix/")

    with pytest.raises(NoAnswer, match="ConnectionError"):
        client.call("getMe")

    client.close()


def test_a_chat_that_is_held_for_long_is_not_called(telegram: TelegramStandIn) -> None:
    rate_limits = RateLimits()
    rate_limits.refused(str(CHAT), 600.0)

    with client_of(telegram, rate_limits) as client, pytest.raises(ApiRefused, match="held back") as refused:
        client.call("sendMessage", {"chat_id": CHAT, "text": "hi"})

    assert refused.value.code == 429
    assert refused.value.retry_after == pytest.approx(601.0, abs=10.0)
    assert telegram.calls() == []


def test_a_429_of_a_chat_is_remembered_for_it_alone(telegram: TelegramStandIn) -> None:
    rate_limits = RateLimits()
    telegram.fail("sendMessage", too_many_requests(600))
    telegram.fail("setMyCommands", too_many_requests(600))

    with client_of(telegram, rate_limits) as client:
        for method, params in (("sendMessage", {"chat_id": CHAT, "text": "hi"}), ("setMyCommands", {"commands": []})):
            with pytest.raises(ApiRefused, match="429"):
                client.call(method, params)

    chat, everywhere = rate_limits.rest(str(CHAT))
    assert (chat > 500, everywhere, rate_limits.rest("4712")[0] < 2) == (True, 0.0, True)

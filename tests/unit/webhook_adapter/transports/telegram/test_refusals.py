"""Everything Telegram is known to answer, and what becomes of the message then."""

from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, telegram_with_chat, transport_of
from webhook_adapter.transports.telegram.transport import TelegramTransport
from webhook_adapter.transports.transport import Delivered, Outgoing, Place, Refused, RetryLater, SendOutcome

PLACE = Place(str(CHAT), "9")


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def transport(telegram: TelegramStandIn) -> Iterator[TelegramTransport]:
    with transport_of(telegram) as transport:
        yield transport


def refusal(code: int, words: str) -> Fault:
    return Fault(FaultKind.REFUSE, code, words)


def outcome(transport: TelegramTransport, *, edits: str = "", text: str = "hello") -> SendOutcome:
    asked = Outgoing(PLACE, text, "devbox", reply_to_message_id="7", edit_message_ids=(edits,) if edits else ())
    return transport.send(asked)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: chat_id is empty"),
        (400, "Bad Request: PEER_ID_INVALID"),
        (400, "Bad Request: not enough rights to send text messages to the chat"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (403, "Forbidden: bot is not a member of the supergroup chat"),
        (403, "Forbidden: bot can't initiate conversation with a user"),
    ],
)
def test_a_chat_that_takes_nothing_is_reported_as_closed(
    transport: TelegramTransport, telegram: TelegramStandIn, code: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fail("sendMessage", refusal(code, words))

    assert outcome(transport) == Refused(words, chat_closed=True)
    assert "let the bot in again" in caplog.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (400, "Bad Request: message is too long"),
        (400, "Bad Request: text is too long"),
        (400, "Bad Request: BUTTON_DATA_INVALID"),
        (400, "Bad Request: something that is not known yet"),
        (413, "Request Entity Too Large"),
    ],
)
def test_a_message_that_can_never_go_is_refused_in_telegrams_words(
    transport: TelegramTransport, telegram: TelegramStandIn, code: int, words: str
) -> None:
    telegram.fail("sendMessage", refusal(code, words))

    assert outcome(transport) == Refused(words)


@pytest.mark.parametrize(
    ("fault", "later"),
    [
        (refusal(401, "Unauthorized"), RetryLater("401 Unauthorized", 60.0)),
        (refusal(404, "Not Found"), RetryLater("404 Not Found", 60.0)),
        (refusal(404, "Not Found: method not found"), RetryLater("404 Not Found: method not found", 60.0)),
        (refusal(409, "Conflict: x"), RetryLater("409 Conflict: x")),
        (too_many_requests(17), RetryLater("429 Too Many Requests: retry after 17", 17.0)),
        (refusal(429, "Too Many Requests"), RetryLater("429 Too Many Requests")),
        (refusal(500, "Internal Server Error: restart"), RetryLater("500 Internal Server Error: restart")),
        (refusal(502, "Bad Gateway"), RetryLater("502 Bad Gateway")),
        (refusal(504, "Gateway Timeout"), RetryLater("504 Gateway Timeout")),
        (Fault(FaultKind.HTML_PAGE), RetryLater("no answer of Telegram's, but HTTP 502 without its JSON")),
        (Fault(FaultKind.MALFORMED), RetryLater("no answer of Telegram's, but HTTP 200 without its JSON")),
        (Fault(FaultKind.RESET_BEFORE), RetryLater("no answer from Telegram (ConnectionError)")),
        (Fault(FaultKind.RESET_AFTER), RetryLater("no answer from Telegram (ConnectionError)")),
    ],
    ids=lambda value: value.detail if isinstance(value, RetryLater) else value.kind.value,
)
def test_what_may_pass_is_tried_again(
    transport: TelegramTransport, telegram: TelegramStandIn, fault: Fault, later: RetryLater
) -> None:
    telegram.fail("sendMessage", fault)

    assert (outcome(transport), type(outcome(transport))) == (later, Delivered)


@pytest.mark.parametrize(
    ("method", "words", "edits", "calls"),
    [
        ("sendMessage", "can't parse entities: Unsupported start tag", "", ["sendMessage", "sendMessage"]),
        ("sendMessage", "message thread not found", "", ["sendMessage", "sendMessage"]),
        ("sendMessage", "message to be replied not found", "", ["sendMessage", "sendMessage"]),
        ("editMessageText", "message to edit not found", "5", ["editMessageText", "sendMessage"]),
        ("editMessageText", "message can't be edited", "5", ["editMessageText", "sendMessage"]),
        ("editMessageText", "MESSAGE_ID_INVALID", "5", ["editMessageText", "sendMessage"]),
        ("editMessageText", "message is not modified: specified new message content", "5", ["editMessageText"]),
    ],
)
def test_what_can_be_cured_is_cured(
    transport: TelegramTransport, telegram: TelegramStandIn, method: str, words: str, edits: str, calls: list[str]
) -> None:
    telegram.fail(method, refusal(400, f"Bad Request: {words}"))

    assert isinstance(outcome(transport, edits=edits), Delivered)
    assert [call.method for call in telegram.calls()] == calls


def test_a_401_is_told_to_the_operator_with_the_cure(
    transport: TelegramTransport, telegram: TelegramStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fail("sendMessage", refusal(401, "Unauthorized"))
    outcome(transport)

    assert "check TELEGRAM_BOT_TOKEN and TELEGRAM_API_BASE" in caplog.text


def test_a_revoked_token_is_a_401_of_the_server_itself(telegram: TelegramStandIn) -> None:
    telegram.world.token = "271828182:another-token-now"
    with transport_of(telegram) as transport:
        telegram.world.token = "271828182:revoked-by-its-owner"

        assert outcome(transport) == RetryLater("401 Unauthorized", 60.0)

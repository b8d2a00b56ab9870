"""Everything Telegram is known to answer, and what becomes of the message then."""

from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import NO_RESULT, Fault, FaultKind, too_many_requests
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, telegram_with_chat, transport_of
from webhook_adapter.courier.verbs import bring
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.transport import Button, ChatRef, Delivered, Outgoing, Refused, RetryLater, SendOutcome

PLACE = ChatRef(str(CHAT), "9")
DOWN = Fault(FaultKind.HTML_PAGE)


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
        (refusal(409, "Conflict: x"), RetryLater("409 Conflict: x")),
        (too_many_requests(17), RetryLater("429 Too Many Requests: retry after 17", 17.0)),
        (refusal(429, "Too Many Requests"), RetryLater("429 Too Many Requests", 5.0)),
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
    telegram.fail("getMe", DOWN)

    assert (outcome(transport), type(outcome(transport))) == (later, Delivered)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (refusal(404, "Not Found: method not found"), "404 Not Found: method not found"),
        (refusal(500, "Internal Server Error"), "500 Internal Server Error"),
        (Fault(FaultKind.RESET_BEFORE), "no answer from Telegram (ConnectionError)"),
    ],
    ids=["404", "500", "no answer"],
)
def test_where_the_server_answers_other_calls_it_is_told_that_it_may_be_about_this_message(
    transport: TelegramTransport, telegram: TelegramStandIn, fault: Fault, words: str
) -> None:
    telegram.fail("sendMessage", fault)

    assert outcome(transport) == RetryLater(words, alone=True)


@pytest.mark.parametrize("result", [True, None], ids=["true", "null"])
@pytest.mark.parametrize("text", ["hello", "x" * 9000], ids=["one", "in parts"])
def test_what_was_taken_without_its_id_is_not_sent_again_and_that_is_said(
    transport: TelegramTransport, telegram: TelegramStandIn, result: object, text: str
) -> None:
    telegram.fail("sendMessage", Fault(FaultKind.ANSWER, result=result))

    ended = outcome(transport, text=text)

    ids = [str(message.message_id) for message in telegram.bot_messages(CHAT)]
    assert isinstance(ended, Delivered)
    assert list(ended.message_ids) == ids[1:]
    assert "did not tell its message id" in ended.detail


@pytest.mark.parametrize("result", [True, None, {}], ids=["true", "null", "no message"])
@pytest.mark.parametrize("text", ["changed", ""], ids=["words", "buttons"])
def test_of_a_change_nothing_in_the_answer_is_needed(
    transport: TelegramTransport, telegram: TelegramStandIn, result: object, text: str
) -> None:
    sent = transport.send(Outgoing(PLACE, "hello", buttons=(Button("Go on", "x"),)))
    assert isinstance(sent, Delivered)
    telegram.fail("", Fault(FaultKind.ANSWER, result=result))

    assert transport.send(Outgoing(PLACE, text, edit_message_ids=sent.message_ids)) == sent
    assert [list(message.buttons) for message in telegram.bot_messages(CHAT)] == [[]]


def test_an_answer_without_any_result_is_a_yes(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    telegram.fail("sendMessage", Fault(FaultKind.ANSWER, result=NO_RESULT))

    assert isinstance(outcome(transport), Delivered)
    assert len(telegram.bot_messages(CHAT)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        refusal(404, "Not Found: method not found"),
        refusal(500, "Internal Server Error"),
        Fault(FaultKind.RESET_BEFORE),
    ],
    ids=["404", "500", "no answer"],
)
def test_where_a_mark_does_not_work_words_say_it_at_once(
    transport: TelegramTransport, telegram: TelegramStandIn, fault: Fault
) -> None:
    asked = telegram.user_writes("go")
    telegram.fail("setMessageReaction", fault)

    ended = bring(transport, Outgoing(PLACE, "typed", as_mark=True, reply_to_message_id=str(asked.message_id)))

    [line] = telegram.bot_messages(CHAT)
    assert ended == Delivered((str(line.message_id),))
    assert (line.text, line.reply_to) == ("typed", asked)


@pytest.mark.parametrize(
    ("method", "words", "edits", "calls"),
    [
        ("sendMessage", "can't parse entities: Unsupported start tag", "", ["sendMessage", "sendMessage"]),
        ("sendMessage", "message thread not found", "", ["sendMessage", "sendMessage"]),
        ("sendMessage", "message to be replied not found", "", ["sendMessage", "sendMessage"]),
        ("editMessageText", "message to edit not found", "5", ["editMessageText", "sendMessage"]),
        ("editMessageText", "message can't be edited", "5", ["editMessageText", "sendMessage", "deleteMessage"]),
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


def test_marks_that_had_no_answer_are_not_tried_again_at_once(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    asked = telegram.user_writes("go")
    telegram.fail("setMessageReaction", Fault(FaultKind.RESET_BEFORE))
    for text in ("one", "two"):
        bring(transport, Outgoing(PLACE, text, as_mark=True, reply_to_message_id=str(asked.message_id)))

    assert [line.text for line in telegram.bot_messages(CHAT)] == ["one", "two"]
    assert len(telegram.calls("setMessageReaction")) == 1


def test_a_401_is_told_to_the_operator_with_the_cure(
    transport: TelegramTransport, telegram: TelegramStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    for method in ("sendMessage", "getMe"):
        telegram.fail(method, refusal(401, "Unauthorized"))
    outcome(transport)

    assert "check TELEGRAM_BOT_TOKEN and TELEGRAM_API_BASE" in caplog.text


def test_a_revoked_token_is_a_401_of_the_server_itself(telegram: TelegramStandIn) -> None:
    telegram.world.token = "271828182:another-token-now"
    with transport_of(telegram) as transport:
        telegram.world.token = "271828182:revoked-by-its-owner"

        assert outcome(transport) == RetryLater("401 Unauthorized", 60.0)

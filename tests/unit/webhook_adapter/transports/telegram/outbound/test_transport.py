from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.fakes.telegram_state import Message
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, telegram_with_chat, transport_of
from webhook_adapter.courier.verbs import bring
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.transport import Button, ChatRef, Delivered, Kind, Outgoing, RetryLater

PLACE = ChatRef(str(CHAT))
LONG = "x" * 9000


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def transport(telegram: TelegramStandIn) -> Iterator[TelegramTransport]:
    with transport_of(telegram) as transport:
        yield transport


def ids(messages: list[Message]) -> tuple[str, ...]:
    return tuple(str(message.message_id) for message in messages)


def test_a_message_arrives_with_heading_buttons_and_its_id(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    outcome = transport.send(
        Outgoing(PLACE, "Done: <b> & a_b", "devbox · api", (Button("Go on", "cmd:T:continue"),), Kind.QUESTION)
    )

    [message] = telegram.messages(CHAT)
    assert outcome == Delivered(ids([message]))
    assert message.text == "devbox · api\nDone: <b> & a_b"
    assert [entity["type"] for entity in message.entities] == ["bold"]
    assert message.buttons == {"Go on": "cmd:T:continue"}
    assert telegram.calls("sendMessage")[0].params["link_preview_options"] == {"is_disabled": True}


def test_every_part_of_a_long_message_is_named(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    outcome = transport.send(Outgoing(PLACE, LONG, buttons=(Button("Go on", "x"),)))

    messages = telegram.messages(CHAT)
    assert outcome == Delivered(ids(messages))
    assert [list(message.buttons) for message in messages] == [[], [], ["Go on"]]
    assert "".join(message.text for message in messages) == LONG


def test_a_very_long_message_comes_as_a_file(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    outcome = transport.send(Outgoing(PLACE, "y" * 40_000, "devbox · api", (Button("Go on", "x"),)))

    document, last = telegram.messages(CHAT)
    assert outcome == Delivered(ids([document, last]))
    assert document.document == b"y" * 40_000
    assert (document.extra["caption"], list(last.buttons)) == ("devbox · api", ["Go on"])


def test_the_first_part_answers_the_persons_message(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    asked = telegram.user_writes("go")
    transport.send(Outgoing(PLACE, "accepted", kind=Kind.STATUS, reply_to_message_id=str(asked.message_id)))
    gone = transport.send(Outgoing(PLACE, "accepted", kind=Kind.STATUS, reply_to_message_id="7"))

    assert telegram.bot_messages(CHAT)[0].reply_to is asked
    assert isinstance(gone, Delivered)


def test_a_topic_is_kept_and_a_closed_one_is_left(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    telegram.add_chat(-1009, is_forum=True)
    topic = telegram.add_topic(-1009, "build")
    transport.send(Outgoing(ChatRef("-1009", str(topic)), "one"))
    outcome = transport.send(Outgoing(ChatRef("-1009", "5"), "two"))

    assert isinstance(outcome, Delivered)
    assert [message.thread_id for message in telegram.bot_messages(-1009)] == [topic, 0]


def test_an_edit_changes_the_message_and_keeps_its_id(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    sent = transport.send(Outgoing(PLACE, "accepted"))
    assert isinstance(sent, Delivered)

    edited = transport.send(Outgoing(PLACE, "typed in", edit_message_ids=sent.message_ids))
    again = transport.send(Outgoing(PLACE, "typed in", edit_message_ids=sent.message_ids))

    assert edited == again == sent
    assert [(message.text, message.edits) for message in telegram.messages(CHAT)] == [("typed in", 1)]


def test_an_edit_of_a_message_that_is_gone_is_sent_anew(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    outcome = transport.send(Outgoing(PLACE, "typed in", edit_message_ids=("5",)))

    assert outcome == Delivered(ids(telegram.messages(CHAT)))


def test_an_edit_that_grew_sends_the_rest(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    sent = transport.send(Outgoing(PLACE, "short"))
    assert isinstance(sent, Delivered)
    grown = transport.send(Outgoing(PLACE, LONG, edit_message_ids=sent.message_ids))
    shrunk = transport.send(Outgoing(PLACE, "short", edit_message_ids=ids(telegram.messages(CHAT))))

    assert grown == shrunk == Delivered(ids(telegram.messages(CHAT)))


def test_markup_telegram_does_not_take_is_sent_plain(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    words = "Bad Request: can't parse entities: Unsupported start tag"
    telegram.fail("sendMessage", Fault(FaultKind.REFUSE, 400, words))

    outcome = transport.send(Outgoing(PLACE, "a < b", "devbox"))

    [message] = telegram.messages(CHAT)
    assert isinstance(outcome, Delivered)
    assert (message.text, message.entities) == ("devbox\na < b", [])


def test_an_upgraded_group_is_followed(
    transport: TelegramTransport, telegram: TelegramStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.add_chat(-100)
    telegram.migrate_chat(-100, -1001234567890)

    outcomes = [transport.send(Outgoing(ChatRef("-100"), text)) for text in ("one", "two")]

    assert outcomes == [Delivered(ids([message])) for message in telegram.bot_messages(-1001234567890)]
    assert len(telegram.calls("sendMessage")) == 3
    assert "put it into ALLOWED_CHAT_IDS" in caplog.text


def test_a_reset_after_it_was_stored_comes_twice(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    """The Bot API knows no idempotency key: twice is the price of never losing it."""
    telegram.fail("sendMessage", Fault(FaultKind.RESET_AFTER))
    message = Outgoing(PLACE, "hello", notification_id="n1")

    outcomes = [type(transport.send(message)), type(transport.send(message))]

    assert outcomes == [RetryLater, Delivered]
    assert [message.text for message in telegram.messages(CHAT)] == ["hello", "hello"]


def test_a_message_that_stopped_in_the_middle_goes_on_there(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    message = Outgoing(PLACE, LONG, notification_id="n1")
    telegram.fail("sendMessage", Fault(FaultKind.SLOW, seconds=0.0))
    telegram.fail("sendMessage", too_many_requests(1))

    first, second = transport.send(message), transport.send(message)

    assert (type(first), second) == (RetryLater, Delivered(ids(telegram.messages(CHAT))))
    assert "".join(message.text for message in telegram.messages(CHAT)) == LONG


@pytest.fixture
def asked(telegram: TelegramStandIn) -> Message:
    """What a person wrote."""
    return telegram.user_writes("go on")


def typed(asked: Message) -> Outgoing:
    """The receipt of it, which a mark can say."""
    return Outgoing(
        PLACE,
        "✅ Typed.",
        kind=Kind.STATUS,
        reply_to_message_id=str(asked.message_id),
        as_mark=True,
        notification_id="n",
    )


def test_a_receipt_that_a_mark_says_is_a_reaction(
    transport: TelegramTransport, telegram: TelegramStandIn, asked: Message
) -> None:
    assert bring(transport, typed(asked)) == Delivered(())
    assert asked.reaction == [{"type": "emoji", "emoji": "👍"}]
    assert telegram.bot_messages(CHAT) == []


def test_where_no_reaction_is_taken_the_receipt_is_a_line(
    transport: TelegramTransport, telegram: TelegramStandIn, asked: Message
) -> None:
    telegram.world.chats[CHAT].no_reactions = True

    outcome = bring(transport, typed(asked))

    [line] = telegram.bot_messages(CHAT)
    assert outcome == Delivered(ids([line]))
    assert (line.text, line.reply_to) == ("✅ Typed.", asked)


def test_a_reaction_that_has_to_wait_is_tried_again(
    transport: TelegramTransport, telegram: TelegramStandIn, asked: Message
) -> None:
    telegram.fail("setMessageReaction", too_many_requests(1))

    assert [type(bring(transport, typed(asked))) for _ in range(2)] == [RetryLater, Delivered]
    assert telegram.bot_messages(CHAT) == []


def test_buttons_are_taken_from_the_last_part(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    question = transport.send(Outgoing(PLACE, LONG, buttons=(Button("Yes", "cmd:T:yes"),)))
    assert isinstance(question, Delivered)

    outcome = transport.send(Outgoing(PLACE, "", edit_message_ids=question.message_ids))

    assert outcome == Delivered(question.message_ids)
    assert [list(message.buttons) for message in telegram.messages(CHAT)] == [[], [], []]
    assert "".join(message.text for message in telegram.messages(CHAT)) == LONG


@pytest.mark.parametrize("message_ids", [("99999",), ()], ids=["gone", "never sent"])
def test_buttons_of_a_message_that_is_gone_are_gone(
    transport: TelegramTransport, telegram: TelegramStandIn, message_ids: tuple[str, ...]
) -> None:
    assert transport.send(Outgoing(PLACE, "", edit_message_ids=message_ids)) == Delivered(message_ids)
    assert telegram.messages(CHAT) == []


@pytest.mark.parametrize("silent", [True, False])
def test_a_message_makes_a_sound_or_not(transport: TelegramTransport, telegram: TelegramStandIn, silent: bool) -> None:
    transport.send(Outgoing(PLACE, "hello", silent=silent))

    assert telegram.calls("sendMessage")[0].params.get("disable_notification", False) is silent


def test_what_cannot_be_changed_is_replaced(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    question = transport.send(Outgoing(PLACE, "May it?", buttons=(Button("Yes", "cmd:T:yes"),)))
    assert isinstance(question, Delivered)
    telegram.fail("editMessageText", Fault(FaultKind.REFUSE, 400, "Bad Request: message can't be edited"))

    outcome = transport.edit(Outgoing(PLACE, "It may.", edit_message_ids=question.message_ids))

    [message] = telegram.messages(CHAT)
    assert outcome == Delivered(ids([message]))
    assert (message.text, message.buttons) == ("It may.", {})


@pytest.mark.parametrize(
    "fault",
    [Fault(FaultKind.REFUSE, 400, "Bad Request: message can't be deleted for everyone"), Fault(FaultKind.RESET_BEFORE)],
    ids=["refused", "no answer"],
)
def test_a_message_that_cannot_be_deleted_stands(
    transport: TelegramTransport, telegram: TelegramStandIn, fault: Fault
) -> None:
    sent = transport.send(Outgoing(PLACE, "hello"))
    assert isinstance(sent, Delivered)
    telegram.fail("deleteMessage", fault)

    assert not transport.delete(PLACE, sent.message_ids[0])
    assert len(telegram.messages(CHAT)) == 1


def test_typing_is_shown_in_the_topic_of_a_chat(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    assert transport.typing(ChatRef(str(CHAT), "9"))

    [call] = telegram.calls("sendChatAction")
    assert call.params == {"chat_id": str(CHAT), "action": "typing", "message_thread_id": "9"}


@pytest.mark.parametrize(
    ("fault", "goes_on"),
    [
        (Fault(FaultKind.REFUSE, 403, "Forbidden: bot was blocked by the user"), False),
        (too_many_requests(1), True),
        (Fault(FaultKind.RESET_BEFORE), True),
    ],
    ids=["closed", "too many", "no answer"],
)
def test_a_chat_that_never_shows_typing_says_so(
    transport: TelegramTransport, telegram: TelegramStandIn, fault: Fault, goes_on: bool
) -> None:
    telegram.fail("sendChatAction", fault)

    assert transport.typing(PLACE) is goes_on

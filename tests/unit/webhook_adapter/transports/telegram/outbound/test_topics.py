"""A topic for each session: made with its first message, made again when it is gone, closed behind it."""

from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, telegram_with_chat, transport_of
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.transport import ChatRef, Delivered, Outgoing, RetryLater

FORUM = -1001234
LONG = "x" * 9000


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        telegram.add_chat(FORUM, is_forum=True)
        yield telegram


@pytest.fixture
def transport(telegram: TelegramStandIn) -> Iterator[TelegramTransport]:
    with transport_of(telegram) as transport:
        yield transport


def message(text: str = "hello", thread_id: str = "", chat: int = FORUM, **more: bool) -> Outgoing:
    place = ChatRef(str(chat), thread_id)
    return Outgoing(place, text, topic_title="devbox · api" * 20, notification_id="n", **more)


def written(telegram: TelegramStandIn, chat: int = FORUM) -> list[tuple[str, int]]:
    """Texts and topics of what the bot wrote."""
    return [(each.text, each.thread_id) for each in telegram.bot_messages(chat) if each.text]


def test_the_first_message_makes_a_topic_and_tells_it(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    outcome = transport.send(message())

    [topic] = telegram.world.chats[FORUM].topics
    assert isinstance(outcome, Delivered)
    assert (outcome.thread_id, outcome.topic_problem) == (str(topic), "")
    assert written(telegram) == [("hello", topic)]


def test_a_known_topic_is_used(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    topic = telegram.add_topic(FORUM, "api")

    assert isinstance(transport.send(message(thread_id=str(topic))), Delivered)
    assert written(telegram) == [("hello", topic)]
    assert telegram.calls("createForumTopic") == []


def test_a_topic_that_is_gone_is_made_again_for_every_part(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    outcome = transport.send(message(LONG, thread_id="5"))

    [topic] = telegram.world.chats[FORUM].topics
    assert isinstance(outcome, Delivered)
    assert outcome.thread_id == str(topic)
    assert {thread for _, thread in written(telegram)} == {topic}
    assert "".join(text for text, _ in written(telegram)) == LONG


def test_a_message_that_has_to_be_tried_again_makes_one_topic(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    telegram.fail("sendMessage", too_many_requests(1))

    assert [type(transport.send(message())) for _ in range(2)] == [RetryLater, Delivered]
    assert len(telegram.world.chats[FORUM].topics) == 1


def test_where_there_are_no_topics_the_message_comes_and_says_why(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    outcome = transport.send(message(chat=CHAT))

    assert isinstance(outcome, Delivered)
    assert (outcome.thread_id, outcome.topic_problem) == ("", "Bad Request: the chat is not a forum")
    assert written(telegram, CHAT) == [("hello", 0)]


@pytest.mark.parametrize("fault", [Fault(FaultKind.REFUSE, 500, "Internal"), Fault(FaultKind.RESET_BEFORE)])
def test_a_topic_that_cannot_be_made_now_keeps_no_message_and_is_made_a_minute_later(
    telegram: TelegramStandIn, fault: Fault
) -> None:
    now = [1000.0]
    telegram.fail("createForumTopic", fault)
    with transport_of(telegram, lambda: now[0]) as transport:
        first = transport.send(message("one"))
        now[0] += 59
        transport.send(message("two"))
        now[0] += 2
        third = transport.send(message("three"))

    [topic] = telegram.world.chats[FORUM].topics
    assert isinstance(first, Delivered)
    assert isinstance(third, Delivered)
    assert [first.thread_id, first.topic_problem, third.thread_id] == ["", "", str(topic)]
    assert written(telegram) == [("one", 0), ("two", 0), ("three", topic)]
    assert len(telegram.calls("createForumTopic")) == 2


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(FaultKind.REFUSE, 404, "Not Found: method not found"), "Not Found: method not found"),
        (Fault(FaultKind.ANSWER), "Telegram did not say which topic it made"),
    ],
    ids=["404", "true"],
)
def test_where_topics_can_never_be_made_the_message_comes_and_says_why(
    transport: TelegramTransport, telegram: TelegramStandIn, fault: Fault, why: str
) -> None:
    telegram.fail("createForumTopic", fault)

    outcome = transport.send(message(thread_id="5"))

    assert isinstance(outcome, Delivered)
    assert (outcome.thread_id, outcome.topic_problem) == ("", why)
    assert written(telegram) == [("hello", 0)]


def test_the_last_message_closes_the_topic(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    topic = telegram.add_topic(FORUM, "api")
    last = Outgoing(ChatRef(str(FORUM), str(topic)), "over", close_topic=True)

    assert isinstance(transport.send(last), Delivered)
    assert telegram.world.chats[FORUM].closed_topics == {topic}
    assert isinstance(transport.send(last), Delivered)  # closed already: nothing is wrong
    telegram.fail("closeForumTopic", Fault(FaultKind.RESET_BEFORE))
    assert isinstance(transport.send(last), Delivered)  # it stays open: nothing is lost


def test_a_private_chat_has_topics_too_and_keeps_them_open(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    telegram.world.chats[CHAT].is_forum = True
    made = transport.send(message(chat=CHAT))
    assert isinstance(made, Delivered)

    closed = transport.send(Outgoing(ChatRef(str(CHAT), made.thread_id), "over", close_topic=True))

    assert isinstance(closed, Delivered)
    assert written(telegram, CHAT) == [("hello", int(made.thread_id)), ("over", int(made.thread_id))]

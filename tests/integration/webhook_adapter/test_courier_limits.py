"""What the courier tells the router beside an outcome: rests, pauses, chats that moved or closed."""

from collections.abc import Iterator

import pytest

from tests.fakes.chat_link import ChatLinkStandIn, Parcel
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.integration.webhook_adapter.courier_process import API_KEY, start

GROUP, SUPERGROUP = -4711, -1001234567890


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn(limits=True) as telegram:
        for chat_id in (4711, 4712, 4713, 4714, GROUP):
            telegram.add_chat(chat_id)
        yield telegram


@pytest.fixture
def router() -> Iterator[ChatLinkStandIn]:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        yield router


def rest(parcel: Parcel) -> float:
    """Seconds that the chat is to rest after the parcel's last receipt."""
    return parcel.receipts[-1].rest.chat.ToTimedelta().total_seconds()


def test_the_receipt_says_how_long_the_chat_rests(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    with start(telegram, router):
        private, group = router.deliver("one", "4711"), router.deliver("one", str(GROUP))
        router.wait_until_ended(private, group)

    assert 0 < rest(private) <= 1
    assert 0 < rest(group) <= 4


def test_a_burst_over_several_chats_meets_no_429(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    with start(telegram, router):
        parcels = [router.deliver(f"{n}", chat, kind=4) for n in range(4) for chat in ("4711", "4712", "4713", "4714")]
        router.wait_until_ended(*parcels)

    assert [call.status for call in telegram.calls("sendMessage")] == [200] * 16
    assert [message.text for message in telegram.bot_messages(4711)] == ["0", "1", "2", "3"]


def test_parts_of_one_message_are_paced_too(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    with start(telegram, router):
        router.wait_until_ended(router.deliver("x" * 12_500, "4711"))

    assert [call.status for call in telegram.calls("sendMessage")] == [200] * 4


def test_a_429_holds_the_chat_a_second_longer_than_told(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    telegram.fail("sendMessage", too_many_requests(1), chat_id=4711)
    with start(telegram, router):
        parcel = router.deliver("hello", "4711")
        router.wait_until_ended(parcel)

    first = parcel.receipts[0]
    assert first.retry_later.retry_after.seconds == 1
    assert 1 < first.rest.chat.ToTimedelta().total_seconds() <= 2
    assert not first.rest.HasField("all")


def test_where_several_chats_are_refused_at_once_all_pause(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    for chat_id in (4711, 4712, 4713):
        telegram.fail("sendMessage", too_many_requests(1), chat_id=chat_id)
    with start(telegram, router):
        parcels = [router.deliver("hello", chat) for chat in ("4711", "4712", "4713")]
        router.wait_until_ended(*parcels)

    pauses = [parcel.receipts[0].rest.all.ToTimedelta().total_seconds() for parcel in parcels]
    assert 1 < max(pauses) <= 2
    assert telegram.limits.violations == 0


def test_a_group_that_got_another_id_is_reported_with_it(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    telegram.migrate_chat(GROUP, SUPERGROUP)
    with start(telegram, router):
        parcel = router.deliver("hello", str(GROUP))
        router.wait_until_ended(parcel)

    [message] = telegram.bot_messages(SUPERGROUP)
    assert parcel.receipts[-1].moved_to == str(SUPERGROUP)
    assert parcel.message_ids == [str(message.message_id)]


@pytest.mark.parametrize(
    ("words", "closed"),
    [("Forbidden: bot was blocked by the user", True), ("Bad Request: BUTTON_DATA_INVALID", False)],
    ids=["chat", "message"],
)
def test_a_refusal_says_whether_it_is_about_the_chat(
    telegram: TelegramStandIn, router: ChatLinkStandIn, words: str, closed: bool
) -> None:
    telegram.fail("sendMessage", Fault(FaultKind.REFUSE, 400 + 3 * closed, words), chat_id=4711)
    with start(telegram, router):
        parcel = router.deliver("hello", "4711")
        router.wait_until_ended(parcel)

    assert (parcel.receipts[0].refused.detail, parcel.receipts[0].refused.chat_closed) == (words, closed)


@pytest.mark.faults
def test_on_sigterm_a_chat_that_is_held_for_long_keeps_nobody(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    telegram.fail("sendMessage", too_many_requests(20), chat_id=4711)
    with start(telegram, router) as courier:
        parcel = router.deliver("hello", "4711")
        router.wait_for(lambda: parcel.receipts)
        code = courier.terminate()

    assert (code, parcel.ended) == (0, "")

"""What the courier tells the router beside an outcome: rests, pauses, chats that moved or closed."""

from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import too_many_requests
from tests.integration.webhook_adapter.courier_process import API_KEY, start
from tests.rigs.scripted_outbox import ChatLinkStandIn, Parcel

GROUP = -4711


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

"""What every chat platform must do when something goes wrong with it, as far as that can be brought about."""

import pytest

from tests.integration.webhook_adapter.transports.conformance.play import Play, over
from tests.integration.webhook_adapter.transports.conformance.stages import Can, TelegramStage
from tests.rigs.fast_time import StillClock


@over(Can.REFUSE)
def test_a_message_that_never_can_go_is_refused_in_the_platforms_words(play: Play) -> None:
    play.stage.fails(Can.REFUSE)
    refused, next_one = play.put("odd"), play.put("even")
    play.router.wait_until_ended(refused, next_one)

    assert (refused.ended, next_one.ended) == ("refused", "delivered")
    assert refused.receipts[0].refused.detail
    assert not refused.receipts[0].refused.chat_closed


@over(Can.CLOSE)
def test_a_chat_that_takes_nothing_is_told_closed(play: Play) -> None:
    play.stage.fails(Can.CLOSE)
    parcel = play.brings("hello")

    assert parcel.receipts[0].refused.detail
    assert parcel.receipts[0].refused.chat_closed


@over(Can.FAIL)
def test_what_fails_for_a_moment_is_brought_later_and_in_order(play: Play) -> None:
    play.stage.fails(Can.FAIL)
    parcels = [play.put(f"message {number}") for number in range(3)]
    play.router.wait_until_ended(*parcels)

    assert [each.text for each in play.stage.shown()] == [f"message {number}" for number in range(3)]
    assert not parcels[0].receipts[0].retry_later.HasField("retry_after")


@over(Can.HURRY)
def test_a_platform_that_names_a_time_is_left_alone_so_long(play: Play) -> None:
    play.restarts(StillClock())  # what is left of a second is told however long the machine takes to tell it
    play.stage.fails(Can.HURRY)
    parcels = [play.put(f"message {number}") for number in range(2)]
    play.router.wait_until_ended(*parcels)

    later = parcels[0].receipts[0]
    assert later.retry_later.retry_after.seconds == 1
    assert later.rest.chat.ToTimedelta().total_seconds() >= 1
    assert [each.text for each in play.stage.shown()] == ["message 0", "message 1"]


@over(Can.MOVE)
def test_a_chat_with_another_id_is_followed_and_told(play: Play) -> None:
    assert isinstance(play.stage, TelegramStage)
    old, new = play.stage.moves()
    parcel = play.brings("hello", old)

    assert [each.text for each in play.shown(parcel)] == ["hello"]
    assert parcel.receipts[-1].moved_to == new


@over(Can.STUMBLE)
def test_a_message_over_which_a_transport_stumbles_is_tried_again_alone(play: Play) -> None:
    with play.stage.stumbles() as fields:
        odd = play.put("odd", **fields)
        play.router.wait_for(lambda: odd.receipts)
    even = play.brings("even", play.stage.elsewhere)

    assert odd.receipts[0].retry_later.alone
    assert play.shown(even)[0].text == "even"


@pytest.mark.faults
@over(Can.HANG)
def test_what_a_courier_is_sending_when_it_must_end_is_brought_by_the_next(play: Play) -> None:
    play.stage.fails(Can.HANG)
    parcel = play.put("hello")
    play.router.wait_for(lambda: parcel.leased)
    play.stage.is_met()

    play.courier.stop()
    unanswered = list(parcel.receipts)
    play.router.wait_for(lambda: not parcel.leased)
    play.stage.heals()
    play.restarts()
    play.router.wait_until_ended(parcel)

    assert unanswered == []
    assert play.shown(parcel)[0].text == "hello"
    assert parcel.attempts == 2


def test_a_link_that_breaks_brings_nothing_twice(play: Play) -> None:
    first = play.brings("one")
    play.router.break_links()
    second = play.brings("two")

    assert [each.text for each in play.stage.shown()] == ["one", "two"]
    assert (first.attempts, second.attempts) == (1, 1)

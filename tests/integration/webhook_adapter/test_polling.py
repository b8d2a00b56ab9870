from collections.abc import Iterator

import grpc
import pytest
import requests

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.integration.webhook_adapter.courier_process import API_KEY, start
from tests.rigs.scripted_outbox import ChatLinkStandIn


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as telegram:
        telegram.add_chat(4711)
        yield telegram


@pytest.fixture
def router() -> Iterator[ChatLinkStandIn]:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        yield router


def call(telegram: TelegramStandIn, method: str, **params: object) -> None:
    requests.post(f"{telegram.base_url}/bot{telegram.token}/{method}", json=params, timeout=20)


def texts(router: ChatLinkStandIn) -> list[str]:
    return [each.text for each in router.submitted]


def test_a_reply_is_handed_in_with_who_where_and_what_it_answers(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    with start(telegram, router):
        router.wait_until_ended(parcel := router.deliver("Go on?"))
        written = telegram.user_writes("yes", reply_to=telegram.wait_for_message("Go on?"))
        router.wait_for(lambda: router.submitted)

    [handed_in] = router.submitted
    assert (handed_in.text, handed_in.actor) == ("yes", "telegram:4711 (Ada)")
    assert (handed_in.chat.transport, handed_in.chat.chat_id) == ("telegram", "4711")
    assert (handed_in.chat.message_id, [handed_in.reply_to_message_id]) == (
        str(written.message_id),
        parcel.message_ids,
    )
    assert handed_in.update_key.startswith("telegram:271828182:")


def test_a_button_press_is_handed_in_and_answered(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    router.answer = "Sent: continue"
    with start(telegram, router):
        router.deliver("Go on?", buttons=[("Go on", "continue")])
        press = telegram.press(telegram.wait_for_message("Go on?"), "Go on")
        answer = telegram.wait_for(lambda: press.answer or {})

    assert answer["text"] == "Sent: continue"
    assert [each.button.data for each in router.submitted] == ["cmd:tok16characters_:continue"]


def test_updates_are_handed_in_in_order(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    written = [f"message {number}" for number in range(120)]
    telegram.user_writes(written[0])
    with start(telegram, router):
        [telegram.user_writes(text) for text in written[1:]]
        router.wait_for(lambda: len(router.submitted) == 120)
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert (texts(router), router.repeated) == (written, [])


def test_strangers_are_not_handed_in(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    telegram.add_chat(666)
    telegram.user_writes("let me in", chat_id=666)
    telegram.user_writes("hello", chat_id=4711)
    with start(telegram, router):
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert (texts(router), telegram.bot_messages()) == (["hello"], [])


def test_what_the_router_cannot_store_is_not_confirmed_and_comes_again_in_order(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    router.refuse_submits(grpc.StatusCode.UNAVAILABLE, times=1000)
    telegram.user_writes("one")
    telegram.user_writes("two")
    with start(telegram, router):
        router.wait_for(lambda: router.refusals_left < 1000)
        waiting = len(telegram.pending_updates)
        router.refuse_submits(grpc.StatusCode.UNAVAILABLE, times=0)
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert (waiting, texts(router)) == (2, ["one", "two"])


def test_what_the_router_refuses_for_good_does_not_block_the_rest(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    router.refuse_submits(grpc.StatusCode.INVALID_ARGUMENT, times=1)
    telegram.user_writes("bad")
    telegram.user_writes("good")
    with start(telegram, router):
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert texts(router) == ["good"]


def test_an_update_over_which_the_router_fails_again_and_again_does_not_block_the_rest(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    router.refuse_submits(grpc.StatusCode.INTERNAL, times=3)
    telegram.user_writes("bad")
    telegram.user_writes("good")
    with start(telegram, router) as courier:
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert texts(router) == ["good"]
    assert "the router fails over it" in courier.stderr


def test_an_update_over_which_the_router_fails_once_is_handed_in(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    router.refuse_submits(grpc.StatusCode.INTERNAL, times=2)
    telegram.user_writes("one")
    telegram.user_writes("two")
    with start(telegram, router):
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert texts(router) == ["one", "two"]


@pytest.mark.faults
def test_after_kill_9_the_unconfirmed_come_again_under_the_same_key(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    telegram.user_writes("one")
    telegram.user_writes("two")
    telegram.fail("getUpdates", Fault(FaultKind.SLOW, seconds=0))
    confirmation = telegram.fail("getUpdates", Fault(FaultKind.HANG))
    with start(telegram, router) as courier:
        telegram.wait_for(lambda: confirmation.struck)
        courier.kill()
    with start(telegram, router):
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert texts(router) == ["one", "two"]
    assert [each.update_key for each in router.repeated] == [each.update_key for each in router.submitted]


def test_a_router_that_is_away_keeps_updates_at_telegram(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    router.stop()
    with start(telegram, router):
        telegram.user_writes("written while the router was away")
        telegram.wait_for_calls("getUpdates")
        waiting = len(telegram.pending_updates)
        router.start()
        telegram.wait_for(lambda: not telegram.pending_updates)

    assert (waiting, texts(router)) == (1, ["written while the router was away"])


def test_a_webhook_left_from_before_is_ended_and_nothing_dropped(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    call(telegram, "setWebhook", url="http://127.0.0.1:9/old")
    telegram.user_writes("waiting")
    with start(telegram, router):
        router.wait_for(lambda: router.submitted)

    assert telegram.world.webhook.url == ""
    assert telegram.calls("deleteWebhook")[0].params == {"drop_pending_updates": False}


def test_a_webhook_that_somebody_sets_meanwhile_is_ended_and_said(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    with start(telegram, router) as courier:
        telegram.wait_for(lambda: telegram.is_polled)
        call(telegram, "setWebhook", url="http://127.0.0.1:9/theirs")
        telegram.user_writes("hello")
        router.wait_for(lambda: router.submitted)

    assert texts(router) == ["hello"]
    assert "set its webhook" in courier.stderr


def test_another_poller_makes_it_step_back_and_say_so(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    with start(telegram, router) as courier:
        telegram.wait_for(lambda: telegram.is_polled)
        call(telegram, "getUpdates", timeout=0)
        telegram.wait_for_calls("getUpdates", 2)
        telegram.user_writes("hello")
        router.wait_for(lambda: router.submitted)

    assert "another program polls with this bot's token" in courier.stderr


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.HTML_PAGE),
        Fault(FaultKind.RESET_BEFORE),
        Fault(FaultKind.REFUSE, 401, "Unauthorized"),
        Fault(FaultKind.REFUSE, 429, "Too Many Requests: retry after 1", {"retry_after": 1}),
    ],
    ids=["html", "reset", "401", "429"],
)
def test_a_poll_that_fails_is_tried_again(telegram: TelegramStandIn, router: ChatLinkStandIn, fault: Fault) -> None:
    telegram.fail("getUpdates", fault)
    telegram.user_writes("hello")
    with start(telegram, router):
        router.wait_for(lambda: router.submitted)

    assert texts(router) == ["hello"]

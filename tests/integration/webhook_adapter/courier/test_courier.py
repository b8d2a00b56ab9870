from collections.abc import Iterator

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.fakes.telegram_images import png
from tests.integration.webhook_adapter.courier_process import API_KEY, CourierProcess, environment, start
from tests.rigs.scripted_outbox import ChatLinkStandIn


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as telegram:
        telegram.add_chat(4711)
        telegram.add_chat(4712)
        yield telegram


@pytest.fixture
def router() -> Iterator[ChatLinkStandIn]:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        yield router


def texts(telegram: TelegramStandIn, chat_id: int = 4711) -> list[str]:
    return [message.text for message in telegram.bot_messages(chat_id)]


def test_it_opens_a_link_for_each_platform_and_says_so(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    with CourierProcess(environment(telegram, router.address, ALLOWED_CHAT_IDS="4711, -100")) as courier:
        line = courier.wait_ready()

        opens = {each.transport: each for each in router.opens}
        assert line == "ready courier telegram,web,push"
        assert [chat.chat_id for chat in opens["telegram"].default_chats] == ["4711", "-100"]
        assert [chat.chat_id for chat in opens["web"].default_chats] == ["console"]
        assert opens["telegram"].instance_id


def test_without_a_bot_it_serves_the_web_console_alone(router: ChatLinkStandIn) -> None:
    settings = {"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address}
    with CourierProcess(settings) as courier:
        line = courier.wait_ready()
        parcel = router.deliver("hello", "console", transport="web")
        router.wait_until_ended(parcel)

    assert (line, parcel.message_ids) == ("ready courier web,push", [parcel.id])


def test_a_file_is_fetched_and_sent_once_though_its_courier_is_killed_on_the_way(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    router.files["plot.png"] = [png(640, 480), b"rest"]
    router.parts_out.clear()
    with start(telegram, router) as courier:
        parcel = router.deliver("the plot", session_id="s1", machine_id="devbox", files=["plot.png"])
        router.wait_for(lambda: router.asked)
        courier.kill()
    router.parts_out.set()
    with start(telegram, router):
        router.wait_until_ended(parcel)

    [message] = telegram.bot_messages(4711)
    assert message.document == png(640, 480) + b"rest"
    assert message.extra["caption"] == "devbox\nthe plot"
    assert parcel.message_ids == [str(message.message_id)]


def test_a_receipt_comes_only_after_telegram_answered(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    fault = telegram.fail("sendMessage", Fault(FaultKind.SLOW), chat_id=4711)
    with start(telegram, router):
        slow, quick = router.deliver("slow", "4711"), router.deliver("quick", "4712")
        router.wait_until_ended(quick)
        ended_meanwhile = slow.ended
        telegram.let_go(fault)
        router.wait_until_ended(slow)

    assert (ended_meanwhile, slow.ended) == ("", "delivered")


def test_messages_of_a_chat_keep_their_order_over_429_and_500(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    telegram.fail("sendMessage", too_many_requests(1), chat_id=4711)
    telegram.fail("sendMessage", Fault(FaultKind.REFUSE, 500, "Internal Server Error"), chat_id=4711)
    with start(telegram, router):
        parcels = [router.deliver(f"message {number}") for number in range(8)]
        other = router.deliver("elsewhere", "4712")
        router.wait_until_ended(other)
        router.wait_until_ended(*parcels)

    assert [text.split("\n")[0] for text in texts(telegram)] == [f"message {number}" for number in range(8)]
    assert parcels[0].receipts[0].retry_later.retry_after.seconds == 1
    assert [receipt.WhichOneof("outcome") for receipt in parcels[0].receipts] == [
        "retry_later",
        "retry_later",
        "delivered",
    ]


def test_a_connection_lost_after_the_message_was_stored_brings_it_twice(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    """Documented: the Bot API has no idempotency key, and losing a message would be worse."""
    telegram.fail("sendMessage", Fault(FaultKind.RESET_AFTER))
    with start(telegram, router):
        parcel = router.deliver("hello", kind=4)
        router.wait_until_ended(parcel)

    assert texts(telegram) == ["hello", "hello"]
    assert [receipt.WhichOneof("outcome") for receipt in parcel.receipts] == ["retry_later", "delivered"]


def test_a_link_lost_during_a_send_does_not_bring_it_twice(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    fault = telegram.fail("sendMessage", Fault(FaultKind.SLOW))
    with start(telegram, router):
        parcel = router.deliver("hello", kind=4)
        telegram.wait_for(lambda: fault.struck)
        router.break_links()
        telegram.let_go(fault)
        router.wait_until_ended(parcel)

    assert (texts(telegram), parcel.attempts) == (["hello"], 2)


def test_a_router_that_comes_back_is_found(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    with start(telegram, router):
        router.stop()
        router.start()
        parcel = router.deliver("hello", kind=4)
        router.wait_until_ended(parcel)

    assert texts(telegram) == ["hello"]


def test_a_router_that_refuses_the_key_is_asked_again(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    environ = environment(telegram, router.address, POINTSMAN_API_KEY="pmk_wrong")
    with CourierProcess(environ) as courier:
        courier.wait_ready()
        assert courier.terminate() == 0

    assert "code=UNAUTHENTICATED" in courier.stderr


@pytest.mark.faults
def test_on_sigterm_sends_in_flight_are_finished_and_answered(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    fault = telegram.fail("sendMessage", Fault(FaultKind.SLOW, seconds=0.7))
    with start(telegram, router) as courier:
        parcel = router.deliver("hello", kind=4)
        telegram.wait_for(lambda: fault.struck)
        code = courier.terminate()

    assert (code, parcel.ended, texts(telegram)) == (0, "delivered", ["hello"])


@pytest.mark.faults
def test_on_sigterm_a_send_that_hangs_does_not_hold_it(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    fault = telegram.fail("sendMessage", Fault(FaultKind.HANG))
    with start(telegram, router) as courier:
        parcel = router.deliver("hello", kind=4)
        telegram.wait_for(lambda: fault.struck)
        code = courier.terminate()
    router.wait_for(lambda: not parcel.leased)

    assert (code, parcel.ended) == (0, "")


@pytest.mark.faults
def test_after_kill_9_another_courier_brings_what_was_leased(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    fault = telegram.fail("sendMessage", Fault(FaultKind.HANG))
    with start(telegram, router) as courier:
        parcels = [router.deliver(f"message {number}", kind=4) for number in range(3)]
        telegram.wait_for(lambda: fault.struck)
        courier.kill()
    with start(telegram, router):
        router.wait_until_ended(*parcels)

    assert texts(telegram) == ["message 0", "message 1", "message 2"]


def test_with_a_public_address_the_webhook_is_set_however_long_it_takes(
    telegram: TelegramStandIn, router: ChatLinkStandIn
) -> None:
    telegram.fail("setWebhook", Fault(FaultKind.REFUSE, 400, "Bad Request: bad webhook: Failed to resolve host"))
    with start(telegram, router, POINTSMAN_PUBLIC_URL="http://127.0.0.1:9") as courier:
        telegram.wait_for(lambda: telegram.world.webhook.url)
        telegram.wait_for(lambda: telegram.world.commands)

    assert telegram.world.webhook.url == "http://127.0.0.1:9/webhook/telegram/p4th-s3cret"
    assert telegram.calls("getUpdates") == []
    assert "Failed to resolve host" in courier.stderr


def test_no_log_line_shows_a_secret_or_a_message(telegram: TelegramStandIn, router: ChatLinkStandIn) -> None:
    telegram.fail("sendMessage", Fault(FaultKind.RESET_BEFORE))
    telegram.fail("getUpdates", Fault(FaultKind.RESET_BEFORE))
    with start(telegram, router) as courier:
        router.wait_until_ended(router.deliver("private words"))
        courier.terminate()

    assert "outcome=RetryLater" in courier.stderr
    secrets = (telegram.token, API_KEY, "s3cret", "private words")
    assert [secret for secret in secrets if secret in courier.stderr] == []


def test_a_bad_setting_is_named(telegram: TelegramStandIn) -> None:
    with CourierProcess(environment(telegram, "nowhere")) as courier:
        code = courier.wait()

    assert (code, "POINTSMAN_ROUTER" in courier.stderr) == (2, True)

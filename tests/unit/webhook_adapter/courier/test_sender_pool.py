import queue
import threading
from collections.abc import Callable

import pytest

from webhook_adapter.courier.sender_pool import DeliveryReceipt, SenderPool
from webhook_adapter.transports.transport import (
    ChatNews,
    ChatRef,
    Delivered,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
)

NEWS = ChatNews(rest=1.5)


class SlowPlatform:
    """A transport that answers when it is told to."""

    name = "slow"

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[SendOutcome | Exception] = queue.SimpleQueue()

    def send(self, message: Outgoing) -> SendOutcome:
        self.asked.put(message)
        answer = self.answers.get(timeout=20)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def news(self, _chat: ChatRef) -> ChatNews:
        return NEWS


class Desk:
    """One platform behind its senders, and the receipts that come back."""

    def __init__(self) -> None:
        self.platform = SlowPlatform()
        self.receipts: queue.SimpleQueue[DeliveryReceipt] = queue.SimpleQueue()
        self.sender_pool = SenderPool(self.platform, 2)
        self.sender_pool.start()

    def take(self, key: str, attempt: int = 1, answer: Callable[[DeliveryReceipt], None] | None = None) -> None:
        message = Outgoing(ChatRef("4711"), "hello", notification_id=key)
        self.sender_pool.take(message, attempt, answer or self.receipts.put)

    def begun(self) -> str:
        return self.platform.asked.get(timeout=10).notification_id

    def receipt(self) -> DeliveryReceipt:
        return self.receipts.get(timeout=10)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_lease_is_answered_with_what_the_platform_said(desk: Desk) -> None:
    desk.take("n1")
    desk.platform.answers.put(Refused("no"))

    assert desk.receipt() == DeliveryReceipt("n1", 1, Refused("no"), NEWS)


def test_a_message_leased_again_while_it_is_sent_is_sent_once_and_answers_the_new_lease(desk: Desk) -> None:
    old_link: queue.SimpleQueue[DeliveryReceipt] = queue.SimpleQueue()
    desk.take("n1", 1, old_link.put)
    desk.begun()
    desk.take("n1", 2)
    desk.platform.answers.put(Delivered(("7",)))

    assert desk.receipt() == DeliveryReceipt("n1", 2, Delivered(("7",)), NEWS)
    assert (old_link.empty(), desk.platform.asked.empty()) == (True, True)


def test_a_delivered_message_leased_again_is_only_answered(desk: Desk) -> None:
    desk.take("n1", 1)
    desk.platform.answers.put(Delivered(("7",)))
    desk.receipt()
    desk.begun()
    desk.take("n1", 2)

    assert desk.receipt() == DeliveryReceipt("n1", 2, Delivered(("7",)), NEWS)
    assert desk.platform.asked.empty()


def test_a_message_to_be_retried_is_sent_again(desk: Desk) -> None:
    desk.take("n1", 1)
    desk.platform.answers.put(RetryLater("busy", 3.0))
    first = desk.receipt()
    desk.take("n1", 2)
    desk.platform.answers.put(Delivered(("7",)))

    assert (first.outcome, desk.receipt().outcome) == (RetryLater("busy", 3.0), Delivered(("7",)))


def test_a_fault_of_a_transport_is_a_retry_and_ends_no_sender(desk: Desk) -> None:
    desk.platform.answers.put(ValueError("a fault"))
    desk.platform.answers.put(ValueError("a fault"))
    desk.platform.answers.put(Delivered(("7",)))
    desk.take("n1")
    desk.take("n2")
    outcomes = [type(desk.receipt().outcome), type(desk.receipt().outcome)]
    desk.take("n3")

    assert outcomes == [RetryLater, RetryLater]
    assert desk.receipt() == DeliveryReceipt("n3", 1, Delivered(("7",)), NEWS)


def test_draining_finishes_what_was_begun_and_begins_nothing(desk: Desk) -> None:
    desk.take("n1")
    desk.begun()
    drained: queue.SimpleQueue[bool] = queue.SimpleQueue()
    stopped_early = desk.sender_pool.drain(0)
    drainer = threading.Thread(target=lambda: drained.put(desk.sender_pool.drain(10)))
    drainer.start()
    desk.take("n2")
    desk.platform.answers.put(Delivered(("7",)))
    drainer.join()

    assert (stopped_early, drained.get(), desk.receipt().notification_id) == (False, True, "n1")
    assert desk.platform.asked.empty()

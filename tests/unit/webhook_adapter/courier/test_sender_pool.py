import queue
import threading
from collections.abc import Callable

import pytest

from webhook_adapter.courier.sender_pool import Carrier, Receipt
from webhook_adapter.transports.transport import ChatNews, Delivered, Outgoing, Place, Refused, RetryLater, SendOutcome

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

    def news(self, _place: Place) -> ChatNews:
        return NEWS


class Desk:
    """One platform behind a carrier, and the receipts that come back."""

    def __init__(self) -> None:
        self.platform = SlowPlatform()
        self.receipts: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
        self.carrier = Carrier(self.platform, 2)
        self.carrier.start()

    def take(self, key: str, attempt: int = 1, answer: Callable[[Receipt], None] | None = None) -> None:
        message = Outgoing(Place("4711"), "hello", notification_id=key)
        self.carrier.take(message, attempt, answer or self.receipts.put)

    def begun(self) -> str:
        return self.platform.asked.get(timeout=10).notification_id

    def receipt(self) -> Receipt:
        return self.receipts.get(timeout=10)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_lease_is_answered_with_what_the_platform_said(desk: Desk) -> None:
    desk.take("n1")
    desk.platform.answers.put(Refused("no"))

    assert desk.receipt() == Receipt("n1", 1, Refused("no"), NEWS)


def test_a_message_leased_again_while_it_is_sent_is_sent_once_and_answers_the_new_lease(desk: Desk) -> None:
    old_link: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
    desk.take("n1", 1, old_link.put)
    desk.begun()
    desk.take("n1", 2)
    desk.platform.answers.put(Delivered(("7",)))

    assert desk.receipt() == Receipt("n1", 2, Delivered(("7",)), NEWS)
    assert (old_link.empty(), desk.platform.asked.empty()) == (True, True)


def test_a_delivered_message_leased_again_is_only_answered(desk: Desk) -> None:
    desk.take("n1", 1)
    desk.platform.answers.put(Delivered(("7",)))
    desk.receipt()
    desk.begun()
    desk.take("n1", 2)

    assert desk.receipt() == Receipt("n1", 2, Delivered(("7",)), NEWS)
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
    assert desk.receipt() == Receipt("n3", 1, Delivered(("7",)), NEWS)


def test_draining_finishes_what_was_begun_and_begins_nothing(desk: Desk) -> None:
    desk.take("n1")
    desk.begun()
    drained: queue.SimpleQueue[bool] = queue.SimpleQueue()
    stopped_early = desk.carrier.drain(0)
    drainer = threading.Thread(target=lambda: drained.put(desk.carrier.drain(10)))
    drainer.start()
    desk.take("n2")
    desk.platform.answers.put(Delivered(("7",)))
    drainer.join()

    assert (stopped_early, drained.get(), desk.receipt().notification_id) == (False, True, "n1")
    assert desk.platform.asked.empty()

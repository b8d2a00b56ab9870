"""Pushes as a push service takes them, and what becomes of those that it does not take."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from pointsman.client.errors import RouterError
from tests.fakes.push_service import PushService, Rudeness
from tests.rigs.fast_time import StillClock
from webhook_adapter.model import Subscription
from webhook_adapter.transports.push import service, vapid
from webhook_adapter.transports.push.transport import PushTransport
from webhook_adapter.transports.push.vapid import Vapid
from webhook_adapter.transports.transport import (
    ChatRef,
    Delivered,
    Kind,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
)

KEY = bytes(31) + b"\x05"
PHONE = ChatRef("phone")


@dataclass
class Router:
    """What the router says of one phone."""

    vendor: PushService
    origin: str = "https://pm.example.net"
    is_open: bool = True
    error: RouterError | None = None
    asked: list[str] = field(default_factory=list)

    def push_key(self) -> bytes:
        return KEY

    def subscription(self, chat_id: str) -> Subscription:
        self.asked.append(chat_id)
        if self.error is not None:
            raise self.error
        browser = self.vendor.browser("phone")
        return Subscription(browser.endpoint, browser.p256dh, browser.auth, self.origin, self.is_open)


@pytest.fixture
def vendor() -> Iterator[PushService]:
    service = PushService().start()
    service.browser("phone")
    service.key = Vapid(KEY).public_key
    yield service
    service.stop()


@pytest.fixture
def router(vendor: PushService) -> Router:
    return Router(vendor)


@pytest.fixture
def transport(router: Router) -> PushTransport:
    return PushTransport(router, StillClock(), private=True)


def says(text: str = "Finished", notification_id: str = "note-1", **fields: Any) -> Outgoing:
    about = {"session_id": "s1", "heading": "devbox · api"}
    return Outgoing(PHONE, text, notification_id=notification_id, **(about | fields))


def test_a_push_is_taken_by_a_service_that_looks_at_everything(vendor: PushService, transport: PushTransport) -> None:
    outcome = transport.send(says())

    [push] = vendor.pushes()
    assert outcome == Delivered(("note-1",))
    assert (push.told["title"], push.told["body"]) == ("devbox · api", "Finished")
    assert (push.ttl, push.urgency, push.subject) == (12 * 3600, "normal", "https://pm.example.net")


def test_a_question_is_urgent_and_waits_for_a_day(vendor: PushService, transport: PushTransport) -> None:
    transport.send(says(kind=Kind.QUESTION))

    assert [(each.ttl, each.urgency) for each in vendor.pushes()] == [(24 * 3600, "high")]


def test_the_longest_message_fits(vendor: PushService, transport: PushTransport) -> None:
    transport.send(says("😀" * 20_000))

    assert [each.size <= 4096 for each in vendor.pushes()] == [True]


def test_of_a_session_the_newest_words_take_the_place_of_older_ones(
    vendor: PushService, transport: PushTransport
) -> None:
    with vendor.offline():
        for number in range(3):
            transport.send(says(f"words {number}", f"note-{number}"))
        transport.send(says("of another", "note-9", session_id="s2"))

    assert [each.told["body"] for each in vendor.pushes()] == ["words 2", "of another"]


def test_the_end_of_a_question_takes_its_place_and_no_other_question_does(
    vendor: PushService, transport: PushTransport
) -> None:
    with vendor.offline():
        transport.send(says("May it?", "note-1", kind=Kind.QUESTION))
        transport.send(says("May it too?", "note-2", kind=Kind.QUESTION))
        transport.edit(says("Allowed", "note-3", kind=Kind.QUESTION, edit_message_ids=("note-1",)))

    told = [(each.told["id"], each.told["body"]) for each in vendor.pushes()]
    assert told == [("note-2", "May it too?"), ("note-1", "Allowed")]


def test_a_page_without_https_names_no_address_that_vendors_refuse(
    vendor: PushService, router: Router, transport: PushTransport
) -> None:
    router.origin = "http://localhost:8080"
    transport.send(says())

    assert vendor.refused == []
    assert vendor.pushes()[0].subject.startswith("mailto:")


def test_whoever_is_let_in_no_more_is_told_no_word(
    vendor: PushService, router: Router, transport: PushTransport
) -> None:
    router.is_open = False
    transport.send(says("the secret plan"))

    assert "secret" not in str(vendor.pushes()[0].told)


GONE = "the browser's push service answered 410: it takes no pushes any more"


@pytest.mark.parametrize(
    ("rude", "outcome"),
    [
        (Rudeness(404), Refused(GONE.replace("410", "404"), chat_closed=True)),
        (Rudeness(410), Refused(GONE, chat_closed=True)),
        (Rudeness(400), Refused("the browser's push service answered 400")),
        (Rudeness(403), Refused("the browser's push service answered 403")),
        (Rudeness(413), Refused("the browser's push service answered 413")),
        (Rudeness(302, {"Location": "/"}), Refused("the browser's push service answered 302")),
        (Rudeness(500), RetryLater("the browser's push service answered 500")),
        (Rudeness(503, {"Retry-After": "7"}), RetryLater("the browser's push service answered 503", 7.0)),
        (Rudeness(429, {"Retry-After": "7"}), RetryLater("the browser's push service answered 429", 7.0)),
        (Rudeness(429, {"Retry-After": "9999999"}), RetryLater("the browser's push service answered 429", 3600.0)),
        (Rudeness(429, {"Retry-After": "soon"}), RetryLater("the browser's push service answered 429")),
        (Rudeness(429), RetryLater("the browser's push service answered 429")),
    ],
    ids=lambda value: "" if isinstance(value, SendOutcome) else f"{value.status} {value.headers}",
)
def test_what_is_not_taken(vendor: PushService, transport: PushTransport, rude: Rudeness, outcome: SendOutcome) -> None:
    vendor.is_rude(rude)

    assert transport.send(says()) == outcome
    assert vendor.pushes() == []


def test_a_vendor_may_name_a_moment(vendor: PushService, router: Router) -> None:
    transport = PushTransport(router, StillClock(), private=True, wall=lambda: 1_000_000.0)
    vendor.is_rude(Rudeness(503, {"Retry-After": formatdate(1_000_030.0, usegmt=True)}))

    outcome = transport.send(says())

    assert isinstance(outcome, RetryLater)
    assert outcome.after == 30.0
    assert transport.news(PHONE).rest == 30.0
    assert transport.news(ChatRef("laptop")).rest == 0.0


def test_what_was_taken_without_an_answer_goes_again_under_the_same_name(
    vendor: PushService, transport: PushTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "DEADLINE_S", 0.5)
    vendor.is_rude(Rudeness(takes_it=True))

    outcomes = [transport.send(says()) for _ in range(2)]

    first, second = vendor.pushes()
    assert [type(each) for each in outcomes] == [RetryLater, Delivered]
    assert (first.told["id"], first.topic) == (second.told["id"], second.topic)


def test_a_subscription_that_the_router_has_forgotten_is_closed(router: Router, transport: PushTransport) -> None:
    router.error = RouterError("NOT_FOUND", "This browser takes no pushes any more.")

    assert transport.send(says()) == Refused("This browser takes no pushes any more.", chat_closed=True)


def test_a_router_that_is_away_is_asked_later(router: Router, transport: PushTransport) -> None:
    router.error = RouterError("UNAVAILABLE", "the router does not answer")

    assert transport.send(says()) == RetryLater("the router does not answer")


def test_an_address_that_may_not_be_called_is_closed(vendor: PushService, router: Router) -> None:
    outcome = PushTransport(router, StillClock(), private=False).send(says())

    assert isinstance(outcome, Refused)
    assert outcome.chat_closed
    assert vendor.tried == 0


@pytest.mark.parametrize("lifetime", [-1.0, 25 * 3600.0], ids=["over", "longer than a day"])
def test_the_stand_in_sees_a_bad_expiry(
    vendor: PushService, transport: PushTransport, monkeypatch: pytest.MonkeyPatch, lifetime: float
) -> None:
    monkeypatch.setattr(vapid, "LIFETIME", lifetime)

    assert isinstance(transport.send(says()), Refused)
    assert [str(each) for each in vendor.refused] == ["exp"]


def test_the_stand_in_sees_another_key(vendor: PushService, transport: PushTransport) -> None:
    vendor.key = Vapid(bytes(31) + b"\x06").public_key

    assert transport.send(says()) == Refused("the browser's push service answered 403")

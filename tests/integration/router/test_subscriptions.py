"""Browsers that take pushes: who is pushed what, what is spared, and when a subscription is forgotten."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.subscription import MOST
from tests.fakes.push_browser import Browser
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ask
from tests.integration.router.subscribing import is_forgotten, logs_in, person, pushed, spared, subscribes, subscription
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HOUR = 3600.0


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def push(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("push") as courier:
        yield courier


def test_what_a_session_says_goes_to_a_browser_once(router: RouterUnderTest, session: str, push: ThinCourier) -> None:
    chat = subscribes(router, logs_in(router))
    router.notify(session, text="Finished")

    delivery = push.brought("shown")

    said = delivery.notification
    assert (said.chat.transport, said.chat.chat_id, said.text) == ("push", chat, "Finished")
    assert (delivery.session_label, delivery.machine_id, delivery.silent) == ("api", "devbox", False)
    assert [each.text for each in pushed(router, session, chat)] == ["Finished"]


def test_a_question_goes_there_with_its_buttons(
    router: RouterUnderTest, agent: ThinAgent, session: str, push: ThinCourier
) -> None:
    subscribes(router, logs_in(router))
    with agent.connected() as link:
        ask(link, session)
        delivery = push.brought("shown")

    assert delivery.kind == chat_pb.DELIVERY_KIND_QUESTION
    assert [each.action for each in delivery.notification.buttons] == ["allow", "always", "deny", "reason"]


def test_its_address_comes_back_as_it_was_given_and_lies_sealed(router: RouterUnderTest) -> None:
    browser = Browser("https://push.example.net/send/a-secret-of-the-vendor")
    chat = subscribes(router, logs_in(router), browser)

    found = subscription(router, chat)

    assert (found.endpoint, found.p256dh, found.auth) == (browser.endpoint, browser.p256dh, browser.auth)
    assert (found.origin, found.is_open) == ("https://pm.example.net", True)
    dump = "\n".join(router.read(lambda c: list(c.iterdump())))
    assert "a-secret-of-the-vendor" not in dump


def test_the_key_is_made_once_and_outlives_a_restart(router: RouterUnderTest) -> None:
    first, again = (router.chat.GetPushKey(chat_pb.GetPushKeyRequest()).private_key for _ in range(2))
    router.restart()
    later = router.chat.GetPushKey(chat_pb.GetPushKeyRequest()).private_key

    assert first == again == later
    assert len(first) == 32


def test_a_subscription_outlives_a_restart(router: RouterUnderTest, session: str) -> None:
    chat = subscribes(router, logs_in(router))
    router.restart()
    router.notify(session, text="Finished")

    with router.courier("push") as push:
        assert push.brought("shown").notification.chat.chat_id == chat


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": "https://push.example.net/" + "x" * 1024}, "endpoint"),
        ({"endpoint": "ftp://push.example.net"}, "https"),
        ({"endpoint": "https://user@push.example.net"}, "https"),
        ({"endpoint": "https://push.example.net:0/"}, "https"),
        ({"p256dh": b"\x04" * 64}, "p256dh"),
        ({"p256dh": b"\x02" + b"\x01" * 64}, "p256dh"),
        ({"auth": b"short"}, "auth"),
        ({"origin": "no page"}, "origin"),
        ({"quiet_hours": "at night"}, "quiet_hours"),
    ],
)
def test_what_is_no_subscription_is_refused(router: RouterUnderTest, said: dict[str, Any], words: str) -> None:
    with pytest.raises(grpc.RpcError, match=words) as error:
        subscribes(router, logs_in(router), **said)

    assert reason_of(error.value) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("call", ["Subscribe", "Unsubscribe", "Look"])
def test_who_is_not_let_in_changes_nothing(router: RouterUnderTest, call: str) -> None:
    requests = {
        "Subscribe": Browser().subscription("a login that never was"),
        "Unsubscribe": chat_pb.UnsubscribeRequest(login_id="a login that never was"),
        "Look": chat_pb.LookRequest(login_id="a login that never was", session_id="s"),
    }
    with pytest.raises(grpc.RpcError) as error:
        getattr(router.chat, call)(requests[call])

    assert reason_of(error.value) == "ILLEGAL_STATE"


# --- who hears ---


def test_one_address_has_one_subscription_whoever_logs_in_there(router: RouterUnderTest, session: str) -> None:
    browser = Browser()
    before = subscribes(router, logs_in(router, person(router, "Ada")), browser)
    after = subscribes(router, logs_in(router, person(router, "Bob")), browser)
    router.notify(session, text="Finished")

    assert is_forgotten(router, before)
    assert len(pushed(router, session, after)) == 1


def test_the_same_again_is_the_same(router: RouterUnderTest) -> None:
    login, browser = logs_in(router), Browser()

    assert subscribes(router, login, browser) == subscribes(router, login, browser, quiet_hours="22:00-07:00")


def test_of_too_many_the_oldest_goes(router: RouterUnderTest) -> None:
    first, *others = [subscribes(router, logs_in(router)) for _ in range(MOST + 1)]

    assert is_forgotten(router, first)
    assert all(subscription(router, each).is_open for each in others)


# --- when it is forgotten ---


def test_who_logs_out_is_forgotten_with_what_waits(router: RouterUnderTest, session: str) -> None:
    login = logs_in(router)
    chat = subscribes(router, login)
    router.notify(session, text="Finished")
    router.chat.CloseBrowser(chat_pb.CloseBrowserRequest(login_id=login))

    assert is_forgotten(router, chat)
    assert spared(router, session, chat) == ["the browser takes no pushes any more"]


def test_who_wants_none_is_forgotten(router: RouterUnderTest) -> None:
    login = logs_in(router)
    chat = subscribes(router, login)
    for _ in range(2):
        router.chat.Unsubscribe(chat_pb.UnsubscribeRequest(login_id=login))

    assert is_forgotten(router, chat)


@pytest.mark.parametrize("hours", [0.0, 13.0], ids=["while it is let in", "when its time is over"])
def test_a_person_who_is_put_out_is_forgotten(router: RouterUnderTest, hours: float) -> None:
    chat = subscribes(router, logs_in(router, person(router)))
    router.advance(hours * HOUR)
    [ada] = [each for each in router.control.ListPeople(pb.ListPeopleRequest()).people if each.name == "Ada"]
    router.control.Unpair(pb.UnpairRequest(id=ada.person_id))

    assert is_forgotten(router, chat)


@pytest.mark.parametrize("hours", [0.0, 13.0], ids=["while it is let in", "when its time is over"])
def test_a_browser_that_is_put_out_is_forgotten(router: RouterUnderTest, hours: float) -> None:
    chat = subscribes(router, logs_in(router))
    [owner] = router.control.ListPeople(pb.ListPeopleRequest()).people
    router.advance(hours * HOUR)
    router.control.Unpair(pb.UnpairRequest(id=owner.browsers[0].browser_id))

    assert is_forgotten(router, chat)


def test_a_browser_whose_time_is_over_is_told_apart_and_forgotten_after_a_week(router: RouterUnderTest) -> None:
    chat = subscribes(router, logs_in(router))
    router.advance(13 * HOUR)
    over = subscription(router, chat)
    router.advance(8 * 24 * HOUR)
    router.control.Cleanup(pb.CleanupRequest())

    assert not over.is_open
    assert is_forgotten(router, chat)


def test_one_whose_vendor_says_that_it_is_gone_is_forgotten_and_nobody_is_told(
    router: RouterUnderTest, session: str, push: ThinCourier
) -> None:
    with router.courier("test", "1") as elsewhere:
        chat = subscribes(router, logs_in(router))
        router.notify(session, text="Finished")
        elsewhere.brought("1")
        push.refused(push.take(), "410", chat_closed=True)
        wait_until(lambda: is_forgotten(router, chat))
        router.notify(session, text="and again")

        assert elsewhere.brought("2").notification.text == "and again"


def test_what_a_vendor_refuses_is_told_nowhere(router: RouterUnderTest, session: str, push: ThinCourier) -> None:
    chat = subscribes(router, logs_in(router))
    router.notify(session, text="odd")
    push.refused(push.take(), "413")
    router.notify(session, text="even")

    assert push.brought("shown").notification.text == "even"
    assert subscription(router, chat).is_open


def test_copies_for_browsers_are_no_words_of_their_own(router: RouterUnderTest, session: str) -> None:
    with router.courier("web", "console"):
        for _ in range(3):
            subscribes(router, logs_in(router))
        router.notify(session, text="Finished")
        words = pb.ListNotificationsRequest(session_id=session, without_receipts=True)

        listed = router.control.ListNotifications(words).notifications

    assert [each.chat.transport for each in listed] == ["web"]
    assert len(router.notifications(session)) == 4


def test_a_browser_is_no_chat_that_a_message_may_name(router: RouterUnderTest, session: str) -> None:
    chat = subscribes(router, login := logs_in(router))
    place = types.ChatRef(transport="push", chat_id=chat, message_id="m")
    router.submit(place, button=chat_pb.ButtonPress(data="cmd:none:allow"), login_id=login)

    named = [types.ChatRef(transport="push", chat_id=chat)]
    with pytest.raises(grpc.RpcError, match="Nobody who may wrote in the chat"):
        router.control.Notify(pb.NotifyRequest(session_id=session, text="for one browser", targets=named))

"""What a session says faster than its chat may be told comes as one message, and is settled as one."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest

A = types.ChatRef(transport="test", chat_id="a")
QUEUED, SENT = types.NOTIFICATION_STATE_QUEUED, types.NOTIFICATION_STATE_SENT
DELIVERED, REFUSED = types.NOTIFICATION_STATE_DELIVERED, types.NOTIFICATION_STATE_REFUSED


@pytest.fixture
def session(router: RouterUnderTest) -> str:
    return router.session(router.machine("devbox"), "api")


@pytest.fixture
def ten(router: RouterUnderTest, session: str) -> list[types.Notification]:
    """Ten messages that wait, oldest first."""
    return [router.notify(session, A, text=f"word {n}")[0] for n in range(10)]


def now(router: RouterUnderTest, session: str) -> list[types.Notification]:
    """The session's messages, oldest first."""
    return list(reversed(router.notifications(session)))


def attempts(router: RouterUnderTest, session: str) -> list[tuple[int, int]]:
    return [(note.state, note.attempt) for note in now(router, session)]


def test_one_delivery_brings_ten_and_its_receipt_settles_them(
    router: RouterUnderTest, session: str, ten: list[types.Notification]
) -> None:
    with router.courier("test") as courier:
        delivery = courier.take()
        out = attempts(router, session)
        courier.delivered(delivery, "100")
        router.reported(delivery)
        alone = router.notify(session, A, text="later")[0]
        next_ = courier.brought("101")

    head, *lines = delivery.notification.text.split("\n")
    assert head.startswith("🗞 10 messages of api since ")
    assert lines == [*(f"• word {n}" for n in range(9)), "word 9"]
    assert delivery.notification.notification_id == ten[0].notification_id
    assert out == [(SENT, 1)] * 10
    assert [(note.state, list(note.message_ids), note.text) for note in now(router, session)[:10]] == [
        (DELIVERED, ["100"], f"word {n}") for n in range(10)
    ]
    assert (next_.notification.notification_id, next_.notification.text) == (alone.notification_id, "later")


def test_trace_tells_of_the_digest(router: RouterUnderTest, ten: list[types.Notification]) -> None:
    with router.courier("test") as courier:
        router.reported(courier.brought("100"))

    first, last = (router.trace(ten[n].notification_id) for n in (0, 9))
    assert [step.event for step in last] == ["Accepted", "Leased", "Delivered"]
    assert last[1].detail == f"in the digest {ten[0].notification_id}"
    assert first[1].detail == "digest with " + ", ".join(note.notification_id for note in ten[1:])


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize("way", ["not now", "courier gone", "router restarted"])
def test_what_was_not_brought_goes_back_whole_and_comes_again_with_what_was_added(
    router: RouterUnderTest, session: str, way: str
) -> None:
    with router.courier("test") as courier:
        first = courier.take()
        if way == "not now":
            courier.answer(first, retry_later=chat_pb.RetryLater(retry_after={"seconds": 30}))
            router.reported(first)
        elif way == "router restarted":
            router.restart()
    router.reported(first)
    went_back = attempts(router, session)
    router.notify(session, A, text="word 10")

    with router.courier("test") as courier:
        router.advance(31)
        again = courier.brought("100")
        router.reported(again)

    assert went_back == [(QUEUED, 1)] * 10
    assert again.notification.text.startswith("🗞 11 messages")
    assert {(note.state, *note.message_ids) for note in now(router, session)} == {(DELIVERED, "100")}


@pytest.mark.usefixtures("ten")
def test_a_lease_that_ends_is_given_again_for_all_and_an_old_receipt_is_ignored(
    router: RouterUnderTest, session: str
) -> None:
    with router.courier("test") as courier:
        first = courier.take()
        router.advance(121)
        again = courier.take()
        out = attempts(router, session)
        courier.delivered(first, "too late")
        courier.delivered(again, "100")
        router.reported(again)

    assert out == [(SENT, 2)] * 10
    assert {(note.state, *note.message_ids) for note in now(router, session)} == {(DELIVERED, "100")}


def test_a_refusal_ends_all_and_is_told_once(
    router: RouterUnderTest, session: str, ten: list[types.Notification]
) -> None:
    with router.courier("test") as courier:
        delivery = courier.take()
        courier.refused(delivery, "no such words here")
        told = courier.brought("1")
        router.settle()
        waiting = courier.waiting()

    ended = [note for note in now(router, session) if note.text.startswith("word")]
    assert [(note.state, note.detail) for note in ended] == [(REFUSED, "no such words here")] * 10
    assert ten[0].notification_id in told.notification.text
    assert waiting == 0


def test_a_digest_keeps_its_place_between_other_messages(router: RouterUnderTest, session: str) -> None:
    other = router.session(router.machine("laptop"), "web")
    buttons = [types.Button(label="Go on", action="continue")]
    for name, text, choices in [
        (other, "before", []), *[(session, f"{n}", []) for n in range(4)], (session, "choose", buttons),
        *[(session, f"{n}", buttons) for n in range(4, 8)], (session, "after", []),
    ]:  # fmt: skip
        router.notify(name, A, text=text, buttons=choices)
    router.submit(A, "/help")

    with router.courier("test") as courier:
        texts = [courier.brought(f"{n}").notification.text for n in range(9)]

    assert texts[0].startswith("Reply to a message")
    assert texts[2].startswith("🗞 4 messages of api")
    assert [texts[1], *texts[3:]] == ["before", "choose", "4", "5", "6", "7", "after"]


def test_a_reply_to_it_and_the_token_of_any_member_reach_the_session(
    router: RouterUnderTest, session: str, ten: list[types.Notification]
) -> None:
    with router.courier("test") as courier:
        router.reported(courier.brought("100"))

    chat = types.ChatRef(transport="test", chat_id="a", message_id="5")
    reply = router.submit(chat, "go on", reply_to_message_id="100")
    named = router.submit(chat, f"/cmd {ten[6].token} stop there")

    assert [router.command(sent.command_id).session_id for sent in (reply, named)] == [session, session]

"""Messages to people: leased out in order, one in flight a chat, never lost."""

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.waiting import wait_until

A = types.ChatRef(transport="test", chat_id="a")
B = types.ChatRef(transport="test", chat_id="b")
DAY = 24 * 3600


@pytest.fixture
def session(router: RouterUnderTest) -> str:
    return router.session(router.machine("devbox"), "api")


def noted(router: RouterUnderTest, session: str, chat: types.ChatRef, text: str) -> str:
    [note] = router.notify(session, chat, text=text)
    return note.notification_id


def now(router: RouterUnderTest, notification_id: str, wait: int = 0) -> types.Notification:
    """A notification as it is, or as it is once it is no longer on its way."""
    request = pb.GetNotificationRequest(notification_id=notification_id, wait={"seconds": wait})
    return router.control.GetNotification(request).notification


def test_a_message_travels_to_the_platform(router: RouterUnderTest, session: str) -> None:
    buttons = [types.Button(label="Go on", action="continue")]
    [note] = router.notify(session, A, text="done", buttons=buttons)

    with router.courier("test") as courier:
        delivery = courier.brought("100", "101")
        delivered = now(router, note.notification_id, wait=5)

    assert (delivery.notification.text, delivery.attempt) == ("done", 1)
    assert list(delivery.notification.buttons) == buttons
    assert (delivery.machine_id, delivery.session_label) == ("devbox", "api")
    assert delivery.kind == chat_pb.DELIVERY_KIND_PROGRESS
    assert delivery.lease.seconds == 120
    assert len(delivery.notification.token) == 16
    assert delivered.state == types.NOTIFICATION_STATE_DELIVERED
    assert list(delivered.message_ids) == ["100", "101"]
    assert router.events(note.notification_id) == ["Accepted", "Leased", "Delivered"]


def test_what_was_said_is_listed_without_receipts_and_in_pages(router: RouterUnderTest, session: str) -> None:
    for text in ("one", "two", "three"):
        noted(router, session, A, text)
        sent = router.submit(A, "x", session_id=session)
        router.control.CancelCommand(pb.CancelCommandRequest(command_id=sent.command_id))

    request = pb.ListNotificationsRequest(session_id=session, limit=2, without_receipts=True)
    first = router.control.ListNotifications(request).notifications
    request.before_notification_id = first[-1].notification_id
    second = router.control.ListNotifications(request).notifications

    assert [[note.text for note in page] for page in (first, second)] == [["three", "two"], ["one"]]
    assert len(router.notifications(session)) > 3


def test_the_last_words_of_each_session_are_listed_however_far_back(router: RouterUnderTest, session: str) -> None:
    other = router.session(router.machine("attic"), "docs")
    noted(router, session, A, "first")
    last = noted(router, session, A, "x" * 600)
    for number in range(3):
        noted(router, other, B, f"{number}")
    sent = router.submit(A, "x", session_id=session)
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=sent.command_id))

    found = router.control.ListNotifications(pb.ListNotificationsRequest(last_words=True)).notifications

    assert [(note.session_id, note.text) for note in found] == [(other, "2"), (session, "x" * 500)]
    assert found[1].notification_id == last


@pytest.mark.rule("C5")
def test_one_delivery_is_in_flight_in_a_chat_and_they_keep_their_order(router: RouterUnderTest, session: str) -> None:
    ids = [noted(router, session, A, f"{n}") for n in range(3)]

    with router.courier("test") as courier:
        first = courier.take()
        states = [now(router, one).state for one in ids]
        courier.delivered(first, "1")
        rest = [courier.brought(f"{n}") for n in (2, 3)]

    assert states == [types.NOTIFICATION_STATE_SENT, *[types.NOTIFICATION_STATE_QUEUED] * 2]
    assert [one.notification.notification_id for one in (first, *rest)] == ids


def test_chats_do_not_wait_for_each_other(router: RouterUnderTest, session: str) -> None:
    for chat in (A, A, B):
        noted(router, session, chat, "x")

    with router.courier("test") as courier:
        chats = {courier.take().notification.chat.chat_id for _ in range(2)}

    assert chats == {"a", "b"}


def test_a_courier_gets_no_more_than_it_wants(router: RouterUnderTest, session: str) -> None:
    ids = [noted(router, session, types.ChatRef(transport="test", chat_id=f"{n}"), "x") for n in range(3)]

    with router.courier("test", max_in_flight=2) as courier:
        first = courier.take()
        courier.take()
        waiting = [now(router, one).state for one in ids].count(types.NOTIFICATION_STATE_QUEUED)
        courier.delivered(first, "1")
        courier.take()

    assert waiting == 1


def test_answers_and_receipts_go_before_progress(router: RouterUnderTest, session: str) -> None:
    chat = types.ChatRef(transport="test", chat_id="a", message_id="1")
    noted(router, session, A, "progress")
    router.submit(chat, "x", session_id=session)
    router.submit(chat, "/help")

    with router.courier("test") as courier:
        kinds = [courier.brought(f"{n}").kind for n in range(3)]

    assert kinds == [
        chat_pb.DELIVERY_KIND_ANSWER,
        chat_pb.DELIVERY_KIND_STATUS,
        chat_pb.DELIVERY_KIND_PROGRESS,
    ]


@pytest.mark.rule("C7")
def test_not_now_holds_the_whole_chat_and_no_other(router: RouterUnderTest, session: str) -> None:
    late, later = noted(router, session, A, "1"), noted(router, session, A, "2")

    with router.courier("test") as courier:
        courier.answer(courier.take(), retry_later=chat_pb.RetryLater(retry_after={"seconds": 30}, detail="429"))
        wait_until(lambda: now(router, late).detail == "429")
        other = noted(router, session, B, "x")
        assert courier.brought("1").notification.notification_id == other
        held = [now(router, one).attempt for one in (late, later)]
        router.advance(31)
        again = courier.brought("2")

    assert held == [1, 0]
    assert (again.notification.notification_id, again.attempt) == (late, 2)


def test_not_now_without_a_time_is_tried_again_soon(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "x")

    with router.courier("test") as courier:
        courier.answer(courier.take(), retry_later=chat_pb.RetryLater(detail="socket closed"))
        router.settle()
        router.advance(2.1)
        again = courier.brought("1")

    assert again.attempt == 2


@pytest.mark.rule("C10")
def test_what_a_courier_had_is_leased_again_a_second_after_it_went(router: RouterUnderTest, session: str) -> None:
    note = noted(router, session, A, "x")
    with router.time.slowly():
        with router.courier("test") as gone:
            gone.take()
        other = noted(router, session, B, "y")

        with router.courier("test") as courier:
            first = courier.brought("1")
            router.advance(1.1)
            again = courier.brought("2")

    assert first.notification.notification_id == other
    assert (again.notification.notification_id, again.attempt) == (note, 2)


def test_another_courier_takes_over(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", max_in_flight=1) as first:
        noted(router, session, A, "x")
        first.take()
        with router.courier("test") as second:
            first.close()
            router.advance(1.1)

            assert second.brought("1").attempt == 2


@pytest.mark.rule("C6")
def test_a_lease_that_ends_is_given_again_and_an_old_receipt_is_ignored(router: RouterUnderTest, session: str) -> None:
    note = noted(router, session, A, "x")

    with router.courier("test") as courier:
        first = courier.take()
        router.advance(121)
        again = courier.take()
        courier.delivered(first, "too late")
        courier.delivered(again, "1")
        delivered = now(router, note, wait=5)

    assert again.attempt == 2
    assert list(delivered.message_ids) == ["1"]


def test_a_receipt_for_what_was_never_leased_is_ignored(router: RouterUnderTest, session: str) -> None:
    with router.courier("test") as courier:
        courier.answer(chat_pb.Delivery(notification=types.Notification(notification_id="n")), delivered={})
        note = noted(router, session, A, "x")

        assert courier.brought("1").notification.notification_id == note


@pytest.mark.rule("C8")
def test_a_refusal_keeps_the_platforms_words(router: RouterUnderTest, session: str) -> None:
    note = noted(router, session, A, "x")

    with router.courier("test") as courier:
        courier.refused(courier.take(), "message is too long")
        refused = now(router, note, wait=5)
        next_ = noted(router, session, A, "y")
        told, after = courier.brought("1"), courier.brought("2")

    assert (refused.state, refused.detail) == (types.NOTIFICATION_STATE_REFUSED, "message is too long")
    assert "message is too long" in told.notification.text
    assert after.notification.notification_id == next_


def test_after_a_day_a_message_is_given_up(router: RouterUnderTest, session: str) -> None:
    note = noted(router, session, A, "x")
    router.advance(DAY + 1)

    assert now(router, note, wait=5).state == types.NOTIFICATION_STATE_DEAD


def test_without_a_target_every_default_chat_gets_a_copy(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", "a", "b") as one, router.courier("web", "console") as other:
        sent = router.notify(session, text="done")
        chats = {one.brought("1").notification.chat.chat_id for _ in range(2)}
        console = other.brought("1")

    assert len(sent) == 3
    assert len({note.token for note in sent}) == 3
    assert chats == {"a", "b"}
    assert console.notification.text == "done"


def test_default_chats_outlive_their_courier_until_the_next_one_names_others(
    router: RouterUnderTest, session: str
) -> None:
    with router.courier("test", "a", "b"):
        pass
    before = {note.chat.chat_id for note in router.notify(session)}
    with router.courier("test", "b", "c"):
        after = {note.chat.chat_id for note in router.notify(session)}

    assert (before, after) == ({"a", "b"}, {"b", "c"})


def test_without_any_chat_the_caller_is_told(router: RouterUnderTest, session: str) -> None:
    with pytest.raises(grpc.RpcError, match="name a target") as refused:
        router.notify(session)

    assert reason_of(refused.value) == "ILLEGAL_STATE"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"text": ""}, "INVALID_ARGUMENT"),
        ({"text": "x" * 65_537}, "TOO_LARGE"),
        ({"session_id": "nobody"}, "SESSION_UNKNOWN"),
        ({"targets": [types.ChatRef(transport="test")]}, "INVALID_ARGUMENT"),
        ({"buttons": [types.Button(label="x", action="a")] * 9}, "TOO_LARGE"),
        ({"buttons": [types.Button(label="x" * 65, action="a")]}, "INVALID_ARGUMENT"),
        ({"buttons": [types.Button(label="x", action="ä" * 22)]}, "INVALID_ARGUMENT"),
        ({"buttons": [types.Button(label="", action="a")]}, "INVALID_ARGUMENT"),
    ],
    ids=["empty", "long", "unknown session", "half a chat", "many buttons", "long label", "long action", "no label"],
)
def test_a_message_that_cannot_be_taken_is_refused(
    router: RouterUnderTest, session: str, request_: dict[str, object], reason: str
) -> None:
    whole = {"session_id": session, "text": "x", "targets": [A]} | request_

    with pytest.raises(grpc.RpcError) as refused:
        router.control.Notify(pb.NotifyRequest(**whole))  # type: ignore[arg-type]

    assert reason_of(refused.value) == reason
    assert router.notifications(session) == []


@pytest.mark.parametrize(
    "frame",
    [chat_pb.DeliveryReceipt(notification_id="n"), chat_pb.DeliveryReceipt(open=chat_pb.DeliverOpen())],
    ids=["not open", "no transport"],
)
@pytest.mark.rule("C4")
def test_a_courier_introduces_itself_first(router: RouterUnderTest, frame: chat_pb.DeliveryReceipt) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        next(router.chat.Deliver(iter([frame])))

    assert reason_of(refused.value) == "BAD_FRAME"


def test_a_router_that_restarts_leases_again(router: RouterUnderTest, session: str) -> None:
    note = noted(router, session, A, "x")
    with router.courier("test") as courier:
        courier.take()
        router.restart()

    with router.courier("test") as courier:
        again = courier.brought("1")

    assert (again.notification.notification_id, again.attempt) == (note, 2)


def test_notifications_are_listed_newest_first_and_by_platform(router: RouterUnderTest, session: str) -> None:
    older, newer = noted(router, session, A, "1"), noted(router, session, B, "2")
    noted(router, session, types.ChatRef(transport="web", chat_id="console"), "3")

    request = pb.ListNotificationsRequest(transport="test")
    found = router.control.ListNotifications(request).notifications

    assert [note.notification_id for note in found] == [newer, older]


def test_a_notification_nobody_knows_is_not_found(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        now(router, "no-such-note")

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND

"""Where a turn is shown, and where it is not."""

from functools import partial

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.services import work_events
from router.store import work_messages
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.work.working import (
    BUSY,
    HERE,
    WORK,
    Worker,
    began,
    ended,
    said,
    shown,
)
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until


@pytest.mark.usefixtures("progress")
def test_a_chat_that_does_not_hear_of_a_session_sees_nothing_of_its_turns(
    router: RouterUnderTest, courier: ThinCourier, worker: Worker
) -> None:
    elsewhere = types.ChatRef(transport="test", chat_id="2", message_id="1")
    router.submit(elsewhere, "/settings everything")
    assert courier.brought("5").notification.chat.chat_id == "2"
    worker.does(BUSY, said("x"), began("a"), ended("a", "secret"))
    worker.pause(20)

    assert courier.brought("7").notification.chat.chat_id == "1"
    assert courier.waiting() == 0


@pytest.mark.usefixtures("progress")
def test_a_reply_to_it_reaches_its_session(router: RouterUnderTest, courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY)
    worker.pause()
    shown(courier, "7")
    wait_until(lambda: router.write(partial(work_messages.of_session, session_id=worker.session_id))[0].message_ids)

    assert router.submit(HERE, "faster", reply_to_message_id="7").session_id == worker.session_id


@pytest.mark.usefixtures("progress")
def test_it_comes_in_the_topic_of_its_session_and_makes_none(
    router: RouterUnderTest, courier: ThinCourier, worker: Worker
) -> None:
    router.submit(HERE, "/topics on")
    courier.brought("5")
    worker.does(BUSY)
    worker.pause(10)
    before = courier.waiting()
    worker.says("first words")
    made = courier.take()
    courier.answer(made, delivered=chat_pb.Delivered(message_ids=["6"], thread_id="77"))
    router.reported(made)
    worker.pause()
    first = courier.brought("7")

    assert before == 0
    assert (first.kind, first.notification.chat.thread_id) == (WORK, "77")


@pytest.mark.usefixtures("progress")
def test_history_that_a_machine_tells_late_is_not_shown(courier: ThinCourier, worker: Worker) -> None:
    old = began("a")
    old.at.FromSeconds(1_700_000_000)
    worker.does(said("x"), old, said("y"))
    worker.pause(20)

    assert courier.waiting() == 0


@pytest.mark.usefixtures("progress")
def test_a_session_that_ends_in_a_turn_leaves_no_message_that_says_it_works(
    router: RouterUnderTest, courier: ThinCourier, worker: Worker
) -> None:
    worker.does(BUSY)
    worker.pause()
    shown(courier, "7")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=worker.session_id))
    router.advance(work_events.SILENT + 1)
    router.advance(work_events.LOOK_EVERY + 1)
    worker.pause(5)

    assert shown(courier, "7").startswith("☑️ Worked")


@pytest.mark.usefixtures("progress")
def test_what_is_shown_is_no_notification(router: RouterUnderTest, courier: ThinCourier, worker: Worker) -> None:
    worker.does(BUSY)
    worker.pause()
    shown(courier, "7")

    assert router.notifications(worker.session_id) == []

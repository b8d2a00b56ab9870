"""What is shown of a turn is in nobody's way, and never comes twice, whatever is cut."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.work.working import (
    BUSY,
    IDLE,
    WORK,
    Worker,
    began,
    ended,
    setting,
    shown,
)
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier


@pytest.mark.usefixtures("progress")
def test_a_question_never_waits_for_what_is_shown(
    router: RouterUnderTest, courier: ThinCourier, worker: Worker
) -> None:
    worker.does(BUSY)
    worker.pause()
    hangs = courier.take()
    router.notify(worker.session_id, text="a question")

    assert hangs.kind == WORK
    assert courier.brought("8").notification.text == "a question"
    courier.delivered(hangs, "7")


@pytest.mark.usefixtures("progress")
def test_nothing_is_shown_while_anything_waits_for_the_chat(
    router: RouterUnderTest, courier: ThinCourier, worker: Worker
) -> None:
    router.notify(worker.session_id, text="first")
    first = courier.take()
    router.notify(worker.session_id, text="second")
    worker.does(BUSY)
    worker.pause(10)
    waiting = courier.waiting()
    courier.delivered(first, "7")
    second = courier.brought("8")
    worker.pause(10)

    assert waiting == 0
    assert second.notification.text == "second"
    assert shown(courier, "9").startswith("⚙️ Working")


@pytest.mark.usefixtures("progress")
def test_one_that_was_refused_a_time_is_tried_again_and_holds_nothing_up(
    router: RouterUnderTest, courier: ThinCourier, worker: Worker
) -> None:
    worker.does(BUSY)
    worker.pause()
    courier.answer(courier.take(), retry_later=chat_pb.RetryLater(retry_after={"seconds": 8}))
    worker.pause(2)
    router.notify(worker.session_id, text="meanwhile")
    assert courier.brought("8").notification.text == "meanwhile"
    worker.pause(10)

    assert shown(courier, "9").startswith("⚙️ Working")


@pytest.mark.parametrize("how", ["no answer", "courier gone", "router gone"])
def test_where_nobody_knows_whether_it_came_it_is_left(
    router: RouterUnderTest, agent: ThinAgent, session: str, how: str
) -> None:
    with router.courier("test", "1") as courier, agent.connected() as link:
        setting(router, courier, "progress")
        worker = Worker(router, link, session)
        worker.does(BUSY)
        worker.pause()
        first = courier.take()
        if how == "no answer":
            courier.answer(first, retry_later=chat_pb.RetryLater(detail="timeout"))
            worker.does(began("a"))
            worker.pause(40)
            assert courier.waiting() == 0
    if how == "router gone":
        router.restart()
        agent = again(router, agent)
    with router.courier("test", "1") as courier, agent.connected() as link:
        worker = Worker(router, link, session, told=2 if how == "no answer" else 1)
        worker.does(began("b"))
        worker.pause(40)
        worker.does(IDLE, BUSY, began("c"))
        worker.pause(10)

        assert shown(courier, "9").startswith("⚙️ Working · 1 command\n")


def again(router: RouterUnderTest, agent: ThinAgent) -> ThinAgent:
    """The same machine at a router that was started anew."""
    fresh = ThinAgent(router.address, agent.machine_id, agent.key, now=router.time.now)
    fresh.inbox_id, fresh.outbox_id, fresh.last_epoch = agent.inbox_id, agent.outbox_id, agent.last_epoch
    router._agents.append(fresh)
    return fresh


@pytest.mark.parametrize("is_over", [False, True], ids=["goes on", "was over meanwhile"])
def test_after_a_restart_the_same_message_goes_on(
    router: RouterUnderTest, agent: ThinAgent, session: str, is_over: bool
) -> None:
    with router.courier("test", "1") as courier, agent.connected() as link:
        setting(router, courier, "progress")
        worker = Worker(router, link, session)
        worker.does(BUSY, began("a"), ended("a"))
        worker.pause()
        shown(courier, "7")
        router.settle()
        if is_over:
            courier.close()
            worker.does(began("b"), ended("b"), IDLE)
    router.restart()
    agent = again(router, agent)

    with agent.connected() as link:
        worker = Worker(router, link, session, told=6 if is_over else 3)
        if not is_over:
            worker.does(began("b"))
        worker.pause()
        with router.courier("test", "1") as courier:
            worker.pause()
            change = courier.brought("7")

    assert list(change.edit_message_ids) == ["7"]
    assert change.notification.text.startswith("☑️ Done: 2 commands" if is_over else "⚙️ Working · 2 commands")

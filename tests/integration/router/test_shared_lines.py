"""What waits for a machine that is away is told by one line, for all that was written meanwhile."""

import sqlite3

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.clock import SteadyClock
from router.domain.command import ChatRef
from router.services.outbox.status_lines import StatusLines
from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, press
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

AWAY = "devbox is away. It waits up to 24 h and goes out on return."
ALONE, THREE = f"⏳ Queued: {AWAY}", f"⏳ Queued with the 2 before it: {AWAY}"


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


def written(router: RouterUnderTest, session: str, *numbers: int, thread: str = "") -> list[str]:
    """Texts of a person, each a message of this number; the commands that they became."""
    chats = [types.ChatRef(transport="test", chat_id="1", thread_id=thread, message_id=str(each)) for each in numbers]
    return [router.submit(chat, f"text {chat.message_id}", session_id=session).command_id for chat in chats]


def told(delivery: chat_pb.Delivery) -> tuple[str, str, list[str]]:
    """What it says, under which message, and what can be pressed."""
    return delivery.notification.text, delivery.reply_to_message_id, labels(delivery)


def test_what_is_written_while_the_chat_is_busy_gets_one_line(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    written(router, session, 10)
    first = courier.take()
    *_, newest = written(router, session, 11, 12, 13)
    courier.delivered(first, "500")
    line = courier.brought("501")

    assert told(first) == (ALONE, "10", ["✋ Take back"])
    assert told(line) == (THREE, "13", ["✋ Take back", "✋ Take all back"])
    assert line.notification.command_id == newest
    assert len(router.notifications(session)) == 2


def test_each_place_has_a_line_of_its_own(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    other = router.session(agent, "web")
    written(router, session, 10)
    first = courier.take()
    written(router, session, 11, 12)
    written(router, other, 13)
    written(router, session, 14, thread="7")
    courier.delivered(first, "500")
    lines = [courier.brought(str(number)) for number in (501, 502, 503)]

    assert [line.reply_to_message_id for line in lines] == ["12", "13", "14"]
    assert [("before it" in line.notification.text) for line in lines] == [True, False, False]


def test_all_of_them_are_taken_back_together(router: RouterUnderTest, session: str, courier: ThinCourier) -> None:
    held = written(router, session, 10)
    first = courier.take()
    together = written(router, session, *range(11, 18))
    courier.delivered(first, "500")
    line = courier.brought("501")
    router.reported(line)
    pressed = press(router, line, "all", "501")
    said: list[chat_pb.Delivery] = []
    while len([each for each in said if each.command_state == types.COMMAND_STATE_CANCELLED]) < 2:
        said.append(courier.brought("501"))
    [changed] = [each for each in said if each.edit_message_ids and "↩️" in each.notification.text]

    assert pressed.answer == "Took back 7 commands that waited."
    assert {router.command(each).state for each in together} == {types.COMMAND_STATE_CANCELLED}
    assert router.command(held[0]).state == types.COMMAND_STATE_QUEUED  # it has a line and a button of its own
    assert (told(changed), list(changed.edit_message_ids)) == (("↩️ Taken back; it was not typed.", "17", []), ["501"])
    assert [told(each)[:2] for each in said if not each.edit_message_ids] == [
        ("↩️ Taken back, this and the 5 before it; none of them was typed.", "16"),
    ]


def test_one_that_is_taken_back_elsewhere_is_counted_no_more(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    first, *_ = written(router, session, 9)
    busy = courier.take()
    second, *_ = written(router, session, 10, 11, 12)
    courier.delivered(busy, "499")
    router.reported(courier.brought("500"))
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=second))
    news = [courier.brought("501"), courier.brought("501")]
    changed = next(each for each in news if each.edit_message_ids)

    assert "with the 1 before it" in changed.notification.text
    assert list(changed.edit_message_ids) == ["500"]
    assert {each.notification.command_id for each in news} - {changed.notification.command_id} == {second}
    assert router.command(first).state == types.COMMAND_STATE_QUEUED


def test_what_waited_under_the_line_of_one_that_is_over_is_told_again(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    written(router, session, 10)
    first = courier.take()
    *_, newest = written(router, session, 11, 12, 13)
    courier.delivered(first, "500")
    router.reported(courier.brought("501"))
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=newest))
    ways = {told(courier.brought("501"))[:2], told(courier.brought("502"))[:2]}

    assert ways == {
        ("↩️ Taken back; it was not typed.", "13"),
        (f"⏳ Queued with the 1 before it: {AWAY}", "12"),
    }


def test_the_line_goes_on_with_its_own_command_and_the_others_get_marks(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    written(router, session, 9)
    busy = courier.take()
    older, newest = written(router, session, 10, 11)
    courier.delivered(busy, "499")
    router.reported(courier.brought("500"))
    with agent.connected() as link:
        link.commands(3)
        for command in (older, newest):
            link.receipt(command)
        link.result(1, older)
        link.result(2, newest)
        done: dict[str, chat_pb.Delivery] = {}
        while len(done) < 2:
            delivery = courier.brought("500")
            if delivery.command_state == types.COMMAND_STATE_DONE:
                done[delivery.notification.command_id] = delivery

    assert (done[older].as_mark, done[older].reply_to_message_id, list(done[older].edit_message_ids)) == (
        True,
        "10",
        [],
    )
    assert (done[newest].as_mark, list(done[newest].edit_message_ids)) == (False, ["500"])


def test_nothing_is_written_before_a_courier_is_there(router: RouterUnderTest, session: str) -> None:
    written(router, session, 10, 11, 12)
    before = router.notifications(session)
    with router.courier("test") as courier:
        line = courier.brought("500")

    assert before == []
    assert told(line)[:2] == (THREE, "12")


def test_what_went_out_before_a_courier_came_has_no_line(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command, *_ = written(router, session, 10)
    with agent.connected() as link, router.courier("test") as courier:
        link.commands(1)
        link.receipt(command)
        link.result(1, command)
        only = courier.brought("500")

    assert (only.command_state, only.as_mark) == (types.COMMAND_STATE_DONE, True)
    assert len(router.notifications(session)) == 1


def test_a_line_that_was_owed_is_owed_after_a_restart(router: RouterUnderTest) -> None:
    session = router.session(router.machine("devbox"), "api")
    written(router, session, 10, 11, 12)
    router.restart()
    with router.courier("test") as courier:
        line = courier.brought("500")
        router.reported(line)
    router.restart()
    with router.courier("test") as courier:
        written(router, session, 13)
        next_line = courier.brought("501")

    assert told(line)[:2] == (THREE, "12")
    assert told(next_line)[:2] == (ALONE, "13")  # the others were told of


def test_what_is_undone_owes_nothing() -> None:
    connection = sqlite3.connect(":memory:")
    lines = StatusLines(SteadyClock(), str, str, lambda _: False)
    asked: list[str] = []

    def is_free(_: str, chat_id: str) -> bool:
        asked.append(chat_id)
        return False

    for number, undone in (("1", True), ("2", False)):
        tx = Transaction(connection)
        lines.owe(tx, ChatRef("test", number), "s-1")
        if undone:
            tx.undo()
    lines.write(Transaction(connection), "test", is_free, 9)

    assert asked == ["2"]

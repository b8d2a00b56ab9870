"""A choice that a session offered: it counts once, and afterwards its message says who chose what, everywhere."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, last_line, press
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def question(router: RouterUnderTest, session: str, courier: ThinCourier) -> chat_pb.Delivery:
    """What a session asks, as messages 500 and 501."""
    buttons = [types.Button(label="Yes, do", action="yes"), types.Button(label="No", action="no")]
    router.notify(session, types.ChatRef(transport="test", chat_id="1"), buttons=buttons)
    return courier.brought("500", "501")


def test_a_sessions_button_counts_once_and_goes_away(
    router: RouterUnderTest, agent: ThinAgent, question: chat_pb.Delivery, courier: ThinCourier
) -> None:
    with agent.connected() as link:
        press(router, question, "Yes", "501")
        second = press(router, question, "No", "501")
        [frame] = link.commands(1)
    closed = courier.brought("500", "501")

    assert frame.action.input.text == "y"
    assert (second.command_id, second.answer) == ("", "Already answered: Yes, do")
    assert (labels(closed), closed.notification.text.splitlines()[0]) == ([], "done")
    assert last_line(closed) == "✓ Yes, do — Ada, 12:00"
    assert (list(closed.edit_message_ids), closed.kind) == (["500", "501"], chat_pb.DELIVERY_KIND_PROGRESS)


def test_a_choice_counts_once_in_all_chats_together(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    buttons = [types.Button(label="Yes", action="yes"), types.Button(label="No", action="no")]
    targets = [types.ChatRef(transport=transport, chat_id="1") for transport in ("test", "other")]
    router.notify(session, *targets, buttons=buttons)
    here = courier.brought("500")
    with router.courier("other") as second, agent.connected() as link:
        there = second.brought("900")
        router.reported(there)
        press(router, here, "Yes")
        where = types.ChatRef(transport="other", chat_id="1", message_id="900")
        button = chat_pb.ButtonPress(data=f"cmd:{there.notification.token}:no")
        late = router.submit(where, button=button)
        closed = [courier.brought("500"), second.brought("900")]
        [frame] = link.commands(1)

    assert frame.action.input.text == "y"
    assert (late.command_id, late.answer) == ("", "Already answered: Yes")
    assert [last_line(each) for each in closed] == ["✓ Yes — Ada, 12:00"] * 2
    assert [list(each.edit_message_ids) for each in closed] == [["500"], ["900"]]


def test_what_was_chosen_is_said_though_the_router_died_right_behind_the_press(
    router: RouterUnderTest, question: chat_pb.Delivery
) -> None:
    router.reported(question)
    press(router, question, "Yes", "501")
    router.restart()
    with router.courier("test", "1") as courier:
        deliveries = [courier.brought("502"), courier.brought("500", "501")]

    [closed] = [each for each in deliveries if each.edit_message_ids]
    assert (last_line(closed), list(closed.edit_message_ids)) == ("✓ Yes, do — Ada, 12:00", ["500", "501"])


def test_what_the_machine_decides_about_says_who_asked(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    router.submit(HERE, "wait", session_id=session)
    courier.brought("500")
    with agent.connected() as link:
        link.commands(1)
        on_its_way = courier.brought("500")
        answer = press(router, on_its_way, "Take back").answer
        asked = courier.brought("500")

    assert answer == "Asked devbox to take it back."
    assert (labels(asked), last_line(asked)) == ([], "Asked devbox to take it back — Ada, 12:00")


def test_a_press_that_could_not_be_taken_does_not_count(
    router: RouterUnderTest, agent: ThinAgent, session: str, question: chat_pb.Delivery
) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    assert "ended" in press(router, question, "Yes", "501").answer
    router.control.RegisterSession(pb.RegisterSessionRequest(session_id=session, machine_id=agent.machine_id))

    assert press(router, question, "Yes", "501").command_id


def test_a_change_of_a_message_names_it_in_lists(
    router: RouterUnderTest, session: str, question: chat_pb.Delivery
) -> None:
    press(router, question, "Yes", "501")

    [(change, first)] = [(note.edits, note.text) for note in router.notifications(session) if note.edits]
    assert (change, first.splitlines()[0]) == (question.notification.notification_id, "done")

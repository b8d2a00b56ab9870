"""Permission questions that end without an answer of ours, wait for long, or may not be asked."""

from typing import Any

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import (
    DAY,
    OPTIONS,
    ask,
    decision,
    listed,
    press,
    respond,
    shown,
    standing,
    withdraw,
)
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (types.PERMISSION_STATE_ANSWERED_ELSEWHERE, "Answered at the terminal"),
        (types.PERMISSION_STATE_WITHDRAWN, "its program ended"),
        (types.PERMISSION_STATE_EXPIRED, "Nobody answered"),
    ],
)
def test_what_ends_at_the_machine_voids_the_buttons(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, state: Any, words: str
) -> None:
    asked = ask(link, session)
    note = shown(courier)
    withdraw(link, asked, state, detail="its program ended")

    edit = courier.brought("100").notification
    assert words in edit.text
    assert not edit.buttons
    late = press(router, note, "allow")
    assert late.command_id == ""
    assert words in late.answer


def test_a_question_is_listed_with_its_buttons_until_it_is_over_and_then_says_how_it_ended(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    asked = ask(link, session)
    note = shown(courier)
    open_ones = pb.ListNotificationsRequest(session_id=session, open_questions=True)
    elsewhere = pb.ListNotificationsRequest(session_id="elsewhere", open_questions=True)
    before = router.control.ListNotifications(open_ones).notifications
    none = router.control.ListNotifications(elsewhere).notifications
    withdraw(link, asked, types.PERMISSION_STATE_WITHDRAWN, detail="its program ended")
    courier.brought("100")

    [last] = router.control.ListNotifications(pb.ListNotificationsRequest(last_words=True)).notifications
    assert [(one.notification_id, one.token, list(one.buttons)) for one in before] == [
        (note.notification_id, note.token, list(note.buttons))
    ]
    assert not none
    assert not router.control.ListNotifications(open_ones).notifications
    assert last.notification_id == note.notification_id
    assert "its program ended" in last.text


def test_the_machine_overrules_an_answer_that_came_too_late(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    asked = ask(link, session)
    press(router, shown(courier), "allow")
    [frame] = link.commands(1)
    shown(courier)
    withdraw(link, asked, types.PERMISSION_STATE_ANSWERED_ELSEWHERE)
    link.receipt(frame.command_id)
    link.result(3, frame.command_id, outcome=link_pb.RESULT_OUTCOME_FAILED, reason=types.REASON_QUESTION_OVER)

    assert "The answer of Ada came too late" in shown(courier).text
    assert "did not reach api" in courier.take().notification.text


def test_what_is_over_before_anyone_saw_it_is_shown_as_over(
    router: RouterUnderTest, link: ThinLink, session: str, transport: str
) -> None:
    with router.courier(transport, "1") as courier:
        courier.connected()  # so its chat is known; then nobody is there
    asked = ask(link, session)
    withdraw(link, asked, types.PERMISSION_STATE_ANSWERED_ELSEWHERE)

    with router.courier(transport, "1") as courier:
        delivery = courier.take()
        assert "Answered at the terminal" in delivery.notification.text
        assert (list(delivery.edit_message_ids), list(delivery.notification.buttons)) == ([], [])
        courier.delivered(delivery, "100")
        router.reported(delivery)
        assert courier.waiting() == 0


def test_a_decision_that_was_carried_out_is_marked_on_the_message(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    ask(link, session)
    press(router, shown(courier), "allow")
    [frame] = link.commands(1)
    shown(courier)
    link.receipt(frame.command_id)
    link.result(2, frame.command_id)

    receipt = courier.take()
    assert (receipt.as_mark, receipt.reply_to_message_id) == (True, "100")
    assert "Your answer reached api" in receipt.notification.text


def test_a_question_waits_for_days_through_restarts_of_the_router(
    router: RouterUnderTest, agent: ThinAgent, session: str, transport: str
) -> None:
    with agent.connected() as link, router.courier(transport, "1") as courier:
        courier.connected()
        asked = ask(link, session)
        delivery = courier.take()
        courier.delivered(delivery, "100")
        router.reported(delivery)
    router.advance(3 * DAY)
    respond(router, asked)

    with agent.connected() as link:
        assert decision(link).permission_id == asked


def test_a_question_that_nobody_answers_ends(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    asked = ask(link, session, expires_in={"seconds": 600})
    delivery = courier.brought("100")
    router.reported(delivery)
    router.advance(601)

    assert "Nobody answered" in courier.take().notification.text
    assert standing(router, asked).state == types.PERMISSION_STATE_EXPIRED


def test_the_end_of_a_session_ends_its_questions(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    asked = ask(link, session)
    shown(courier)
    link.frame(session_closed=link_pb.SessionClosed(upstream_seq=2, session_id=session, generation=1))

    assert "the session has ended" in courier.take().notification.text
    assert standing(router, asked).state == types.PERMISSION_STATE_WITHDRAWN


def test_a_decided_question_stays_decided_when_its_session_ends(
    router: RouterUnderTest, link: ThinLink, session: str, asked: str
) -> None:
    respond(router, asked)
    link.frame(session_closed=link_pb.SessionClosed(upstream_seq=2, session_id=session, generation=1))
    link.acked(2)

    assert standing(router, asked).state == types.PERMISSION_STATE_ALLOWED


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"permission_id": "a b"}, types.REASON_INVALID_ARGUMENT),
        ({"options": []}, types.REASON_INVALID_ARGUMENT),
        ({"tool": ""}, types.REASON_INVALID_ARGUMENT),
        ({"session": "nowhere"}, types.REASON_SESSION_UNKNOWN),
    ],
    ids=str,
)
def test_a_malformed_question_is_refused_and_the_link_lives(
    link: ThinLink, session: str, wrong: dict[str, Any], reason: Any
) -> None:
    fields: dict[str, Any] = {"permission_id": "q", "tool": "Bash", "input_digest": "d", "options": OPTIONS} | wrong
    frame = link_pb.PermissionRequest(upstream_seq=1, session_id=fields.pop("session", session), **fields)
    link.frame(permission_request=frame)

    assert [each.reason for each in link.acked(1).rejected] == [reason]
    ask(link, session, seq=2)


def test_a_machine_asks_and_withdraws_for_its_own_sessions_alone(
    router: RouterUnderTest, asked: str, session: str
) -> None:
    stranger = router.machine()
    with stranger.connected() as other:
        other.frame(
            permission_request=link_pb.PermissionRequest(
                upstream_seq=1, permission_id="q", session_id=session, tool="Bash", input_digest="d", options=OPTIONS
            )
        )
        assert [each.reason for each in other.acked(1).rejected] == [types.REASON_SESSION_OWNED_ELSEWHERE]
        refused = withdraw(other, asked, types.PERMISSION_STATE_ANSWERED_ELSEWHERE)
        assert [each.reason for each in refused.rejected] == [types.REASON_SESSION_OWNED_ELSEWHERE]
    assert standing(router, asked).state == types.PERMISSION_STATE_OPEN


def test_a_button_of_a_question_counts_in_its_own_chat_alone(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    asked = ask(link, session)
    note = shown(courier)
    elsewhere = types.ChatRef(transport=transport, chat_id="2", message_id="100")
    router.submit(elsewhere, button={"data": f"cmd:{note.token}:allow"})

    assert standing(router, asked).state == types.PERMISSION_STATE_OPEN


def test_the_list_holds_what_is_open_and_all_on_demand(
    router: RouterUnderTest, link: ThinLink, session: str, asked: str
) -> None:
    second = ask(link, session, seq=2)
    respond(router, asked)

    assert [each.permission_id for each in listed(router, session_id=session)] == [second]
    everything = listed(router, session_id=session, include_closed=True)
    assert [each.permission_id for each in everything] == [second, asked]


def test_a_session_that_asks_waits_for_its_people(
    router: RouterUnderTest, agent: ThinAgent, asked: str, transport: str
) -> None:
    known = pb.ListSessionsRequest(machine_id=agent.machine_id)
    [asking] = router.control.ListSessions(known).sessions
    told = router.submit(types.ChatRef(transport=transport, chat_id="1"), "/sessions").answer
    respond(router, asked)
    [answered] = router.control.ListSessions(known).sessions

    assert (asking.state, asking.waiting_for) == (types.SESSION_STATE_WAITING, "permission: Bash")
    assert "api - " in told
    assert "waits for you: permission: Bash" in told
    assert (answered.state, answered.waiting_for) == (types.SESSION_STATE_UNSPECIFIED, "")


def test_the_trace_tells_the_story_of_a_question(router: RouterUnderTest, asked: str) -> None:
    respond(router, asked)

    assert router.events(asked) == ["Asked", "Decided"]

"""Permission questions at the router: asked by a machine, answered once from anywhere, told everywhere."""

from typing import Any

import grpc
import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.permissions.asking import (
    ADA,
    COLOURS,
    ask,
    decision,
    here,
    listed,
    press,
    respond,
    shown,
    standing,
)
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier


def test_a_question_is_shown_with_tool_input_and_buttons(courier: ThinCourier, link: ThinLink, session: str) -> None:
    asked = ask(link, session)
    delivery = courier.take()

    note = delivery.notification
    assert delivery.kind == 1
    assert (note.session_id, note.permission_id) == (session, asked)
    assert "Bash" in note.text
    assert "git push" in note.text
    assert [button.action for button in note.buttons] == ["allow", "always", "deny", "reason"]
    assert "git …, always" in [button.label for button in note.buttons]


def test_the_same_question_again_is_once(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    asked = ask(link, session)
    ask(link, session, seq=2, permission_id=asked)

    assert [each.permission_id for each in listed(router, session_id=session)] == [asked]
    shown(courier)
    assert courier.waiting() == 0


@pytest.mark.parametrize(
    ("action", "state", "words"),
    [
        ("allow", types.PERMISSION_STATE_ALLOWED, "✅ Allowed by Ada"),
        ("always", types.PERMISSION_STATE_ALLOWED_ALWAYS, "git …, always"),
        ("deny", types.PERMISSION_STATE_DENIED, "❌ Denied by Ada"),
    ],
)
def test_a_button_decides_and_the_message_says_who_did(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, action: str, state: Any, words: str
) -> None:
    asked = ask(link, session)
    press(router, shown(courier), action)

    assert decision(link) == types.PermissionDecision(permission_id=asked, input_digest="d1", option_id=action)
    assert (standing(router, asked).state, standing(router, asked).decided_by) == (state, ADA)
    edit = courier.take()
    assert list(edit.edit_message_ids) == ["100"]
    assert words in edit.notification.text
    assert "git push" in edit.notification.text
    assert not edit.notification.buttons


def test_a_reply_denies_with_its_text_as_the_reason(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    asked = ask(link, session)
    delivery = courier.brought("100")
    router.reported(delivery)
    told = press(router, delivery.notification, "reason")
    assert ("Reply" in told.answer, told.command_id) == (True, "")
    assert router.submit(here(transport), "not on a Friday", reply_to_message_id="100").command_id

    assert (decision(link).option_id, standing(router, asked).text) == ("deny", "not on a Friday")
    assert "not on a Friday" in courier.take().notification.text


def test_the_token_of_a_question_takes_a_text_too(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    asked = ask(link, session, kind=types.PERMISSION_KIND_QUESTION, input="Which colour?", options=COLOURS)
    note = shown(courier)
    assert [button.action for button in note.buttons] == ["blue"]
    router.submit(here(transport, "7"), f"/cmd {note.token} a warm red")

    assert decision(link) == types.PermissionDecision(
        permission_id=asked, input_digest="d1", option_id="text", text="a warm red"
    )
    assert "a warm red" in courier.take().notification.text
    assert standing(router, asked).state == types.PERMISSION_STATE_ANSWERED


def test_of_many_answers_at_once_one_counts_and_the_others_hear_who_was_first(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    ask(link, session)
    note = shown(courier)
    first = press(router, note, "allow")
    second = press(router, note, "deny", actor="telegram:12 (Bob)")

    assert (first.command_id != "", second.command_id) == (True, "")
    assert "Allowed by Ada" in second.answer
    assert decision(link).option_id == "allow"
    assert link.waiting() == 0


def test_a_repeated_press_is_the_same_press(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    ask(link, session)
    data = {"data": f"cmd:{shown(courier).token}:allow"}
    first = router.submit(here(transport), button=data, update_key="same-press")
    again = router.submit(here(transport), button=data, update_key="same-press")

    assert (again.command_id, again.duplicate) == (first.command_id, True)


def test_an_answer_in_one_chat_edits_the_message_in_every_chat(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    with router.courier(other := fresh("platform"), "9") as elsewhere:
        elsewhere.connected()
        ask(link, session)
        shown(courier)
        note = shown(elsewhere, "900")
        press(router, note, "deny")

        assert "Denied by Ada" in courier.take().notification.text
        edit = elsewhere.take()
        assert (list(edit.edit_message_ids), edit.notification.chat.transport) == (["900"], other)


def test_who_answers_over_control_is_named_and_a_repeat_gets_the_first_answer(
    router: RouterUnderTest, link: ThinLink, asked: str
) -> None:
    decided = respond(router, asked, "deny", text="no", request_id="r1")

    assert (decided.decided_by, decided.text) == ("ada", "no")
    assert respond(router, asked, "deny", text="no", request_id="r1") == decided
    assert decision(link).text == "no"
    assert link.waiting() == 0


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"input_digest": "d2"}, "INPUT_CHANGED"),
        ({"input_digest": ""}, "INPUT_CHANGED"),
        ({"option_id": "maybe"}, "INVALID_ARGUMENT"),
        ({"text": "so there"}, "INVALID_ARGUMENT"),
        ({"option_id": "deny", "text": "x" * 65_537}, "TOO_LARGE"),
    ],
    ids=str,
)
def test_an_answer_to_something_else_changes_nothing(
    router: RouterUnderTest, asked: str, request_: dict[str, str], reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        respond(router, asked, **request_)

    assert reason_of(refused.value) == reason
    assert standing(router, asked).state == types.PERMISSION_STATE_OPEN
    assert respond(router, asked).state == types.PERMISSION_STATE_ALLOWED


def test_a_decided_question_is_refused_with_who_decided(router: RouterUnderTest, asked: str) -> None:
    respond(router, asked)

    with pytest.raises(grpc.RpcError) as refused:
        respond(router, asked, "deny")
    assert reason_of(refused.value) == "QUESTION_OVER"
    assert "Allowed by ada" in refused.value.details()


def test_nobody_sends_a_decision_as_a_command_of_their_own(router: RouterUnderTest, session: str) -> None:
    action = types.Action(permission_decision={"permission_id": "q", "input_digest": "d", "option_id": "allow"})

    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, action=action)
    assert reason_of(refused.value) == "INVALID_ARGUMENT"

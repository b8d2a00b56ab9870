"""Questions with all that they are about; answers that change what is run, and answers to a whole form."""

import json
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import (
    ADA,
    COLOURS,
    ask,
    decision,
    here,
    listed,
    respond,
    shown,
    standing,
)
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier

PUSH, OTHER = '{"command": "git push"}', '{"command": "git push --dry-run"}'
DETAILS = types.PermissionDetails(
    title="git push", input_json=PUSH, editable=True, mode="default", waiting_for="permission prompt"
)
RED_OR_BLUE = [
    types.FormOption(option_id="option-1", label="Red"),
    types.FormOption(option_id="option-2", label="Blue"),
]
FORM = types.PermissionDetails(
    form=[
        types.FormQuestion(text="Which colour?", header="Colour", options=RED_OR_BLUE),
        types.FormQuestion(text="Which others?", multi_select=True, options=RED_OR_BLUE),
    ]
)
WORDS = [types.PermissionOption(option_id="text", verdict=types.VERDICT_ANSWER, takes_text=True)]


def editable(link: ThinLink, session: str, **request: Any) -> str:
    return ask(link, session, details=DETAILS, **request)


def form(link: ThinLink, session: str, **request: Any) -> str:
    fields = {"kind": types.PERMISSION_KIND_QUESTION, "tool": "AskUserQuestion", "options": WORDS, "details": FORM}
    return ask(link, session, **fields | request)


def answers(*given: tuple[list[str], str]) -> list[types.FormAnswer]:
    return [types.FormAnswer(option_ids=option_ids, text=text) for option_ids, text in given]


def answered(router: RouterUnderTest, transport: str, **answer: Any) -> chat_pb.SubmitResponse:
    """A page's answer to the question that stands in message 100."""
    given = chat_pb.PermissionAnswer(**{"input_digest": "d1"} | answer)
    return router.submit(here(transport, "7"), reply_to_message_id="100", answer=given, actor=ADA)


def told(router: RouterUnderTest, question: str) -> str:
    return "\n".join(
        f"{step.actor}: {step.detail}" for step in router.control.Trace(pb.TraceRequest(id=question)).steps
    )


def test_a_question_comes_with_all_that_it_is_about(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    always = types.PermissionOption(
        option_id="always", verdict=types.VERDICT_ALLOW_ALWAYS, meaning="git in this project"
    )
    asked = editable(link, session, options=[always])

    [found] = listed(router, session_id=session)
    assert found.details == DETAILS
    assert found.options[0].meaning == "git in this project"
    assert standing(router, asked).details == DETAILS


def test_it_is_allowed_with_another_input_which_is_told_everywhere(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str
) -> None:
    asked = editable(link, session)
    shown(courier)
    respond(router, asked, updated_input=OTHER)

    made = decision(link)
    assert (made.option_id, made.updated_input) == ("allow", OTHER)
    assert (standing(router, asked).state, standing(router, asked).updated_input) == (
        types.PERMISSION_STATE_ALLOWED,
        OTHER,
    )
    assert f"with another input:\n{OTHER}" in courier.take().notification.text
    assert "ada: allow with another input" in told(router, asked)


def test_the_audit_tells_that_it_was_another_one_and_not_its_text(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    asked = editable(link, session)
    respond(router, asked, updated_input=OTHER)

    entries = router.control.ListAuditEntries(pb.ListAuditEntriesRequest(limit=1000)).entries
    [entry] = [each for each in entries if each.subject == asked]
    assert "allow by allow with another input (sha256 " in entry.detail
    assert "dry-run" not in entry.detail


def test_the_same_input_in_other_words_is_none(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    asked = editable(link, session)

    assert respond(router, asked, updated_input=' {"command":"git push"} ').updated_input == ""
    assert decision(link).updated_input == ""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"option_id": "always", "updated_input": OTHER}, "INVALID_ARGUMENT"),
        ({"option_id": "deny", "updated_input": OTHER}, "INVALID_ARGUMENT"),
        ({"updated_input": "{"}, "INVALID_ARGUMENT"),
        ({"updated_input": '["git"]'}, "INVALID_ARGUMENT"),
        ({"updated_input": "[" * 10_000}, "INVALID_ARGUMENT"),
        ({"updated_input": json.dumps({"command": "x" * 16_384})}, "TOO_LARGE"),
        ({"updated_input": OTHER, "input_digest": "d2"}, "INPUT_CHANGED"),
        ({"option_id": "", "answers": answers((["option-1"], ""))}, "INVALID_ARGUMENT"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_changes_nothing(
    router: RouterUnderTest, link: ThinLink, session: str, answer: dict[str, Any], reason: str
) -> None:
    asked = editable(link, session)

    with pytest.raises(grpc.RpcError) as refused:
        respond(router, asked, **answer)

    assert reason_of(refused.value) == reason
    assert standing(router, asked).state == types.PERMISSION_STATE_OPEN
    assert respond(router, asked).state == types.PERMISSION_STATE_ALLOWED


@pytest.mark.parametrize(
    ("details", "why"),
    [
        (types.PermissionDetails(not_editable="Its input is too long."), "Its input is too long."),
        (types.PermissionDetails(), "takes a yes or a no"),
        (types.PermissionDetails(editable=True, input_json='{"command": "git'), "cannot be read"),
        (types.PermissionDetails(editable=True, input_json=PUSH, input_cut=True), "cannot be read"),
        (types.PermissionDetails(editable=True, input_json=json.dumps({"a": "x" * 20_000})), "cannot be read"),
    ],
)
def test_a_question_that_takes_no_other_input_says_why(
    router: RouterUnderTest, link: ThinLink, session: str, details: types.PermissionDetails, why: str
) -> None:
    asked = ask(link, session, details=details)

    with pytest.raises(grpc.RpcError) as refused:
        respond(router, asked, updated_input=OTHER)

    assert reason_of(refused.value) == "INPUT_NOT_EDITABLE"
    assert why in refused.value.details()
    assert why in standing(router, asked).details.not_editable


def test_what_cannot_be_seen_is_written_out_and_stays_the_same_input(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    turned = '{"command": "ls \u202e# \u200b"}'
    asked = editable(link, session, seq=1)
    other = ask(link, session, seq=2, details=types.PermissionDetails(input_json=turned, editable=True, diff="\u202e"))
    respond(router, asked, updated_input=turned)

    found = standing(router, other).details
    assert found.input_json.isprintable()
    assert json.loads(found.input_json) == json.loads(turned)
    assert found.diff == "⟨U+202E⟩"
    assert decision(link).updated_input == '{"command": "ls \\u202e# \\u200b"}'


def test_a_form_is_answered_whole(router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str) -> None:
    asked = form(link, session)
    shown(courier)
    given = answers((["option-2"], ""), (["option-1", "option-2"], "or green"))
    decided = respond(router, asked, "", answers=given)

    assert list(decision(link).answers) == given
    assert (decided.state, decided.option_id) == (types.PERMISSION_STATE_ANSWERED, "text")
    assert decided.text == "Colour: Blue\nWhich others?: Red, Blue, or green"
    assert "Which others?: Red, Blue, or green" in courier.take().notification.text


@pytest.mark.parametrize(
    "given",
    [
        answers((["option-1"], "")),
        answers((["option-1", "option-2"], ""), (["option-1"], "")),
        answers((["option-3"], ""), (["option-1"], "")),
        answers((["option-1"], ""), (["option-1", "option-1"], "")),
        answers(([], ""), (["option-1"], "")),
        answers((["option-1"], ""), (["option-1"], ""), (["option-1"], "")),
    ],
    ids=str,
)
def test_half_a_form_or_another_one_is_no_answer(
    router: RouterUnderTest, link: ThinLink, session: str, given: list[types.FormAnswer]
) -> None:
    asked = form(link, session)

    with pytest.raises(grpc.RpcError) as refused:
        respond(router, asked, "", answers=given)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"
    assert standing(router, asked).state == types.PERMISSION_STATE_OPEN


def test_a_question_of_a_form_takes_one_of_its_options_as_before(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    asked = form(link, session, options=COLOURS)

    assert respond(router, asked, "blue").state == types.PERMISSION_STATE_ANSWERED
    assert not decision(link).answers


def test_a_page_answers_with_another_input(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    asked = editable(link, session)
    router.reported(courier.brought("100"))

    done = answered(router, transport, option_id="allow", updated_input=OTHER)

    assert (done.command_id != "", done.reason) == (True, types.REASON_UNSPECIFIED)
    assert decision(link).updated_input == OTHER
    assert standing(router, asked).decided_by == ADA


def test_a_page_fills_in_a_form(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    form(link, session)
    router.reported(courier.brought("100"))
    answered(router, transport, answers=answers((["option-1"], ""), ([], "none")))

    assert [each.text for each in decision(link).answers] == ["", "none"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"option_id": "allow", "updated_input": "{"}, types.REASON_INVALID_ARGUMENT),
        ({"option_id": "allow", "input_digest": "d2"}, types.REASON_INPUT_CHANGED),
        ({"option_id": "allow", "input_digest": ""}, types.REASON_INPUT_CHANGED),
        ({"option_id": "never"}, types.REASON_INVALID_ARGUMENT),
    ],
)
def test_a_page_is_told_why_its_answer_was_not_taken_and_nobody_else_is(
    router: RouterUnderTest,
    courier: ThinCourier,
    link: ThinLink,
    session: str,
    transport: str,
    answer: dict[str, str],
    reason: int,
) -> None:
    asked = editable(link, session)
    router.reported(courier.brought("100"))

    done = answered(router, transport, **answer)

    assert (done.command_id, done.reason) == ("", reason)
    assert done.answer
    assert courier.waiting() == 0
    assert standing(router, asked).state == types.PERMISSION_STATE_OPEN


def test_an_answer_to_a_message_that_is_no_question_is_none(router: RouterUnderTest, transport: str) -> None:
    done = answered(router, transport, option_id="allow")

    assert (done.command_id, done.reason) == ("", types.REASON_NOT_FOUND)

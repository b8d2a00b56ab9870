"""Questions of programs that speak ACP: their own options, forms, and what the program hears."""

from typing import Any

import pytest

from agent.backends.acp import asks
from agent.domain.acp_question import (
    CANCELLED,
    DECLINED,
    form_answer,
    form_questions,
    is_denied,
    permission_answer,
    permission_question,
)
from agent.domain.permission import Decision, Kind, Verdict

CALL: dict[str, Any] = {
    "toolCallId": "t1",
    "title": "touch x",
    "kind": "execute",
    "rawInput": {"command": "touch x", "cwd": "/w"},
}


def way(name: str, kind: str, words: str = "") -> dict[str, str]:
    return {"optionId": name, "kind": kind, "name": words or name.upper()}


def permission(*ways: dict[str, str], **more: Any) -> Any:
    return asks.permission({"options": list(ways)}, CALL | more)


ALWAYS, ONCE, NO = way("a", "allow_always", "Always"), way("y", "allow_once", "Yes"), way("n", "reject_once", "No")


def test_options_are_the_program_s_own_and_a_no_comes_last() -> None:
    question = permission_question(permission(NO, ALWAYS, ONCE), "s1", "asker")

    assert [(one.option_id, one.label, one.verdict, one.takes_text) for one in question.options] == [
        ("option-1", "Always", Verdict.ALLOW_ALWAYS, False),
        ("option-2", "Yes", Verdict.ALLOW, False),
        ("deny", "No", Verdict.DENY, True),
    ]
    assert "touch x" in question.input
    assert "cwd: /w" in question.input


def test_what_is_decided_is_all_of_it() -> None:
    same = permission_question(permission(ONCE), "s1", "asker").input_digest
    other = permission_question(permission(ONCE, rawInput={"command": "touch x", "cwd": "/"}), "s1", "asker")

    assert permission_question(permission(ALWAYS), "s1", "again").input_digest == same != other.input_digest


@pytest.mark.parametrize(
    ("ways", "option", "outcome"),
    [
        ([ONCE, NO], "option-1", {"outcome": "selected", "optionId": "y"}),
        ([ONCE, NO], "deny", {"outcome": "selected", "optionId": "n"}),
        ([ONCE, way("never", "reject_always"), NO], "deny", {"outcome": "selected", "optionId": "n"}),
        ([ONCE, way("never", "reject_always"), NO], "option-2", {"outcome": "selected", "optionId": "never"}),
        ([ONCE], "deny", {"outcome": "cancelled"}),
    ],
)
def test_it_hears_the_id_of_what_was_chosen(ways: list[dict[str, str]], option: str, outcome: object) -> None:
    assert permission_answer(permission(*ways), Decision(option)) == {"outcome": outcome}


def test_nobody_s_answer_is_the_mildest_no() -> None:
    assert permission_answer(permission(ONCE, NO), None) == {"outcome": {"outcome": "selected", "optionId": "n"}}
    assert permission_answer(permission(ONCE), None) == CANCELLED


def test_what_is_not_known_may_go_as_far_as_anything() -> None:
    question = permission_question(permission(way("x", "of a later version")), "s1", "asker")

    assert question.options[0].verdict is Verdict.ALLOW_ALWAYS


def test_of_many_options_there_is_room_for_eight_and_a_no() -> None:
    asked = permission(*(way(f"y{n}", "allow_once") for n in range(12)), NO)
    question = permission_question(asked, "s1", "asker")

    assert len(question.options) == 8
    assert question.options[-1].verdict is Verdict.DENY
    assert is_denied(asked, Decision("deny"))
    assert not is_denied(asked, Decision("option-1"))


def test_a_label_that_is_cut_is_said_whole_above() -> None:
    words = "Yes, and don't ask again for commands that start with `touch w1 and something more`"
    question = permission_question(permission(way("a", "allow_always", words)), "s1", "asker")

    assert len(question.options[0].label) == 64
    assert words in question.input


def test_a_plan_is_asked_about_as_one() -> None:
    assert permission_question(permission(ONCE, kind="switch_mode"), "s1", "asker").kind is Kind.PLAN


FIELDS: dict[str, Any] = {
    "q": {"type": "string", "title": "Colour", "oneOf": [
        {"const": "r", "title": "Red", "description": "warm"}, {"const": "b", "title": "Blue"}]},
    "q_custom": {"type": "string", "title": "Other"},
    "sizes": {"type": "array", "title": "Sizes", "items": {"enum": ["S", "M"]}},
    "sure": {"type": "boolean", "title": "Sure?"},
    "name": {"type": "string", "title": "Name"},
}  # fmt: skip


def form(**fields: Any) -> Any:
    return asks.form({"message": "Well?", "requestedSchema": {"type": "object", "properties": fields}})


def test_a_form_is_a_question_for_each_field() -> None:
    questions = form_questions(form(**FIELDS), "s1", "asker")

    assert [[one.label or one.option_id for one in each.options] for each in questions] == [
        ["Red - warm", "Blue", "text", "❌ Don't answer"],
        ["S", "M", "text", "❌ Don't answer"],
        ["Yes", "No", "❌ Don't answer"],
        ["text", "❌ Don't answer"],
    ]
    assert questions[0].input == "Well?\nColour"


@pytest.mark.parametrize(
    ("decisions", "content"),
    [
        (["option-1", "option-2", "option-1", "=Ada"], {"q": "r", "sizes": ["M"], "sure": True, "name": "Ada"}),
        (["=Red", "=m, S", "option-2", "="], {"q": "r", "sizes": ["M", "S"], "sure": False, "name": ""}),
        (["=Green", "option-1", "option-2", "=x"], {"q_custom": "Green", "sizes": ["S"], "sure": False, "name": "x"}),
    ],
)
def test_a_form_that_is_filled_in_is_accepted(decisions: list[str], content: object) -> None:
    given = [Decision("text", one[1:]) if one.startswith("=") else Decision(one) for one in decisions]

    assert form_answer(form(**FIELDS), given) == {"action": "accept", "content": content}


@pytest.mark.parametrize(
    "given",
    [
        [Decision("deny")],
        [Decision("option-1")],
        [Decision("option-1"), Decision("text", "XXL"), Decision("option-1"), Decision("text", "x")],
        [],
    ],
    ids=["a no", "not all of it", "what there is not", "nothing"],
)
def test_half_a_form_is_declined(given: list[Decision]) -> None:
    assert form_answer(form(**FIELDS), given) == DECLINED


@pytest.mark.parametrize(
    "fields",
    [{"n": {"type": "number"}}, {"o": {"type": "object"}}, {"a": {"type": "array", "items": {}}}, {}, {"x": 7}],
    ids=["a number", "an object", "a list of anything", "none", "no schema"],
)
def test_a_form_that_people_cannot_fill_in_has_no_fields(fields: Any) -> None:
    assert form(**fields).fields == ()


def test_a_page_to_visit_is_no_form() -> None:
    assert asks.form({"mode": "url", "requestedSchema": {"properties": FIELDS}}).fields == ()

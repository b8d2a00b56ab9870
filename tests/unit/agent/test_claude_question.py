"""Claude Code's questions in words for people, the ways to answer, and what the program hears."""

import json

import pytest

from agent.domain.claude_question import ToolUse, questions, verdict, whole
from agent.domain.permission import (
    MAX_GIVEN,
    MAX_INPUT,
    MAX_LABEL,
    MAX_OPTIONS,
    Decision,
    FormAnswer,
    Kind,
    Question,
    Verdict,
)

RULE = {
    "type": "addRules",
    "rules": [{"toolName": "Bash", "ruleContent": "touch *"}],
    "behavior": "allow",
    "destination": "localSettings",
}
MODE = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
FOLDER = {"type": "addDirectories", "directories": ["/srv/api"], "destination": "session"}
TOUCH = ToolUse("Bash", {"command": "touch z1", "description": "Make a file"}, (RULE, FOLDER, MODE))
PLAN = ToolUse("ExitPlanMode", {"plan": "# First\nthis"})
COLOUR = {
    "question": "Which colour?",
    "header": "Colour",
    "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": ""}],
    "multiSelect": False,
}
SIZE = {**COLOUR, "question": "Which size?", "options": [{"label": "S"}, {"label": "L"}], "multiSelect": True}
ASK = ToolUse("AskUserQuestion", {"questions": [COLOUR, SIZE]})


def one(use: ToolUse) -> Question:
    (question,) = questions(use, "s1", "asker")
    return question


def test_a_tool_is_shown_with_what_it_would_do() -> None:
    question = one(TOUCH)

    assert (question.session_id, question.kind, question.tool) == ("s1", Kind.TOOL, "Bash")
    assert question.input == "```\ntouch z1\n```\nMake a file"


def test_it_can_be_allowed_allowed_always_as_the_program_offers_and_denied_in_words() -> None:
    options = [(each.option_id, each.label, each.verdict, each.takes_text) for each in one(TOUCH).options]

    assert options == [
        ("allow", "", Verdict.ALLOW, False),
        ("always", "✅ Always: Bash(touch *) in this project", Verdict.ALLOW_ALWAYS, False),
        ("always-2", "✅ Always: folder /srv/api in this session", Verdict.ALLOW_ALWAYS, False),
        ("always-3", "✅ Always: accept all edits in this session", Verdict.ALLOW_ALWAYS, False),
        ("deny", "", Verdict.DENY, True),
    ]


@pytest.mark.parametrize(
    "suggestion",
    [
        {**RULE, "behavior": "deny"},
        {**RULE, "destination": "elsewhere"},
        {**MODE, "mode": "bypassPermissions"},
        {**FOLDER, "directories": []},
        {"type": "of tomorrow"},
        {},
    ],
)
def test_what_cannot_be_put_into_words_is_not_offered(suggestion: dict[str, object]) -> None:
    assert [each.option_id for each in one(ToolUse("Bash", {}, (suggestion,))).options] == ["allow", "deny"]


def test_a_plan_and_a_question_are_what_they_are() -> None:
    colour, size = questions(ASK, "s1", "asker")

    assert (one(PLAN).kind, one(PLAN).input) == (Kind.PLAN, "# First\nthis")
    assert [each.option_id for each in one(PLAN).options] == ["allow", "deny"]
    assert (colour.kind, colour.input) == (Kind.QUESTION, "Which colour?\n• Red - warm")
    assert [(each.label, each.verdict) for each in colour.options if each.label] == [
        ("Red", Verdict.ANSWER),
        ("Blue", Verdict.ANSWER),
        ("❌ Don't answer", Verdict.DENY),
    ]
    assert [each.takes_text for each in colour.options] == [False, False, True, False]
    assert "More than one" in size.input


def test_the_same_asking_again_is_the_same_question_and_another_one_is_not() -> None:
    again = questions(TOUCH, "s1", "asker")

    assert again == questions(TOUCH, "s1", "asker")
    others = [
        questions(TOUCH, "s1", "another"),
        questions(TOUCH, "s2", "asker"),
        questions(ToolUse("Bash", {}), "s1", "asker"),
    ]
    assert {each[0].permission_id for each in others}.isdisjoint({again[0].permission_id})
    assert len({each.permission_id for each in questions(ASK, "s1", "asker")}) == 2


def test_the_digest_is_of_the_whole_input() -> None:
    long = ToolUse("Write", {"content": "x" * (MAX_INPUT + 10)})
    other = ToolUse("Write", {"content": "x" * (MAX_INPUT + 9) + "y"})

    assert one(long).input == one(other).input
    assert len(one(long).input) == MAX_INPUT
    assert one(long).input_digest != one(other).input_digest


@pytest.mark.parametrize(
    ("use", "decisions", "heard"),
    [
        (TOUCH, [Decision("allow")], {"behavior": "allow", "updatedInput": TOUCH.given}),
        (
            TOUCH,
            [Decision("always-3")],
            {"behavior": "allow", "updatedInput": TOUCH.given, "updatedPermissions": [MODE]},
        ),
        (TOUCH, [Decision("deny", "not there")], {"behavior": "deny", "message": "not there"}),
        (TOUCH, [Decision("deny")], {"behavior": "deny", "message": "The person you work for denied this."}),
        (PLAN, [Decision("allow")], {"behavior": "allow", "updatedInput": PLAN.given}),
        (PLAN, [Decision("deny", "shorter")], {"behavior": "deny", "message": "shorter"}),
    ],
)
def test_the_program_hears_what_was_decided(use: ToolUse, decisions: list[Decision], heard: dict[str, object]) -> None:
    assert verdict(use, decisions) == heard


def test_answers_are_the_labels_chosen_and_words_as_they_are() -> None:
    colour, _ = questions(ASK, "s1", "asker")
    blue = next(each.option_id for each in colour.options if each.label == "Blue")

    heard = verdict(ASK, [Decision(blue), Decision("text", "S, L")])

    assert heard == {
        "behavior": "allow",
        "updatedInput": {**ASK.given, "answers": {"Which colour?": "Blue", "Which size?": "S, L"}},
    }


def test_the_program_hears_the_other_input_that_was_allowed() -> None:
    heard = verdict(TOUCH, [Decision("allow", updated_input='{"command": "touch z2"}')])

    assert heard == {"behavior": "allow", "updatedInput": {"command": "touch z2"}}


def test_a_form_that_is_answered_whole_is_answered_as_one_by_one() -> None:
    answers = (FormAnswer(("option-2",)), FormAnswer(("option-1", "option-2"), "or none"))

    heard = verdict(ASK, whole(ASK, 0, Decision("text", answers=answers)))

    assert heard["updatedInput"] == {**ASK.given, "answers": {"Which colour?": "Blue", "Which size?": "S, L, or none"}}


def test_each_question_of_a_form_tells_of_those_behind_it() -> None:
    colour, size = questions(ASK, "s1", "asker")

    assert [each.text for each in colour.details.form] == ["Which colour?", "Which size?"]
    assert [each.text for each in size.details.form] == ["Which size?"]
    assert [(one.option_id, one.label, one.description) for one in colour.details.form[0].options] == [
        ("option-1", "Red", "warm"),
        ("option-2", "Blue", ""),
    ]
    assert (colour.details.form[0].multi_select, size.details.form[0].multi_select) == (False, True)
    assert size.takes.form == ((("option-1", "option-2"), True),)
    assert one(TOUCH).details.form == ()


def test_a_form_too_long_to_be_shown_is_answered_one_by_one() -> None:
    many = ToolUse("AskUserQuestion", {"questions": [COLOUR] * 9})

    assert [each.details.form for each in questions(many, "s1", "asker")][:1] == [()]


def test_a_tool_brings_its_whole_input_and_may_be_allowed_with_another() -> None:
    details = one(ToolUse("Bash", TOUCH.given, mode="plan")).details

    assert json.loads(details.input_json) == TOUCH.given
    assert (details.title, details.mode, details.waiting_for) == ("touch z1", "plan", "permission prompt")
    assert (details.is_cut, details.not_editable) == (False, "")
    assert one(TOUCH).takes.with_input == ("allow",)


@pytest.mark.parametrize("use", [PLAN, ToolUse("AskUserQuestion", {"questions": [COLOUR]})])
def test_a_plan_and_a_question_take_no_other_input(use: ToolUse) -> None:
    assert one(use).details.not_editable
    assert one(use).takes.with_input == ()


def test_of_an_input_that_is_too_long_the_beginning_is_told_and_nobody_changes_it() -> None:
    question = one(ToolUse("Write", {"file_path": "/w/a", "content": "ü" * MAX_GIVEN}))

    assert len(question.details.input_json.encode()) <= MAX_GIVEN
    assert (question.details.is_cut, question.takes.with_input) == (True, ())
    assert "longer than 16 KiB" in question.details.not_editable
    assert len(question.details.diff.encode()) <= MAX_GIVEN


def test_what_always_means_is_said_whole() -> None:
    rule = {**RULE, "rules": [{"toolName": "Bash", "ruleContent": "x" * 80}]}
    always = one(ToolUse("Bash", {}, (rule,))).options[1]

    assert always.label.endswith("…")
    assert always.meaning == f"Bash({'x' * 80}) in this project"


@pytest.mark.parametrize(
    "decision",
    [
        Decision("maybe"),
        Decision("deny", updated_input="{}"),
        Decision("allow", updated_input="[]"),
        Decision("allow", updated_input="{"),
        Decision("allow", updated_input='{"a": "' + "x" * MAX_GIVEN + '"}'),
        Decision("allow", answers=(FormAnswer(("option-1",)),)),
    ],
    ids=str,
)
def test_a_decision_that_does_not_fit_its_question_says_why(decision: Decision) -> None:
    assert one(TOUCH).takes.misfit(decision)
    assert one(TOUCH).takes.misfit(Decision("allow", updated_input="{}")) == ""


@pytest.mark.parametrize(
    "answers",
    [
        (FormAnswer(("option-1",)),),
        (FormAnswer(("option-1", "option-2")), FormAnswer(("option-1",))),
        (FormAnswer(("option-3",)), FormAnswer(("option-1",))),
        (FormAnswer(("option-1",)), FormAnswer(("option-1", "option-1"))),
        (FormAnswer(("option-1",)), FormAnswer((), " ")),
    ],
)
def test_answers_that_do_not_fit_the_form_are_none(answers: tuple[FormAnswer, ...]) -> None:
    takes = questions(ASK, "s1", "asker")[0].takes

    assert takes.misfit(Decision("text", answers=answers))
    assert takes.misfit(Decision("text", answers=(FormAnswer(("option-1",)), FormAnswer((), "mine")))) == ""


@pytest.mark.parametrize(
    "given",
    [
        {"questions": "none"},
        {"questions": [{"question": 7}]},
        {"questions": [COLOUR, {}]},
        {"questions": [{**COLOUR, "options": [{"label": "x" * 500}] * 30}]},
        {"command": "echo \ud800 ```"},
        {"deep": {"a": [1, None]}},
        {},
    ],
)
def test_whatever_a_program_sends_becomes_a_question_that_can_be_shown(given: dict[str, object]) -> None:
    for tool in ("AskUserQuestion", "ExitPlanMode", "Bash", "t" * 300):
        for question in questions(ToolUse(tool, json.loads(json.dumps(given))), "s1", "asker"):
            assert question.input.encode() is not None
            assert 1 <= len(question.options) <= MAX_OPTIONS
            assert all(len(option.label) <= MAX_LABEL for option in question.options)
            assert len(question.tool) <= 200

"""A permission question's life as a table."""

from itertools import product

import pytest
from msgspec.structs import replace

from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.permission import (
    MAX_OPTIONS,
    Closed,
    Decided,
    Event,
    Option,
    Permission,
    PermissionKind,
    PermissionState,
    Verdict,
    apply,
    checked,
)

S = PermissionState
NOW = 1_000.0
ALLOW = Option("allow", "", Verdict.ALLOW)
ALWAYS = Option("always", "git status, always", Verdict.ALLOW_ALWAYS)
DENY = Option("deny", "", Verdict.DENY, takes_text=True)
ANSWER = Option("blue", "Blue", Verdict.ANSWER)
WORDS = Option("text", "", Verdict.ANSWER, takes_text=True)
DECISIONS = [Decided(option, "", "Ada", "command-1") for option in (ALLOW, ALWAYS, DENY, ANSWER)]
CLOSINGS = [Closed(state, "why") for state in PermissionState]
EVENTS: list[Event] = [*DECISIONS, *CLOSINGS]
DECIDED = [S.ALLOWED, S.ALLOWED_ALWAYS, S.DENIED, S.ANSWERED]
ELSEWHERE = [S.ANSWERED_ELSEWHERE, S.WITHDRAWN, S.EXPIRED]
LEGAL: dict[tuple[PermissionState, Event], PermissionState] = {
    **{(S.OPEN, event): state for event, state in zip(DECISIONS, DECIDED, strict=True)},
    **{
        (before, closing): closing.state
        for before, closing in product([S.OPEN, *DECIDED], CLOSINGS)
        if closing.state in ELSEWHERE
    },
}


def question(state: PermissionState = S.OPEN, *options: Option) -> Permission:
    return Permission(
        "q", "s", "devbox", PermissionKind.TOOL, "Bash", "touch x", "digest", options or (ALLOW, DENY), 900.0, 9_000.0,
        state=state,
    )  # fmt: skip


def named(value: object) -> str:
    match value:
        case Decided(option):
            return option.verdict.name
        case Closed(state) | (PermissionState() as state):
            return state.name
    return str(value)


@pytest.mark.parametrize(("state", "event"), LEGAL, ids=named)
def test_a_legal_event_leads_to_the_next_state(state: PermissionState, event: Event) -> None:
    after = apply(question(state), event, NOW)

    assert (after.state, after.decided_at) == (LEGAL[state, event], NOW)


@pytest.mark.parametrize(
    ("state", "event"), [pair for pair in product(PermissionState, EVENTS) if pair not in LEGAL], ids=named
)
def test_every_other_event_raises_and_changes_nothing(state: PermissionState, event: Event) -> None:
    before = question(state)
    copy = replace(before)

    with pytest.raises(IllegalTransition):
        apply(before, event, NOW)
    assert before == copy


def test_a_decision_says_who_chose_what_and_what_carries_it() -> None:
    after = apply(question(), Decided(DENY, "not on a Friday", "Ada", "command-1"), NOW)

    assert (after.option_id, after.text, after.decided_by, after.command_id) == (
        "deny", "not on a Friday", "Ada", "command-1",
    )  # fmt: skip


def test_the_machine_s_word_leaves_on_record_who_had_decided() -> None:
    decided = apply(question(), DECISIONS[0], NOW)
    after = apply(decided, Closed(S.ANSWERED_ELSEWHERE), NOW + 1)

    assert (after.state, after.decided_by) == (S.ANSWERED_ELSEWHERE, "Ada")


def test_a_reply_chooses_the_option_that_takes_a_text() -> None:
    assert question().for_text == DENY
    assert question(S.OPEN, ALLOW).for_text is None


@pytest.mark.parametrize(("option", "shown"), [(ALLOW, True), (DENY, True), (ANSWER, True), (WORDS, False)], ids=str)
def test_only_an_answer_in_one_s_own_words_has_no_button(option: Option, shown: bool) -> None:
    assert option.has_button is shown


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"tool": ""}, Reason.INVALID_ARGUMENT),
        ({"tool": "x" * 201}, Reason.INVALID_ARGUMENT),
        ({"input_digest": ""}, Reason.INVALID_ARGUMENT),
        ({"options": ()}, Reason.INVALID_ARGUMENT),
        ({"options": (ALLOW, ALLOW)}, Reason.INVALID_ARGUMENT),
        ({"options": (Option("a:b", "", Verdict.ALLOW),)}, Reason.INVALID_ARGUMENT),
        ({"options": (Option("a", "x" * 65, Verdict.ALLOW),)}, Reason.TOO_LARGE),
        (
            {"options": tuple(replace(ANSWER, option_id=f"o{n}") for n in range(MAX_OPTIONS + 1))},
            Reason.INVALID_ARGUMENT,
        ),
    ],
    ids=str,
)
def test_a_question_that_cannot_be_answered_is_refused(wrong: dict[str, object], reason: Reason) -> None:
    with pytest.raises(Refusal) as refused:
        checked(replace(question(), **wrong))  # type: ignore[arg-type]

    assert refused.value.reason is reason

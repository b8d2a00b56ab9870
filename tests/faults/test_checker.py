"""The judge finds what is planted: a suite whose checker is blind proves nothing."""

import pytest

from tests.faults.checker import Accepted, Typed, Verdict, check

SENT = {"a": "s", "b": "s", "c": "s", "x": "t"}
ACCEPTED = [Accepted("s", "a", 1), Accepted("s", "b", 2), Accepted("s", "c", 3), Accepted("t", "x", 1)]
TYPED = [Typed("s", "a"), Typed("t", "x"), Typed("s", "b"), Typed("s", "c")]
DONE = dict.fromkeys("abcx", "done")


def without(text: str) -> list[Typed]:
    return [one for one in TYPED if one.text != text]


def broken(verdict: Verdict) -> dict[str, set[str]]:
    return {name: set(found) for name, found in verdict.broken.items()}


def test_a_good_run_is_good() -> None:
    verdict = check(SENT, ACCEPTED, TYPED, DONE, interrupted=set())

    assert broken(verdict) == {}
    assert (verdict.accepted, verdict.typed) == (4, 4)


@pytest.mark.parametrize("state", ["done", "queued", "sent", "received", None])
def test_what_was_accepted_and_neither_typed_nor_ended_is_lost(state: str | None) -> None:
    states = {text: word for text, word in (DONE | {"b": state}).items() if word is not None}

    assert broken(check(SENT, ACCEPTED, without("b"), states)) == {"lost": {"b"}}


def test_what_was_typed_and_never_ends_is_lost_to_whoever_waits() -> None:
    assert broken(check(SENT, ACCEPTED, TYPED, DONE | {"c": "sent"})) == {"lost": {"c"}}


@pytest.mark.parametrize("state", ["uncertain", "dead", "failed", "cancelled", "expired"])
def test_what_ended_visibly_is_not_lost(state: str) -> None:
    verdict = check(SENT, ACCEPTED, without("b"), DONE | {"b": state})

    assert broken(verdict) == {}
    assert verdict.otherwise == {state: 1}


def test_what_was_typed_twice_is_a_duplicate_and_nothing_else() -> None:
    assert broken(check(SENT, ACCEPTED, [*TYPED, Typed("s", "a")], DONE)) == {"duplicated": {"a"}}


def test_what_was_typed_after_its_successor_is_out_of_order() -> None:
    swapped = [Typed("s", "a"), Typed("s", "c"), Typed("s", "b"), Typed("t", "x")]

    assert broken(check(SENT, ACCEPTED, swapped, DONE)) == {"out_of_order": {"b"}}


def test_sessions_have_no_order_among_each_other() -> None:
    assert broken(check(SENT, ACCEPTED, [Typed("t", "x"), *without("x")], DONE)) == {}


@pytest.mark.parametrize("stray", [Typed("s", "nobody sent this"), Typed("t", "a")])
def test_what_nobody_sent_there_is_unexpected(stray: Typed) -> None:
    typed = [*without("a"), stray] if stray.text == "a" else [*TYPED, stray]

    assert broken(check(SENT, ACCEPTED, typed, DONE)) == {"unexpected": {stray.text}}


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_was_typed_though_its_sender_was_told_otherwise_is_unexpected(state: str) -> None:
    assert broken(check(SENT, ACCEPTED, TYPED, DONE | {"b": state})) == {"unexpected": {"b"}}


def test_what_was_typed_without_an_answer_to_its_sender_is_no_fault() -> None:
    assert broken(check(SENT, ACCEPTED[1:], TYPED, DONE)) == {}


def test_an_uncertain_end_needs_an_interruption() -> None:
    states = DONE | {"b": "uncertain"}

    assert broken(check(SENT, ACCEPTED, TYPED, states, interrupted=set())) == {"baseless": {"b"}}
    assert broken(check(SENT, ACCEPTED, TYPED, states, interrupted={"b"})) == {}


def test_an_interruption_needs_an_uncertain_end() -> None:
    assert broken(check(SENT, ACCEPTED, TYPED, DONE, interrupted={"a"})) == {"glossed_over": {"a"}}

"""Ids and labels of sessions."""

import pytest

from router.domain.errors import Reason, Refusal
from router.domain.session import bare_id, checked_id, checked_label

UUID = "0192f0c1-8a3b-7c4d-9e5f-001122334455"


@pytest.mark.parametrize("dressed", [UUID, f"session_{UUID}", f"cse_{UUID}", UUID.upper(), f"SESSION_{UUID.upper()}"])
def test_dress_does_not_make_another_session(dressed: str) -> None:
    assert bare_id(dressed) == UUID


@pytest.mark.parametrize("other", ["api", "session_api", f"x{UUID}", f"{UUID}x", f"session_cse_{UUID}", UUID[:-1], ""])
def test_other_ids_are_what_they_are(other: str) -> None:
    assert bare_id(other) == other


@pytest.mark.parametrize("good", ["a", "A-b_c.d:e@f/g", "x" * 128])
def test_a_well_formed_id_is_taken_as_it_is(good: str) -> None:
    assert checked_id(good, "session_id") == good


@pytest.mark.parametrize("bad", ["", "x" * 129, "a b", "a\n", "\n", "é", "a;b", "a\x00"])
def test_a_malformed_id_is_refused_by_the_name_of_its_field(bad: str) -> None:
    with pytest.raises(Refusal, match="session_id") as refused:
        checked_id(bad, "session_id")

    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_a_label_has_a_limit_in_characters() -> None:
    assert checked_label("é" * 200) == "é" * 200

    with pytest.raises(Refusal, match="201"):
        checked_label("é" * 201)

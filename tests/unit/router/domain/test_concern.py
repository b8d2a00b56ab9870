"""What goes up a ladder beside questions, as people say it, and as it is kept."""

import pytest

from router.domain import concern
from router.domain.concern import Concern
from router.domain.errors import Refusal


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("failed", "failed"),
        ("machine-lost, failed", "failed, machine-lost"),
        ("Failed ended,said", "failed, said, ended"),
        ("none", "none"),
    ],
)
def test_it_is_read_and_told_as_it_is_written(text: str, told: str) -> None:
    wanted = concern.read(text)

    assert concern.told(wanted) == told
    assert concern.read(told) == concern.kept(concern.as_kept(wanted)) == wanted


@pytest.mark.parametrize("text", ["", "weather", "failed weather", "15m again", "failed none", ",", "x" * 10_000])
def test_what_is_no_concern_is_asked_back(text: str) -> None:
    assert concern.among(text) is None
    with pytest.raises(Refusal, match="failed, finished, said, limited, ended, machine-lost; or none"):
        concern.read(text)


def test_a_word_that_a_newer_program_kept_is_passed_over() -> None:
    assert concern.kept("failed,weather") == {Concern.FAILED}


def test_it_is_a_question_with_one_answer_which_ends_by_itself() -> None:
    asked = concern.question(Concern.SAID, "note-1", "s-1", "x" * 5000, 1000.0)
    limited = concern.question(Concern.LIMITED, "s-1/2", "s-1", "at its limit", 1000.0, 1060.0)

    assert asked.is_notice
    assert [option.option_id for option in asked.options] == [concern.SEEN]
    assert len(asked.input) < 1100
    assert asked.expires_at == 1000.0 + concern.KEPT
    assert limited.expires_at == 1060.0
    assert concern.is_of(asked, Concern.SAID)
    assert not concern.is_of(asked, Concern.FAILED)
    assert asked.permission_id == concern.identity(Concern.SAID, "note-1") != concern.identity(Concern.SAID, "note-2")

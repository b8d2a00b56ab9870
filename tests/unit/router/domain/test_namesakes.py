"""Two sessions that are shown side by side always differ in something that is shown."""

import pytest
from msgspec.structs import replace

from router.domain.namesakes import MAX_ON_BUTTON, on_button, told_apart
from router.domain.session import Session, SessionState

CLAUDE = Session("s-1", "devbox", "claude", "tmux", "~/src/api", SessionState.IDLE, 1, 0.0, 0.0)


def another(session_id: str, **changes: object) -> Session:
    return replace(CLAUDE, session_id=session_id, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"label": "docs"}, ["", ""]),
        ({"machine_id": "attic"}, ["", ""]),
        ({"state": SessionState.ENDED}, ["", ""]),
        ({"cwd": "~/src/web/"}, ["api", "web"]),
        ({"cwd": "/srv/api"}, ["~/src/api", "/srv/api"]),
        ({"first_words": "fix the failing test"}, ["", "fix the failing test"]),
        ({"first_words": "w" * 80}, ["", "w" * 29 + "…"]),
        ({}, ["s-1", "s-2"]),
    ],
    ids=["name", "machine", "one is over", "folder", "path", "first words", "long words", "only the id"],
)
def test_what_tells_two_sessions_apart(changes: dict[str, object], told: list[str]) -> None:
    there = [CLAUDE, another("s-2", **changes)]

    assert [session.distinction for session in told_apart(there)] == told


def test_of_three_only_the_two_that_are_still_alike_say_more() -> None:
    there = [CLAUDE, another("s-2", first_words="review"), another("s-3", cwd="/src/web")]

    assert [session.distinction for session in told_apart(there)] == ["api", "api · review", "web"]


def test_ids_that_begin_alike_are_told_whole() -> None:
    there = [another("session-number-1"), another("session-number-2")]

    assert [session.distinction for session in told_apart(there)] == ["session-number-1", "session-number-2"]


def test_a_button_names_the_machine_where_there_are_several() -> None:
    assert on_button([CLAUDE, another("s-2", label="docs")]) == ["claude", "docs"]
    assert on_button([CLAUDE, another("s-2", machine_id="attic")]) == ["claude · devbox", "claude · attic"]


def test_a_long_name_is_cut_on_a_button_and_what_tells_apart_is_not() -> None:
    there = [replace(CLAUDE, label="n" * 200), another("s-2", label="n" * 200, cwd="/src/web")]

    labels = on_button(there)

    assert [label.rpartition("… · ")[2] for label in labels] == ["api", "web"]
    assert [len(label) for label in labels] == [MAX_ON_BUTTON, MAX_ON_BUTTON]

"""Which session a person means; the rules are the router's."""

import pytest

from pointsman.client.records import Session, SessionState
from pointsman.errors import Failure
from pointsman.names import choose_session
from pointsman.settings import like


def session(session_id: str, label: str, state: SessionState = SessionState.IDLE) -> Session:
    return Session(session_id, "box", label, "pty", "/", state, 1, True, None, None)


SESSIONS = [
    session("0192aaaa", "api"),
    session("0192bbbb", "API"),
    session("docs", "0192aaaa"),
    session("over-and-done", "old", SessionState.ENDED),
]


@pytest.mark.parametrize(
    ("name", "session_id"),
    [("0192aaaa", "0192aaaa"), ("api", "0192aaaa"), ("0192b", "0192bbbb"), ("over-and-done", "over-and-done")],
    ids=["id-before-label", "label", "prefix", "ended"],
)
def test_a_session_is_named_by_id_label_or_a_part_of_its_id(name: str, session_id: str) -> None:
    assert choose_session(SESSIONS, name) == session_id


@pytest.mark.parametrize(("name", "exit_code"), [("Api", 2), ("0192", 2), ("no such", 5), ("doc", 5)])
def test_what_fits_several_or_none_is_refused(name: str, exit_code: int) -> None:
    with pytest.raises(Failure) as raised:
        choose_session(SESSIONS, name)

    assert raised.value.exit_code == exit_code


@pytest.mark.parametrize(
    ("name", "word"), [("api-refctor", "api-refactor"), ("API-REFACTO", "api-refactor"), ("x", "")]
)
def test_only_a_slip_is_taken_for_a_word(name: str, word: str) -> None:
    assert like(name, ["docs", "api-refactor"]) == word

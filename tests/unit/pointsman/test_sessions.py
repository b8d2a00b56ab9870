"""Which session a person means."""

import pytest

from pointsman.errors import Failure
from pointsman.records import Session, SessionState
from pointsman.sessions import choose


def session(session_id: str, label: str) -> Session:
    return Session(session_id, "box", label, "pty", "/", SessionState.IDLE, 1, True, None, None)


SESSIONS = [session("0192aaaa", "api"), session("0192bbbb", "API"), session("docs", "0192aaaa")]


@pytest.mark.parametrize(
    ("name", "session_id"),
    [
        ("0192aaaa", "0192aaaa"),
        ("api", "0192aaaa"),
        ("API", "0192bbbb"),
        ("0192b", "0192bbbb"),
        ("session_0192aaaa", "session_0192aaaa"),
        ("doc", "doc"),
    ],
    ids=["id-before-label", "label", "exact-case", "prefix", "router-decides", "short-prefix"],
)
def test_ids_win_over_labels_and_those_over_prefixes(name: str, session_id: str) -> None:
    assert choose(SESSIONS, name) == session_id


@pytest.mark.parametrize(("name", "exit_code"), [("Api", 2), ("0192", 2), ("no such", 5)])
def test_what_fits_several_or_can_be_none_is_refused(name: str, exit_code: int) -> None:
    with pytest.raises(Failure) as raised:
        choose(SESSIONS, name)

    assert raised.value.exit_code == exit_code

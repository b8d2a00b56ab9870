"""Places as people say them at `pointsman start --workspace`."""

import pytest

from pointsman.client.workspaces import Place, place

API = "https://github.com/acme/api"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((API, "#12"), Place("acme/api#12", API, "refs/pull/12/head")),
        (("git@github.com:acme/api.git", ""), Place("acme/api", "git@github.com:acme/api.git")),
        (("/srv/git/api.git", "main"), Place("git/api@main", "/srv/git/api.git", "refs/heads/main")),
        ((API, "refs/tags/v1"),
         Place("acme/api@refs/tags/v1", API, "refs/tags/v1")),
    ],
    ids=str,
)  # fmt: skip
def test_what_people_say_of_a_place(words: tuple[str, str], expected: Place) -> None:
    assert place(*words) == expected

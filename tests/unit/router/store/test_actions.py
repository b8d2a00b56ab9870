"""A start is read as it was written, also by an earlier version."""

import json

import pytest

from router.domain.action import StartSession
from router.domain.workspace import Workspace
from router.store.actions import join, split

PLACE = Workspace("acme/api#7", "https://github.com/acme/api")
STARTS = {
    "plain": StartSession("go", "~/src/", "", True, "gemini"),
    "in a workspace": StartSession("go", workspace=PLACE),
    "from a chat": StartSession("go", platform="telegram"),
    "from a chat in a workspace": StartSession("go", workspace=PLACE, platform="github"),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_it_comes_back_as_it_was(start: StartSession) -> None:
    assert join(*split(start)) == start


def test_what_earlier_versions_wrote_is_read() -> None:
    place = ["acme/api#7", "https://github.com/acme/api", "", "", False, False]
    written = [["go"], ["go", "", "", False], ["go", "", "", False, ""], ["go", "", "", False, "", place]]
    read = [join("start", json.dumps(parts), False) for parts in written]

    assert read == [*[StartSession("go")] * 3, StartSession("go", workspace=PLACE)]
    assert [len(json.loads(split(start)[1])) for start in STARTS.values()][:2] == [5, 6]  # and so written still

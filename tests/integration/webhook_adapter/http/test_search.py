"""Search over what was said, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.told_events import tell

KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def test_what_was_said_is_found(router: RouterUnderTest, http: FlaskClient) -> None:
    agent = router.machine()
    session = router.session(agent, label="api")
    with agent.connected() as link:
        tell(link, session, 1, "fix the test", "the test is fixed")

    answer = http.get("/search?q=fixed+test&session=api", headers=KEY)
    first = http.get("/search?q=test&limit=1", headers=KEY).json or {}
    second = http.get(f"/search?q=test&limit=1&before={first['before']}", headers=KEY).json or {}

    parts = [("the ", False), ("test", True), (" is ", False), ("fixed", True)]
    assert answer.json == {
        "hits": [
            {
                "sessionId": session, "seq": 2, "generation": 1, "at": None, "by": "ASSISTANT",
                "snippet": [{"text": text, "isHit": is_hit} for text, is_hit in parts],
            }
        ],
        "before": 0,
    }  # fmt: skip
    assert [hit["seq"] for page in (first, second) for hit in page["hits"]] == [2, 1]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "INVALID_ARGUMENT"),
        ("q=", 400, "INVALID_ARGUMENT"),
        ("q=%22", 400, "INVALID_ARGUMENT"),
        ("q=word&limit=101", 400, "INVALID_ARGUMENT"),
        ("q=word&before=-1", 400, "INVALID_ARGUMENT"),
        ("q=word&session=none", 404, "SESSION_UNKNOWN"),
    ],
)
def test_what_cannot_be_searched_is_refused(http: FlaskClient, query: str, status: int, code: str) -> None:
    answer = http.get(f"/search?{query}", headers=KEY)

    assert (answer.status_code, (answer.json or {})["code"]) == (status, code)

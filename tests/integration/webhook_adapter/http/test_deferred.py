"""What is to be done later, over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving

KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def session(router: RouterUnderTest) -> str:
    return router.session(router.machine(), label="api")


def kept(http: FlaskClient, session: str, **more: str) -> dict[str, Any]:
    asked = {"when": "every weekday 9:00", "text": "sync", "sessionId": session, "zone": "Europe/Berlin"} | more
    return http.post("/deferred", headers=KEY, json=asked).json or {}


def test_it_is_kept_shown_changed_and_taken_back(http: FlaskClient, session: str) -> None:
    made = kept(http, session)
    listed = http.get("/deferred", headers=KEY).json
    path = f"/deferred/{made['deferredId']}"
    paused = http.post(f"{path}/change", headers=KEY, json={"change": "PAUSE"}).json or {}
    moved = http.post(f"{path}/change", headers=KEY, json={"change": "MOVE", "when": "in 2h"}).json or {}
    cancelled = http.post(f"{path}/cancel", headers=KEY).json or {}
    over = http.get("/deferred?over=true", headers=KEY).json or []

    assert listed == [made]
    assert (made["state"], made["task"], made["zone"], made["occurrence"]) == ("WAITING", "TEXT", "Europe/Berlin", 0)
    assert (paused["state"], moved["when"], cancelled["state"]) == ("PAUSED", "in 2h", "CANCELLED")
    assert http.get("/deferred", headers=KEY).json == []
    assert [each["deferredId"] for each in over] == [made["deferredId"]]


def test_the_same_key_again_gets_the_same_answer(http: FlaskClient, session: str) -> None:
    first, second = (kept(http, session, idempotencyKey="k-1") for _ in range(2))

    assert first == second
    assert len(http.get("/deferred", headers=KEY).json or []) == 1


def test_the_times_of_the_days_to_come_are_said(http: FlaskClient, session: str) -> None:
    made = kept(http, session)
    until = (datetime.now(UTC) + timedelta(days=14)).isoformat()
    answer = http.get("/deferred/occurrences", headers=KEY, query_string={"until": until, "zone": "Europe/Berlin"})
    found = answer.json or {}

    assert len(found["occurrences"]) == 10
    assert found["occurrences"][0] == {
        "deferredId": made["deferredId"], "sessionId": session, "at": made["nextAt"], "more": False,
    }  # fmt: skip
    assert found["cut"] is False


@pytest.mark.parametrize(
    "asked", [{}, {"until": "tomorrow"}, {"until": "2026-12-01T00:00:00"}, {"until": "9999-01-01T00:00:00Z"}]
)
def test_days_that_are_none_are_refused(http: FlaskClient, asked: dict[str, str]) -> None:
    assert http.get("/deferred/occurrences", headers=KEY, query_string=asked).status_code == 400


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"text": "x"}, 400, "INVALID_ARGUMENT"),
        ({"when": "soon", "text": "x"}, 400, "WHEN_UNCLEAR"),
        ({"when": "in 10m", "text": "x", "task": "CONTINUE"}, 400, "INVALID_ARGUMENT"),
        ({"task": "CONTINUE"}, 409, "ILLEGAL_STATE"),
        ({"when": "in 10m"}, 400, "INVALID_ARGUMENT"),
        ({"when": "in 10m", "text": "x", "zone": "Atlantis"}, 400, "INVALID_ARGUMENT"),
        ({"when": "in 10m", "text": "x", "sessionId": "none"}, 404, "SESSION_UNKNOWN"),
        ({"when": "in 10m", "text": "x", "sessionId": ""}, 400, "INVALID_ARGUMENT"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    http: FlaskClient, session: str, asked: dict[str, str], status: int, code: str
) -> None:
    answer = http.post("/deferred", headers=KEY, json={"sessionId": session} | asked)

    assert (answer.status_code, (answer.json or {})["code"]) == (status, code)


def test_what_is_not_there_cannot_be_changed(http: FlaskClient) -> None:
    answer = http.post("/deferred/none/cancel", headers=KEY)

    assert (answer.status_code, (answer.json or {})["code"]) == (404, "NOT_FOUND")

"""Notes over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import memory_pb2 as pb
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.session_program import Program, running

KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


def test_it_is_kept_found_listed_and_forgotten(http: FlaskClient) -> None:
    made = http.post("/notes", headers=KEY, json={"text": "use tabs", "idempotencyKey": "1"}).json or {}
    again = http.post("/notes", headers=KEY, json={"text": "use tabs", "idempotencyKey": "1"}).json
    listed = http.get("/notes", headers=KEY).json
    found = http.get("/notes/recall?q=tab", headers=KEY).json
    forgotten = http.post(f"/notes/{made['number']}/forget", headers=KEY)

    assert made == again
    assert listed == found == [made]
    assert (made["text"], made["scope"], made["state"], made["source"]) == ("use tabs", "PERSON", "KEPT", "KEY")
    assert (forgotten.status_code, forgotten.json) == (200, {"ok": True})
    assert http.get("/notes", headers=KEY).json == []
    assert http.post(f"/notes/{made['number']}/forget", headers=KEY).status_code == 404


def test_what_a_session_wants_known_is_kept_here(http: FlaskClient, program: Program) -> None:
    number = program.doors.Remember(pb.RememberRequest(text="push to main")).note.number
    waiting = http.get("/notes?waiting=true", headers=KEY).json or []
    kept = http.post(f"/notes/{number}/keep", headers=KEY)
    late = http.post(f"/notes/{number}/keep", headers=KEY)
    known = http.get(f"/notes/recall?q=push&sessionId={program.own}", headers=KEY).json or []

    assert [(each["number"], each["state"]) for each in waiting] == [(number, "WAITING")]
    assert (kept.status_code, late.status_code) == (200, 409)
    assert [each["state"] for each in known] == ["KEPT"]
    assert http.get("/notes?waiting=true", headers=KEY).json == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"text": "x" * 2049}, 413),
        ({"text": "ghp_" + "a" * 36}, 400),
        ({"text": "x", "scope": "CHAT"}, 400),
        ({"text": "x", "scope": "SESSION"}, 400),
        ({"text": "x", "sessionId": "nobody"}, 404),
    ],
)
def test_what_is_no_note_is_refused(http: FlaskClient, body: dict[str, str], status: int) -> None:
    assert http.post("/notes", headers=KEY, json=body).status_code == status


@pytest.mark.parametrize("number", ["x", "-1", "1" * 16, "0"])
def test_what_is_no_number_is_refused(http: FlaskClient, number: str) -> None:
    assert http.post(f"/notes/{number}/forget", headers=KEY).status_code == 404
